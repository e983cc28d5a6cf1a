/** Offsets of a partition, the last one left out. */
export interface OffsetRange {
  partition: number
  from_offset: number
  to_offset: number
}

interface FieldTypes {
  text: string
  texts: readonly string[]
  number: number
  numbers: readonly number[]
  counts: Readonly<Record<string, number>>
  ranges: readonly OffsetRange[]
}

/** Every field that a line of a log may have, beside `time`, `level`, `program` and `msg`; docs/logs.md says what each means. */
export const logFields = {
  stage: 'text',
  run_id: 'text',
  poll_id: 'text',
  poll_ids: 'texts',
  request_id: 'text',
  backfill_id: 'text',
  source: 'text',
  job: 'text',
  entity: 'text',
  table: 'text',
  topic: 'text',
  topics: 'texts',
  partition: 'number',
  offset: 'number',
  from_offset: 'number',
  to_offset: 'number',
  ranges: 'ranges',
  partitions: 'number',
  group_id: 'text',
  member_id: 'text',
  version: 'number',
  gold_version: 'number',
  error: 'text',
  reason: 'text',
  repeated: 'number',
  retry_in_ms: 'number',
  duration_ms: 'number',
  requests: 'number',
  records: 'number',
  rows: 'number',
  files: 'number',
  counts: 'counts',
  inputs: 'counts',
  checks: 'texts',
  method: 'text',
  id: 'text',
  path: 'text',
  status: 'number',
  url: 'text',
  host: 'text',
  port: 'number',
  wanted_port: 'number',
  lake: 'text',
  keys: 'number',
  pid: 'number',
  shelf: 'text',
  file: 'text',
  lines: 'numbers',
  page: 'number',
  from_day: 'text',
  to_day: 'text',
  field: 'text',
  kind: 'text',
  before: 'text',
  after: 'text',
  sample: 'text',
  policy: 'text',
  model: 'text',
  seed: 'number',
  start_ms: 'number',
} as const satisfies Record<string, keyof FieldTypes>

export type LogFieldName = keyof typeof logFields

/** What a line says, by the names of its fields. */
export type LogFields = { [N in LogFieldName]?: FieldTypes[(typeof logFields)[N]] | null | undefined }

/** The numbers of a result, named as logs name things. */
export const countsOf = (result: object): Record<string, number> =>
  Object.fromEntries(
    Object.entries(result).flatMap(([name, value]) =>
      typeof value === 'number' ? [[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]] : [],
    ),
  )
