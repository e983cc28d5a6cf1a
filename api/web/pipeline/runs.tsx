import { useState } from 'preact/hooks'
import { ask, type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { count, duration } from '../lib/format.ts'
import { useParameter } from '../lib/parameter.ts'
import { Ago, Panel, State, Table } from '../ui/ui.tsx'

const tones: Record<string, string> = { failed: 'bad', held: 'behind', aborted: 'behind' }
const kinds = ['', 'poll', 'build', 'optimize', 'vacuum', 'replay']

const summary = (counts: Record<string, number>) =>
  Object.entries(counts)
    .filter(([, value]) => value !== 0)
    .slice(0, 4)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${count(value)}`)
    .join(', ')

/** Kinds whose stage waits after a failure, and goes on at once when it is told to. */
const retried = ['poll', 'build']

/** Tries a failed run again now. Says what became of that. */
const Retry = ({ run }: { run: Json }) => {
  const [said, setSaid] = useState('')
  const retry = () => {
    setSaid('Asked.')
    ask(`/v1/runs/${encodeURIComponent(run.run_id)}/retry`, { method: 'POST' }).then(
      () => setSaid('Tried again.'),
      (error: Error) => setSaid(error.message),
    )
  }
  return (
    <>
      <button type="button" aria-label={`Retry ${run.job}`} onClick={retry}>
        Retry now
      </button>
      <span class="by" role="status">
        {said}
      </span>
    </>
  )
}

/** Whether no newer run of the same job is listed. */
const isLast = (runs: readonly Json[], index: number) => !runs.slice(0, index).some(({ job }) => job === runs[index]!.job)

/** What was done, how long it took and how it ended: the last of each kind, or the newest of one. */
export const Runs = ({ status }: { status: Json }) => {
  const [wanted, setKind] = useParameter('runs')
  const kind = kinds.includes(wanted) ? wanted : ''
  const path = kind === '' ? null : withQuery('/v1/runs', { kind, limit: 20 })
  const answer = useAnswer(path, { everyMs: 5000 })
  const runs: Json[] = kind === '' ? status.runs : (answer.data?.runs ?? [])
  return (
    <Panel
      id="runs-panel"
      title="Runs"
      note={
        status.runs.length === 0
          ? 'Nothing has run yet: the first poll comes with the first answer of the source.'
          : `${kind === '' ? 'The last of each kind.' : 'The newest of them.'} Every run is in the table ops.runs and on the topic readflow.runs.`
      }
    >
      <p class="choice">
        <label for="runs-kind">Kind</label>
        <select id="runs-kind" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          {kinds.map((each) => (
            <option key={each} value={each}>
              {each === '' ? 'all' : each}
            </option>
          ))}
        </select>
      </p>
      {path !== null && <State answer={answer} empty={answer.data !== null && runs.length === 0 && 'There is no such run on record.'} />}
      {runs.length > 0 && (
        <Table
          id="runs"
          label="Runs"
          columns={[
            { name: 'Run' },
            { name: 'State' },
            { name: 'Took', kind: 'num' },
            { name: 'Attempt', kind: 'num wide' },
            { name: 'Did', kind: 'wide' },
            { name: 'Began', kind: 'num' },
          ]}
        >
          {runs.map((run, index) => (
            <tr key={run.run_id}>
              <th scope="row">
                <a href={`/v1/runs/${encodeURIComponent(run.run_id)}`}>{run.kind}</a>
                <span class="by narrow">
                  attempt {count(run.attempt)}
                  {summary(run.counts) === '' ? '' : `; ${summary(run.counts)}`}
                </span>
              </th>
              <td class={tones[run.state]}>
                {run.state === 'started' ? 'running' : run.state}
                {run.error !== null && <span class="by">{run.error}</span>}
                {run.state === 'failed' && retried.includes(run.kind) && isLast(runs, index) && <Retry run={run} />}
              </td>
              <td class="num">{run.duration_ms === null ? '–' : duration(run.duration_ms)}</td>
              <td class="num wide">{count(run.attempt)}</td>
              <td class="wide muted">{summary(run.counts)}</td>
              <td class="num">
                <Ago at={run.started_at} now={status.now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  )
}
