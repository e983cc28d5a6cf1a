import { useState } from 'preact/hooks'
import type { Json } from '../lib/answer.ts'
import { size } from '../lib/format.ts'
import { Table, Time } from '../ui/ui.tsx'

/** Messages with their value in short; each opens to all of it. */
export const RecordRows = ({ records }: { records: readonly Json[] }) => (
  <Table label="Messages" columns={[{ name: 'Offset' }, { name: 'Key' }, { name: 'Value' }, { name: 'Time', kind: 'num wide' }]}>
    {records.map((record) => (
      <tr key={`${record.partition}/${record.offset}`}>
        <th scope="row">
          {record.partition}/{record.offset}
          <span class="by narrow">
            <Time at={record.timestamp} />
          </span>
        </th>
        <td class="value key">{record.key ?? '–'}</td>
        <td class="value">
          <RecordValue record={record} />
        </td>
        <td class="num wide">
          <Time at={record.timestamp} />
        </td>
      </tr>
    ))}
  </Table>
)

/** The value of a record in short, which opens to the whole of it with headers and bytes. */
export const RecordValue = ({ record }: { record: Json }) => {
  const { value, error, raw, headers, schema_id: schemaId, size_bytes: bytes } = record
  const text = value === null ? (error ?? 'no value') : typeof value === 'string' ? value : JSON.stringify(withoutNulls(value))
  return (
    <details class="record">
      <summary class={error ? 'behind' : undefined}>{text.length > 120 ? `${text.slice(0, 120)}…` : text}</summary>
      {value !== null && typeof value === 'object' && <pre>{JSON.stringify(value, null, 2)}</pre>}
      {error && <p class="bad">{error}</p>}
      <dl class="facts">
        {schemaId !== null && (
          <>
            <dt>Schema id</dt>
            <dd>{schemaId}</dd>
          </>
        )}
        {Object.entries(headers).map(([name, text]) => (
          <>
            <dt>{name}</dt>
            <dd>{String(text)}</dd>
          </>
        ))}
        {raw !== null && (
          <>
            <dt>Bytes</dt>
            <dd>
              <Bytes raw={raw} size={bytes} />
            </dd>
          </>
        )}
      </dl>
    </details>
  )
}

const SHORT = 400

/** Bytes in base64: their beginning, and on request all that the server sends. */
const Bytes = ({ raw, size: bytes }: { raw: string; size: number }) => {
  const [isWhole, setWhole] = useState(false)
  return (
    <>
      {size(bytes)}, in base64{bytes > 4096 ? ' (the first 4 KiB)' : ''}: <code>{isWhole ? raw : raw.slice(0, SHORT)}</code>
      {!isWhole && raw.length > SHORT && (
        <>
          …{' '}
          <button type="button" onClick={() => setWhole(true)}>
            Show more
          </button>
        </>
      )}
    </>
  )
}

const withoutNulls = (value: Json): Json =>
  typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null)) : value
