import assert from 'node:assert/strict'
import { it } from 'node:test'
import { appendValue } from '../../../lake/columns/column.ts'
import { concatBatches, take } from '../../../lake/columns/take.ts'
import { batchOf, emptyRow, everyField, everyRow, nullRow, rowsOf } from '../sample.ts'

const rows = Array.from({ length: 21 }, (_, index) => ({ ...[everyRow, nullRow, emptyRow][index % 3], id: index }))

it('takes rows of every kind in the order asked for', () => {
  const order = [20, 0, 7, 7, 1, 13]
  assert.deepEqual(
    rowsOf(take(batchOf(everyField, rows), order)),
    order.map((row) => rows[row]),
  )
})

it('gives columns that go on growing', () => {
  const taken = take(batchOf(everyField, rows), [2, 1])
  for (const [index, field] of everyField.entries()) appendValue(taken.columns[index]!, (everyRow as Record<string, unknown>)[field.name])
  assert.deepEqual(rowsOf({ ...taken, length: 3 }), [rows[2], rows[1], everyRow])
})

it('takes no rows', () => {
  assert.deepEqual(rowsOf(take(batchOf(everyField, rows), [])), [])
})

it('puts batches one after the other, across byte borders of their bitmaps', () => {
  const parts = [rows.slice(0, 3), rows.slice(3, 14), [], rows.slice(14)].map((part) => batchOf(everyField, part))
  assert.deepEqual(rowsOf(concatBatches(parts as [ReturnType<typeof batchOf>])), rows)
})
