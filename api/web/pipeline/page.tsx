import { useStatus } from '../lib/status.ts'
import { State } from '../ui/ui.tsx'
import { Contracts } from './contracts.tsx'
import { Drift } from './drift.tsx'
import { Flow } from './flow.tsx'
import { GateHistory } from './gate-history.tsx'
import { Counts, Lag, LakeAway, Setup, Tables } from './holds.tsx'
import { Lineage } from './lineage.tsx'
import { Profiles } from './profiles.tsx'
import { Quality } from './quality.tsx'
import { Replay } from './replay.tsx'
import { Runs } from './runs.tsx'
import { Stages } from './stages.tsx'

/** What the pipeline holds and does. */
export const PipelinePage = () => {
  const status = useStatus()
  const { data } = status
  if (!data) return <State answer={status} />
  return (
    <>
      <Setup status={data} />
      <LakeAway status={data} />
      <Flow status={data} />
      <Counts status={data} />
      <div class="pair">
        <Lag status={data} />
        <Tables status={data} />
      </div>
      <Stages status={data} />
      <Replay status={data} />
      <Runs status={data} />
      <section id="quality" class="panel" aria-labelledby="quality-title">
        <h2 id="quality-title">Data quality</h2>
        <Quality status={data} />
        <Profiles status={data} />
        <GateHistory status={data} />
      </section>
      <Contracts status={data} />
      <Drift status={data} />
      <Lineage status={data} />
    </>
  )
}
