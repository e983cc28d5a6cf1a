import { useEffect, useRef, useState } from 'preact/hooks'
import type { Json } from '../lib/answer.ts'
import { count } from '../lib/format.ts'

const layers = ['bronze', 'silver', 'gold'] as const

const rowsIn = (status: Json, layer: string): number =>
  status.tables.filter(({ table }: Json) => table.startsWith(`${layer}.`)).reduce((sum: number, { rows }: Json) => sum + rows, 0)

/** Next offsets, summed: what was ever appended, also what Kafka keeps no more. */
const endsOf = (status: Json): number =>
  status.lag
    .filter(({ group }: Json) => group === 'readflow.bronze')
    .flatMap(({ partitions }: Json) => partitions)
    .reduce((sum: number, { end_offset: end }: Json) => sum + end, 0)

const RATE_WINDOW_MS = 30_000
/** Records come in batches: over less than this, a rate says more about the moment than about the flow. */
const RATE_LEAST_MS = 10_000

/** Records a second, from looks at how much there is; null until they are far enough apart. */
const useRate = (amount: number, nowIso: string): number | null => {
  const looks = useRef<{ ms: number; amount: number }[]>([])
  const [rate, setRate] = useState<number | null>(null)
  useEffect(() => {
    const ms = Date.parse(nowIso)
    looks.current = [...looks.current.filter((look) => ms - look.ms < RATE_WINDOW_MS), { ms, amount }]
    const first = looks.current[0] as { ms: number; amount: number }
    if (ms - first.ms >= RATE_LEAST_MS) setRate(Math.max(0, ((amount - first.amount) * 1000) / (ms - first.ms)))
  }, [nowIso])
  return rate
}

/** The flow as a picture: what is where, and how fast it comes. */
export const Flow = ({ status }: { status: Json }) => {
  const topics = useRate(endsOf(status), status.now)
  const bronze = useRate(rowsIn(status, 'bronze'), status.now)
  const silver = useRate(rowsIn(status, 'silver'), status.now)
  const lagIn = (group: string) =>
    status.lag.filter((each: Json) => each.group === group).reduce((sum: number, { lag_records: lag }: Json) => sum + (lag ?? 0), 0)
  const perSecond = (rate: number | null) => (rate === null ? '' : `${count(Math.round(rate))}/s`)
  const boxes = [
    { name: 'GoodReads', what: status.up?.source.uri ?? 'sources', at: 'source' },
    { name: 'Kafka', what: `${count(endsOf(status))} offsets`, at: 'kafka' },
    ...layers.map((layer) => ({
      name: layer.slice(0, 1).toUpperCase() + layer.slice(1),
      what: layer === 'gold' ? (status.gold ? `version ${count(status.gold.version)}` : 'not yet') : `${count(rowsIn(status, layer))} rows`,
      at: layer,
    })),
  ]
  const arrows = [
    { rate: perSecond(topics), lag: '' },
    { rate: perSecond(bronze), lag: `lag ${count(lagIn('readflow.bronze'))}` },
    { rate: perSecond(silver), lag: `lag ${count(lagIn('readflow.silver'))}` },
    { rate: '', lag: status.gate.held ? 'held' : '' },
  ]
  const told = boxes
    .map(({ name, what }, index) => `${name}: ${what}${arrows[index]?.rate ? `, then ${arrows[index].rate}` : ''}`)
    .join('; ')
  return (
    <section class="panel" aria-labelledby="picture-title">
      <h2 id="picture-title">The flow</h2>
      <p class="muted">Rates are of the last 30 seconds that this page saw. Bronze and Silver both read the topics.</p>
      <ol class="flow" aria-label={told}>
        {boxes.map(({ name, what, at }, index) => (
          <>
            <li key={at} class="stage" data-at={at}>
              <strong>{name}</strong>
              <span class="muted">{what}</span>
            </li>
            {arrows[index] && (
              <li key={`${at}-arrow`} class={arrows[index].lag === 'held' ? 'arrow behind' : 'arrow'} aria-hidden="true">
                <span>{arrows[index].rate}</span>
                <svg viewBox="0 0 48 12" width="48" height="12" aria-hidden="true">
                  <path d="M0 6h42m-5-5 6 5-6 5" fill="none" stroke="currentColor" stroke-width="1.5" />
                </svg>
                <span>{arrows[index].lag}</span>
              </li>
            )}
          </>
        ))}
      </ol>
    </section>
  )
}
