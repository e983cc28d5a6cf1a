import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnOf, type Field, valueAt } from '../../../lake/columns/column.ts'
import { appendRows } from '../../../lake/delta/append-rows.ts'
import { scan } from '../../../lake/delta/scan.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

const field = (name: string, type: Field['type']): Field => ({ name, type, nullable: true })
const day = field('day', { kind: 'date' })
const name = field('name', { kind: 'string' })

test('rows are added to a table that need not be there yet, and a column may join it later', async () => {
  const store = openMemoryStore()
  const table = openTable(store, 'ops/things')
  await appendRows(table, {
    fields: [name, day],
    partitionColumns: ['day'],
    rows: [
      { name: 'one', day: 20000 },
      { name: 'two', day: 20001 },
    ],
  })
  const grown = { fields: [name, day, field('note', { kind: 'string' })], partitionColumns: ['day'] }
  const snapshot = await appendRows(table, { ...grown, rows: [{ name: 'three', day: 20001, note: 'late' }] })

  const rows: unknown[] = []
  for await (const batch of scan(store, snapshot, { root: 'ops/things', columns: ['name', 'day', 'note'] }))
    for (let row = 0; row < batch.length; row++) rows.push(['name', 'day', 'note'].map((column) => valueAt(columnOf(batch, column), row)))
  assert.deepEqual(rows.sort(), [
    ['one', 20000, null],
    ['three', 20001, 'late'],
    ['two', 20001, null],
  ])
})
