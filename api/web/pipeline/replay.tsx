import { useEffect, useState } from 'preact/hooks'
import { ask, type Json, useAnswer } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { Ago, Name, Panel, State, Table, Time } from '../ui/ui.tsx'

const post = (path: string, body: Json) =>
  ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

const value = (of: unknown) => {
  const text = JSON.stringify(of ?? null)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
const total = (counts: Record<string, number> | undefined) => Object.values(counts ?? {}).reduce((sum, each) => sum + each, 0)

/** What differs, in a few words. */
const differenceOf = (result: Json): string => {
  const letters = total(result.deadLetters?.come) + total(result.deadLetters?.go)
  const rows = `${count(result.added)} added, ${count(result.removed)} removed, ${count(result.changed)} changed`
  return letters === 0 ? rows : `${rows}; ${count(letters)} dead letters differ`
}

const stateOf = ({ state, progress, verb, dry_run: isDry, result, detail }: Json): string => {
  if (state === 'failed') return detail ?? 'failed'
  if (state === 'running') return progress ? `${Math.min(100, Math.floor((100 * progress.done) / Math.max(1, progress.all)))} %` : 'at work'
  if (verb === 'rollback') return `taken back as version ${result.version}`
  if (isDry) return result.isDifferent ? 'compared' : 'nothing differs'
  return result.version === null ? 'nothing differed' : `version ${result.version}`
}

const Samples = ({ result }: { result: Json }) => (
  <ul>
    {(result.samples ?? []).map((sample: Json) => (
      <li key={`${sample.sign}${sample.partition}:${sample.offset}`}>
        {{ '+': 'added', '-': 'removed', '~': 'changed' }[sample.sign as string]} {sample.key ?? 'no key'} at {sample.partition}:
        {sample.offset}
        {sample.fields.map((field: Json) => (
          <span key={field.name} class="by">
            {field.name} {value(field.before)} → {value(field.after)}
          </span>
        ))}
      </li>
    ))}
    {(result.deadLetters?.samples ?? []).map((sample: Json) => (
      <li key={`letter${sample.sign}${sample.partition}:${sample.offset}`}>
        dead letter {sample.sign === '+' ? 'comes' : 'goes'}: {sample.key ?? 'no key'} at {sample.partition}:{sample.offset} (
        {sample.errorClass})
      </li>
    ))}
  </ul>
)

/** What the newest job has found, and what may be done with it. */
const Outcome = ({ job, onSwap, onBack, onStop }: { job: Json; onSwap: () => void; onBack: () => void; onStop: () => void }) => {
  const { state, verb, dry_run: isDry, result } = job
  const isDifferent = state === 'done' && verb === 'replay' && result.isDifferent === true
  return (
    <div class="outcome" role="status">
      <p>
        <Name name={job.table} />: {stateOf(job)}
        {state === 'done' && result.added !== undefined && ` (rows: ${differenceOf(result)})`}
        {isDry && state === 'done' && '; the table is as it was.'}
      </p>
      {state === 'done' && <Samples result={result} />}
      <p>
        {state === 'running' && (
          <button type="button" onClick={onStop}>
            Stop
          </button>
        )}
        {isDifferent && isDry && (
          <button type="button" onClick={onSwap}>
            Replay and swap in
          </button>
        )}
        {isDifferent && !isDry && (
          <button type="button" onClick={onBack}>
            Take it back
          </button>
        )}
      </p>
    </div>
  )
}

const Bounds = ({ partitions }: { partitions: readonly Json[] }) => (
  <Table
    id="replay-bounds"
    label="What can be replayed"
    columns={[{ name: 'Partition', kind: 'num' }, { name: 'Earliest' }, { name: 'Latest' }]}
  >
    {partitions.map(({ partition, earliest, latest, kafka_from: kafkaFrom }) => (
      <tr key={partition}>
        <th scope="row" class="num">
          {partition}
        </th>
        <td>
          {count(earliest.offset)}
          <span class="by">
            {earliest.at && <Time at={earliest.at} />}
            {kafkaFrom > earliest.offset && ` before ${count(kafkaFrom)} from Bronze`}
          </span>
        </td>
        <td>
          {count(latest.offset)}
          <span class="by">{latest.at && <Time at={latest.at} />}</span>
        </td>
      </tr>
    ))}
  </Table>
)

/** Derives a table again: shows the difference first, then swaps it in, and takes it back. */
export const Replay = ({ status: { now } }: { status: Json }) => {
  const [table, setTable] = useState('silver.books')
  const [partition, setPartition] = useState('')
  const [from, setFrom] = useState('earliest')
  const [to, setTo] = useState('latest')
  const [isOpen, setOpen] = useState(false)
  const [said, setSaid] = useState('')
  const [asked, setAsked] = useState(0)
  const answer = useAnswer('/v1/replays', { everyMs: 2000, key: asked })
  const bounds = useAnswer(isOpen ? `/v1/replays/bounds?table=${table}` : null)
  const partitions: Json[] = bounds.data && !bounds.isOther ? bounds.data.partitions : []
  const jobs: Json[] = answer.data?.jobs ?? []
  const [job] = jobs
  const isBusy = jobs.some((each) => each.state === 'running' && each.table === table)

  // Earliest and latest are filled in: offsets of one partition, times of all.
  useEffect(() => {
    const one = partitions.find((each) => String(each.partition) === partition)
    const times = partitions.flatMap(({ earliest }) => earliest.at ?? []).sort()
    setFrom(one ? String(one.earliest.offset) : partition === '' ? (times[0] ?? 'earliest') : 'earliest')
    setTo(one ? String(one.latest.offset) : 'latest')
  }, [bounds.data, bounds.isOther, partition])

  const act = (path: string, body: Json) => {
    setSaid('Asked.')
    post(path, body).then(
      () => {
        setSaid('')
        setAsked(asked + 1)
      },
      (error: Error) => setSaid(error.message),
    )
  }
  const show = (event: Event) => {
    event.preventDefault()
    act('/v1/replays', { table, from, to, ...(partition === '' ? {} : { partitions: [Number(partition)] }), dry_run: true })
  }
  const again = ({ table, from, to, partitions }: Json) => ({ table, from, to, ...(partitions === null ? {} : { partitions }) })
  return (
    <Panel
      id="replay"
      title="Replay"
      note="Derives a table again by the code of now, beside live traffic. Nothing changes until the difference is swapped in."
    >
      <State answer={answer} />
      {answer.data && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary id="replay-new">Replay a table</summary>
          <form onSubmit={show}>
            <p class="choice">
              <label for="replay-table">Table</label>
              <select
                id="replay-table"
                value={table}
                onChange={(event) => {
                  setTable(event.currentTarget.value)
                  setPartition('')
                }}
              >
                {answer.data.tables.map((name: string) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
              <label for="replay-partition">Partition</label>
              <select id="replay-partition" value={partition} onChange={(event) => setPartition(event.currentTarget.value)}>
                <option value="">all</option>
                {partitions.map((each) => (
                  <option key={each.partition} value={String(each.partition)}>
                    {each.partition}
                  </option>
                ))}
              </select>
            </p>
            <p class="choice">
              <label for="replay-from">From</label>
              <input id="replay-from" required maxLength={40} value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
              <label for="replay-to">To</label>
              <input id="replay-to" required maxLength={40} value={to} onInput={(event) => setTo(event.currentTarget.value)} />
            </p>
            <p class="choice">
              <button type="submit" disabled={isBusy}>
                Show the difference
              </button>
              <button type="button" disabled={isBusy} onClick={() => act('/v1/replays/rollback', { table })}>
                Take the last replay back
              </button>
            </p>
          </form>
          <State answer={bounds} empty={bounds.data !== null && partitions.length === 0 && 'This table has taken nothing in yet.'} />
          {partitions.length > 0 && <Bounds partitions={partitions} />}
        </details>
      )}
      {said !== '' && (
        <p class="muted" role="status">
          {said}
        </p>
      )}
      {job && (
        <Outcome
          job={job}
          onSwap={() => act('/v1/replays', again(job))}
          onBack={() => act('/v1/replays/rollback', { table: job.table })}
          onStop={() => act(`/v1/replays/jobs/${job.id}/stop`, {})}
        />
      )}
      {answer.data?.replays.length > 0 && (
        <Table
          id="replays"
          label="Replays"
          columns={[{ name: 'Table' }, { name: 'Began' }, { name: 'Records', kind: 'num wide' }, { name: 'State' }]}
        >
          {answer.data.replays.slice(0, 10).map((each: Json) => (
            <tr key={each.id}>
              <th scope="row">
                <Name name={each.table} />
                <span class="by">{each.request}</span>
              </th>
              <td>
                <Ago at={each.started_at} now={now} />
              </td>
              <td class="num wide">{count(each.records)}</td>
              <td>{each.version === null ? each.state : `${each.state} as version ${each.version}`}</td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  )
}
