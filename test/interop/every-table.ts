import { setTimeout as sleep } from 'node:timers/promises'
import { appendValue, type Column, type ColumnBatch, type ColumnType, type Field, newBatch } from '../../lake/columns/column.ts'
import { commit } from '../../lake/delta/commit.ts'
import { optimize, type Rewrite } from '../../lake/delta/optimize.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'

const field = (name: string, type: ColumnType | Exclude<ColumnType['kind'], 'list' | 'struct' | 'map'>): Field => ({
  name,
  type: typeof type === 'string' ? ({ kind: type } as ColumnType) : type,
  nullable: true,
})
const list = (element: ColumnType): ColumnType => ({ kind: 'list', element })
const map = (value: ColumnType): ColumnType => ({ kind: 'map', value })
const struct = (...fields: Field[]): ColumnType => ({ kind: 'struct', fields })
const long: ColumnType = { kind: 'long' }
const string: ColumnType = { kind: 'string' }
const timestamp: ColumnType = { kind: 'timestamp' }

const workFields = [field('id', 'long'), field('name', 'string'), field('at', 'timestamp')]
const year = field('year', 'long')

export const partitionColumns = ['p_text', 'p_day', 'p_long', 'p_flag']
export const fields: Field[] = [
  { ...field('id', 'long'), nullable: false },
  field('text', 'string'),
  field('number', 'long'),
  field('real', 'double'),
  field('flag', 'boolean'),
  field('at', 'timestamp'),
  field('day', 'date'),
  field('raw', 'binary'),
  field('p_text', 'string'),
  field('p_day', 'date'),
  field('p_long', 'long'),
  field('p_flag', 'boolean'),
]
const evolved: Field[] = [
  ...fields,
  field('tags', list(string)),
  field('times', list(timestamp)),
  field('extra', map(string)),
  field('counts', map(long)),
  field('work', struct(...workFields)),
  field('deep', list(struct(field('keys', map(list(long))), field('inner', struct(field('raw', 'binary'), field('ok', 'boolean')))))),
  field('Größe_ß.x-1', 'string'),
  field('never', 'string'),
]

const DAY_MS = 86_400_000
const days = (iso: string) => Date.parse(`${iso}T00:00:00Z`) / DAY_MS
const micros = (iso: string, more = 0n) => BigInt(Date.parse(iso)) * 1000n + more
const long32 = 'x'.repeat(32)

/** Values at the edges of each kind; longs and times exact, as bigint (times in microseconds). */
export const edges = {
  text: [
    '',
    'null',
    ' ',
    'Ünïcode 😀',
    `${long32}\u{10ffff}z`,
    `${long32}tail`,
    long32,
    '\u0000',
    'it\'s \\ "q" %41',
    'ÿ\u{10ffff}',
    'NULL\n\t\r',
  ],
  number: [0n, 1n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 4_294_967_296n, -4_294_967_297n],
  real: [0, -0, 1.5, -1e300, Number.MAX_VALUE, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1],
  flag: [true, false],
  at: [
    micros('2026-11-22T01:02:03.456Z', 789n),
    micros('1970-01-01T00:00:00Z'),
    micros('1970-01-01T00:00:00Z', -1n),
    micros('1969-12-31T23:59:59.998Z', 999n),
    micros('1582-10-10T00:00:00Z'),
    micros('1500-02-28T12:00:00Z', 1n),
    micros('0001-01-01T00:00:00Z'),
    micros('9999-12-31T23:59:59.999Z', 999n),
  ],
  day: ['2026-11-22', '1970-01-01', '1969-12-31', '1582-10-10', '1500-02-28', '0001-01-01', '9999-12-31', '2024-02-29'].map(days),
  raw: [Uint8Array.of(), Uint8Array.of(0, 255, 7), new TextEncoder().encode('text')],
  p_text: [
    'plain',
    'a b/c=d%25\'"é😀#?&+:;,[]*~',
    '.',
    '..',
    'null',
    '__HIVE_DEFAULT_PARTITION__',
    'line\nbreak\ttab',
    'x'.repeat(200),
    '\\ back',
  ],
  p_day: ['2026-11-22', '1969-12-31', '0001-01-01', '9999-12-31'].map(days),
  p_long: [0n, -1n, 9_007_199_254_740_991n],
  p_flag: [true, false],
  tags: [[], ['a', null, ''], [null]],
  times: [[0, null, -1], [], [253_402_300_799_999]],
  extra: [{}, { k: 'v', n: null, '': 'e', ü: '😀' }],
  counts: [{ one: 1, two: -(2 ** 53), three: null }, {}],
  work: [
    { id: 2 ** 40, name: '', at: -1 },
    { id: null, name: null, at: null },
    { id: -1, name: 'x', at: 0, year: 1813 },
  ],
  deep: [
    [{ keys: { a: [1, null], b: null, c: [] }, inner: { raw: Uint8Array.of(1), ok: false } }, null, { keys: null, inner: null }],
    [],
    [{ keys: {}, inner: { raw: null, ok: null } }],
  ],
  'Größe_ß.x-1': ['named'],
} satisfies Record<string, readonly unknown[]>

