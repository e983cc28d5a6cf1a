import assert from 'node:assert/strict'
import { it } from 'node:test'
import { appendNulls, appendValue, newColumn, valueAt } from '../../../lake/columns/column.ts'
import { everyField, everyRow } from '../sample.ts'

it('adds many nulls as it adds one after the other, between values of any kind', () => {
  for (const { name, type } of everyField) {
    const column = newColumn(type, 1)
    const expected: unknown[] = []
    for (const count of [0, 1, 7, 130]) {
      appendNulls(column, count)
      appendValue(column, everyRow[name])
      expected.push(...Array.from({ length: count }, () => null), everyRow[name])
    }
    assert.equal(column.length, expected.length)
    assert.equal(column.nullCount, 138)
    assert.deepEqual(
      expected.map((_, row) => valueAt(column, row)),
      expected,
    )
  }
})
