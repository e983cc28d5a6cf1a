import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type Json, useAnswer } from '../lib/answer.ts'
import { useParameter } from '../lib/parameter.ts'
import { Panel, State, Time } from '../ui/ui.tsx'

/** Where a row came from, back to the offset, the poll and the request. */
export const Lineage = ({ status }: { status: Json }) => {
  const [table, setTable] = useParameter('table', 'gold.dim_book')
  const [key, setKey] = useParameter('key')
  const [typed, setTyped] = useState(key)
  const asked = key === '' ? null : `/v1/lineage/${encodeURIComponent(table)}/${encodeURIComponent(key)}`
  const answer = useAnswer(asked)
  const tables = [
    ...new Set([table, ...status.tables.map((each: Json) => each.table).filter((name: string) => !name.startsWith('ops.'))]),
  ].sort()
  const submit = (event: Event) => {
    event.preventDefault()
    setKey(typed.trim())
  }
  const lineage = asked === null ? null : answer.data?.lineage
  return (
    <Panel
      id="lineage"
      title="Where a row comes from"
      note="By its key: a book or author id, USER:BOOK for a rating, PARTITION/OFFSET in Bronze."
    >
      <form class="choice" onSubmit={submit}>
        <label for="lineage-table">Table</label>
        <select id="lineage-table" value={table} onChange={(event) => setTable(event.currentTarget.value)}>
          {tables.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
        <label for="lineage-key">Key</label>
        <input id="lineage-key" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        <button type="submit">Trace</button>
      </form>
      {asked !== null && <State answer={answer} />}
      {lineage?.rows.map((row: Json, index: number) => (
        <ol key={index} class="trace">
          <Step name="Row">{shortened(row.row)}</Step>
          {lineage.gold && (
            <Step name="Published">
              Gold version {lineage.gold.version} <At time={lineage.gold.published_at} />, build {lineage.gold.run_id}
              {lineage.gold.build && `, ${runText(lineage.gold.build)}`}
              {lineage.gold.released && `; released by ${lineage.gold.released.by}: ${lineage.gold.released.why}`}
            </Step>
          )}
          <Step name="File">
            <PlaceOf place={row.place} />
          </Step>
          {row.joins.map(({ column, table: joined, row: other }: Json) => (
            <Step key={column} name="Joins">
              {column} → {joined}: {shortened(other)}
            </Step>
          ))}
          {row.origin?.silver && (
            <Step name="Silver">
              {row.origin.silver.key}, order {row.origin.silver.order}
              {row.origin.silver.flags.length > 0 && `, flags ${row.origin.silver.flags.join(', ')}`}; <PlaceOf place={row.origin.silver} />
            </Step>
          )}
          {row.origin?.record && (
            <Step name="Kafka">
              {row.origin.record.topic} partition {row.origin.record.partition} offset {row.origin.record.offset}
              {row.origin.record.timestamp !== null && (
                <>
                  , <At time={row.origin.record.timestamp} />
                </>
              )}
            </Step>
          )}
          {row.origin?.bronze && (
            <Step name="Bronze">
              <PlaceOf place={row.origin.bronze} />
            </Step>
          )}
          {row.origin?.poll_id && (
            <Step name="Poll">
              {row.origin.poll_id}
              {row.origin.source && `, source ${row.origin.source}`}
              {row.origin.poll && `, ${runText(row.origin.poll)}`}
            </Step>
          )}
          {row.origin?.request && (
            <Step name="Request">
              {row.origin.request.method} {row.origin.request.url}, status {row.origin.request.status},{' '}
              <At time={row.origin.request.requested_at} />
            </Step>
          )}
          {[...row.notes, ...(row.origin?.notes ?? [])].map((note: string) => (
            <Step key={note} name="Note">
              {note}
            </Step>
          ))}
        </ol>
      ))}
    </Panel>
  )
}

const Step = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <li>
    <strong>{name}</strong> <span>{children}</span>
  </li>
)

const At = ({ time }: { time: string }) => (
  <>
    at <Time at={time} />
  </>
)

const PlaceOf = ({ place: { table, version, file, added_by: added } }: { place: Json }) => (
  <>
    {table} version {version}
    {added && `, added in version ${added.version} (${added.operation})`}
    {added?.committed_at && (
      <>
        {' '}
        <At time={added.committed_at} />
      </>
    )}
    , {file}
  </>
)

const runText = ({ state, attempt, error }: Json): string =>
  `${state === 'started' ? 'running' : state}, attempt ${attempt}${error === null ? '' : `: ${error}`}`

const shortened = (row: Json) => {
  const text = Object.entries(row)
    .flatMap(([name, value]) => (value === null ? [] : [`${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`]))
    .join(', ')
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