/** `appendValue`, and for a bigint exactly. */
const append = (column: Column, value: unknown) => {
  if (typeof value !== 'bigint') return appendValue(column, value)
  appendValue(column, 0)
  new BigInt64Array(column.data.buffer, column.data.byteOffset)[column.length - 1] = value
}

/** What the row `id` has in a column: an edge of it, or null. */
export const everyValue = (name: string, id: number): unknown => {
  const values = (edges as Record<string, readonly unknown[]>)[name] ?? []
  const at = partitionColumns.includes(name) ? id % (edges.p_text.length + 1) : id
  return values[at % (values.length + 1)] ?? null
}

/** The rows of these ids: each column walks through its edges and a null after them; the partition columns in step. */
export const everyBatch = (batchFields: readonly Field[], ids: readonly number[]): ColumnBatch => {
  const batch = newBatch([...batchFields], ids.length)
  for (const id of ids)
    for (const [index, { name }] of batchFields.entries()) append(batch.columns[index]!, name === 'id' ? id : everyValue(name, id))
  batch.length = ids.length
  return batch
}

/** More fields inside of structs. */
const deeper: Field[] = evolved.map((field) => (field.name === 'work' ? { ...field, type: struct(...workFields, year) } : field))

/** A commit of the table: its version and a time between it and the next one. */
export interface Step {
  version: number
  what: string
  timestampMs: number
}

/**
 * A table that has been through all that ours go through: partitions of every kind, more columns, appends, rows
 * replaced, files merged, everything overwritten, properties, checkpoints. `pauseMs` lies between each step's time and
 * the next step, and has to be more than the times that a reader gets from the store are coarse.
 */
export const writeEveryTable = async (table: Table, { pauseMs, rewrite }: { pauseMs: number; rewrite: Rewrite }): Promise<Step[]> => {
  const steps: Step[] = []
  const step = async (what: string, plan: Parameters<typeof commit>[1]) => {
    await commit(table, plan)
    await note(what)
  }
  const note = async (what: string) => {
    // A file system's clock is some milliseconds behind.
    await sleep(20)
    steps.push({ version: table.known().version, what, timestampMs: Date.now() })
    await sleep(pauseMs)
  }
  const staged = (of: readonly Field[], firstId: number, count: number) =>
    stageFiles(
      table,
      everyBatch(
        of,
        Array.from({ length: count }, (_, index) => firstId + index),
      ),
      { partitionColumns },
    )
  const write = { operation: 'WRITE', operationParameters: { mode: 'Append', partitionBy: JSON.stringify(partitionColumns) } }
  const progress = (version: number) => [{ appId: 'bronze/cluster/topic/0', version }]

  const properties = { 'delta.checkpointInterval': '3' }
  await step('created', {
    ...write,
    fields,
    partitionColumns,
    configuration: properties,
    adds: await staged(fields, 0, 40),
    txns: progress(40),
  })
  await step('appended', { ...write, fields, adds: await staged(fields, 40, 40), txns: progress(80) })
  await step('columns added', { ...write, fields: evolved, adds: await staged(evolved, 80, 60), txns: progress(140) })
  await step('inner fields added', { ...write, fields: deeper, adds: await staged(deeper, 140, 20), txns: progress(160) })
  const [first] = [...table.known().files.values()]
  await step('a file replaced', {
    operation: 'REPLAY',
    operationParameters: { partition: 0, from: 0 },
    removes: [first!],
    adds: await staged(deeper, 1000, 5),
  })
  await step('properties', {
    operation: 'SET TBLPROPERTIES',
    configuration: { 'readflow.gap.x.0.5': '{"to":7}', 'delta.logRetentionDuration': 'interval 0 days' },
  })
  await optimize(table, { rewrite, sortBy: ['id'], targetBytes: 32 * 1024 ** 2, minFiles: 2 })
  await note('compacted')
  await step('overwritten', {
    operation: 'WRITE',
    operationParameters: { mode: 'Overwrite' },
    fields: deeper,
    replaces: 'all',
    adds: await staged(deeper, 2000, 60),
    txns: progress(200),
  })
  await step('appended after', { ...write, fields: deeper, adds: await staged(deeper, 2060, 10), txns: progress(210) })
  await table.settled()
  return steps
}
