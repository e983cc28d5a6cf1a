import type { Lineage, Place, RecordSource, RunSummary, TracedRow } from '../../lineage/trace/answer.ts'
import { lineText } from '../../runtime/line-text.ts'

const MAX_ROW = 600
const width = 10
const line = (name: string, ...parts: (string | null)[]): string => `  ${name.padEnd(width)}${parts.filter(Boolean).join(', ')}`

/** Where the rows of a key came from, for people: a block a row, from the row back to the request. */
export const lineageText = ({ table, key, gold, rows }: Lineage): string =>
  [
    `${table} ${key}`,
    ...(gold
      ? [
          line(
            'published',
            `Gold version ${gold.version} at ${gold.published_at}`,
            `build ${runText(gold.run_id, gold.build)}`,
            gold.released && `released by ${gold.released.by}: ${gold.released.why}`,
          ),
        ]
      : []),
    ...rows.flatMap((row) => ['', ...rowLines(row)]),
    '',
  ]
    .map(lineText)
    .join('\n')

const rowLines = ({ row, place, joins, origin, notes }: TracedRow): string[] => [
  line(
    'row',
    shortened(
      Object.entries(row)
        .flatMap(([name, value]) => (value === null ? [] : [`${name} ${valueText(value)}`]))
        .join(', '),
    ),
  ),
  line('in', ...placeParts(place)),
  ...joins.map(({ column, table, row: joined, place: at }) =>
    line(
      'joins',
      `${table} ${valueText(row[column])}`,
      shortened(
        Object.entries(joined)
          .map(([name, value]) => `${name} ${valueText(value)}`)
          .join(', '),
      ),
      `version ${at.version}`,
    ),
  ),
  ...(origin ? originLines(origin) : []),
  ...notes.map((note) => line('note', note)),
]

const originLines = ({ silver, record, bronze, source, poll_id, poll, request_id, request, notes }: RecordSource): string[] => [
  ...(silver
    ? [
        line(
          'silver',
          `${silver.key} order ${silver.order} hash ${silver.hash}`,
          silver.late ? 'came late' : null,
          silver.deleted ? 'a deletion' : null,
          silver.flags.length > 0 ? `flags ${silver.flags.join(' ')}` : null,
          ...placeParts(silver),
        ),
      ]
    : []),
  ...(record
    ? [
        line(
          'kafka',
          `${record.topic} partition ${record.partition} offset ${record.offset}`,
          record.timestamp,
          record.schema_id === null ? null : `schema id ${record.schema_id}`,
          `topic id ${record.topic_id}`,
        ),
      ]
    : []),
  ...(bronze ? [line('bronze', ...placeParts(bronze))] : []),
  ...(poll_id === null ? [] : [line('poll', runText(poll_id, poll), source === null ? null : `source ${source}`)]),
  ...(request
    ? [
        line(
          'request',
          `${request.method} ${request.url}`,
          `status ${request.status} in ${request.duration_ms} ms at ${request.requested_at}`,
          `request id ${request_id}`,
        ),
        line('response', `${request.topic} partition ${request.partition} offset ${request.offset}`, ...placeParts(request)),
      ]
    : []),
  ...notes.map((note) => line('note', note)),
]

const placeParts = ({ table, version, file, added_by: added }: Place): string[] => [
  `${table} version ${version}`,
  added
    ? `added in version ${added.version} (${added.operation}${added.run_id ? `, run ${added.run_id}` : ''})`
    : 'the log does not tell any more who added it',
  file,
]

const runText = (id: string, run: RunSummary | null): string =>
  run
    ? `${id} (${run.state}${run.duration_ms === null ? '' : ` in ${(run.duration_ms / 1000).toFixed(1)} s`}${run.attempt > 1 ? `, attempt ${run.attempt}` : ''}${run.error === null ? '' : `: ${run.error}`})`
    : `${id} (not on record)`

const valueText = (value: unknown): string => (typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value))

const shortened = (text: string): string => {
  const plain = text.replaceAll(/\s+/g, ' ')
  return plain.length > MAX_ROW ? `${plain.slice(0, MAX_ROW)}…` : plain
}
