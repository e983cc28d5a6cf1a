import { appendValue, type ColumnBatch, type Field, newBatch, valueAt } from '../../lake/columns/column.ts'

export type Row = Record<string, unknown>

/** One column of every kind that the lake has. */
export const everyField: Field[] = [
  { name: 'id', type: { kind: 'long' }, nullable: false },
  { name: 'name', type: { kind: 'string' }, nullable: true },
  { name: 'score', type: { kind: 'double' }, nullable: true },
  { name: 'ok', type: { kind: 'boolean' }, nullable: true },
  { name: 'at', type: { kind: 'timestamp' }, nullable: true },
  { name: 'day', type: { kind: 'date' }, nullable: true },
  { name: 'raw', type: { kind: 'binary' }, nullable: true },
  { name: 'tags', type: { kind: 'list', element: { kind: 'string' } }, nullable: true },
  {
    name: 'work',
    type: {
      kind: 'struct',
      fields: [
        { name: 'id', type: { kind: 'long' }, nullable: true },
        { name: 'titles', type: { kind: 'list', element: { kind: 'string' } }, nullable: true },
      ],
    },
    nullable: true,
  },
  { name: 'extra', type: { kind: 'map', value: { kind: 'string' } }, nullable: true },
  { name: 'counts', type: { kind: 'map', value: { kind: 'long' } }, nullable: true },
]

export const everyRow: Row = {
  id: 1,
  name: 'Ünïcode 😀',
  score: 4.25,
  ok: true,
  at: Date.UTC(2026, 10, 22, 1, 2, 3, 456),
  day: 20_779,
  raw: Uint8Array.of(0, 255, 7),
  tags: ['a', null, 'b'],
  work: { id: 2 ** 40, titles: ['x'] },
  extra: { k: 'v', n: null },
  counts: { one: 1, two: 2 },
}

export const nullRow: Row = {
  ...Object.fromEntries(everyField.map(({ name }) => [name, null])),
  id: -5,
}

export const emptyRow: Row = {
  id: Number.MIN_SAFE_INTEGER,
  name: '',
  score: -0.5,
  ok: false,
  at: -1,
  day: -1,
  raw: new Uint8Array(0),
  tags: [],
  work: { id: null, titles: null },
  extra: {},
  counts: {},
}

export const batchOf = (fields: Field[], rows: readonly Row[]): ColumnBatch => {
  const batch = newBatch(fields, 1)
  for (const row of rows) for (const [index, field] of fields.entries()) appendValue(batch.columns[index]!, row[field.name] ?? null)
  batch.length = rows.length
  return batch
}

export const rowsOf = (batch: ColumnBatch): Row[] =>
  Array.from({ length: batch.length }, (_, row) =>
    Object.fromEntries(batch.fields.map((field, index) => [field.name, valueAt(batch.columns[index]!, row)])),
  )

export const field = (
  name: string,
  kind: 'string' | 'long' | 'double' | 'boolean' | 'timestamp' | 'date' | 'binary',
  nullable = true,
): Field => ({
  name,
  type: { kind },
  nullable,
})
