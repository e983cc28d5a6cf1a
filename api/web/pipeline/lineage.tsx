import { useState } from 'preact/hooks'
import { type Json, useAnswer } from '../lib/answer.ts'
import { Panel, State } from '../ui/ui.tsx'

const tables = [
  'gold.fact_rating',
  'gold.fact_review',
  'gold.dim_book',
  'gold.dim_author',
  'silver.books',
  'silver.authors',
  'silver.reviews',
  'silver.ratings',
  'bronze.raw',
]

/** Where a row came from, back to the offset, the poll and the request. */
export const Lineage = () => {
  const [table, setTable] = useState('gold.dim_book')
  const [typed, setTyped] = useState('')
  const [asked, setAsked] = useState<string | null>(null)
  const answer = useAnswer(asked)
  const submit = (event: Event) => {
    event.preventDefault()
    setAsked(typed.trim() === '' ? null : `/v1/lineage/${encodeURIComponent(table)}/${encodeURIComponent(typed.trim())}`)
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
          <Step name="Row" text={shortened(row.row)} />
          {lineage.gold && (
            <Step
              name="Published"
              text={`Gold version ${lineage.gold.version} at ${lineage.gold.published_at}, build ${lineage.gold.run_id}`}
            />
          )}
          <Step name="File" text={placeText(row.place)} />
          {row.origin?.silver && (
            <Step name="Silver" text={`${row.origin.silver.key}, order ${row.origin.silver.order}; ${placeText(row.origin.silver)}`} />
          )}
          {row.origin?.record && (
            <Step
              name="Kafka"
              text={`${row.origin.record.topic} partition ${row.origin.record.partition} offset ${row.origin.record.offset}, ${row.origin.record.timestamp}`}
            />
          )}
          {row.origin?.bronze && <Step name="Bronze" text={placeText(row.origin.bronze)} />}
          {row.origin?.poll_id && (
            <Step name="Poll" text={`${row.origin.poll_id}${row.origin.source ? `, source ${row.origin.source}` : ''}`} />
          )}
          {row.origin?.request && (
            <Step
              name="Request"
              text={`${row.origin.request.method} ${row.origin.request.url}, status ${row.origin.request.status} at ${row.origin.request.requested_at}`}
            />
          )}
          {[...row.notes, ...(row.origin?.notes ?? [])].map((note: string) => (
            <Step key={note} name="Note" text={note} />
          ))}
        </ol>
      ))}
    </Panel>
  )
}

const Step = ({ name, text }: { name: string; text: string }) => (
  <li>
    <strong>{name}</strong> <span>{text}</span>
  </li>
)

const placeText = ({ table, version, file, added_by: added }: Json) =>
  `${table} version ${version}${added ? `, added in version ${added.version} (${added.operation})` : ''}, ${file}`

const shortened = (row: Json) => {
  const text = Object.entries(row)
    .flatMap(([name, value]) => (value === null ? [] : [`${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`]))
    .join(', ')
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
