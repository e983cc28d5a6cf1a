import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { appendValue, newBatch } from '../../../lake/columns/column.ts'
import { readParquet } from '../../../lake/parquet/read.ts'
import { encodeParquet } from '../../../lake/parquet/write.ts'
import { batchOf, emptyRow, everyField, everyRow, field, nullRow, rowsOf } from '../sample.ts'

describe('Parquet', () => {
  it('keeps values of every kind, nulls and empties apart', () => {
    const rows = [everyRow, nullRow, emptyRow, everyRow]
    const read = readParquet(encodeParquet(batchOf(everyField, rows)))
    assert.deepEqual(rowsOf(read), rows)
    assert.deepEqual(
      read.fields.map(({ name, type }) => ({ name, type })),
      everyField.map(({ name, type }) => ({ name, type })),
    )
  })

  it('keeps a batch without rows, and its columns', () => {
    const read = readParquet(encodeParquet(batchOf(everyField, [])))
    assert.equal(read.length, 0)
    assert.equal(read.columns.length, everyField.length)
  })

  it('joins the row groups and record batches of a large file', () => {
    const batch = newBatch([field('n', 'long'), field('text', 'string'), field('even', 'boolean')])
    const count = 150_001
    for (let row = 0; row < count; row++) {
      appendValue(batch.columns[0]!, row % 7 === 0 ? null : row)
      appendValue(batch.columns[1]!, `row ${row}`)
      appendValue(batch.columns[2]!, row % 2 === 0)
    }
    batch.length = count
    const read = readParquet(encodeParquet(batch))
    assert.equal(read.length, count)
    assert.equal(read.columns[0]!.nullCount, Math.ceil(count / 7))
    assert.deepEqual(rowsOf({ ...read, columns: read.columns }).at(-1), { n: 150_000, text: 'row 150000', even: true })
    assert.deepEqual(rowsOf(read)[65_537], { n: 65_537, text: 'row 65537', even: false })
  })

  it('reads only the named columns, in that order, and leaves out what the file lacks', () => {
    const bytes = encodeParquet(batchOf(everyField, [everyRow]))
    const read = readParquet(bytes, { columns: ['tags', 'nothing', 'id'] })
    assert.deepEqual(
      read.fields.map(({ name }) => name),
      ['tags', 'id'],
    )
    assert.deepEqual(rowsOf(read), [{ tags: everyRow['tags'], id: 1 }])
    assert.equal(readParquet(bytes, { columns: ['nothing'] }).length, 1)
  })

  it('gives columns that go on growing', () => {
    const read = readParquet(encodeParquet(batchOf(everyField, [everyRow])))
    for (const [index, { name }] of everyField.entries()) appendValue(read.columns[index]!, nullRow[name])
    assert.deepEqual(rowsOf({ ...read, length: 2 }), [everyRow, nullRow])
  })

  it('refuses nulls where none may be, naming the column', () => {
    assert.throws(() => encodeParquet(batchOf([field('id', 'long', false)], [{ id: null }])), {
      code: 'lake-invalid',
      message: /column id/,
    })
  })

  it('says so when bytes are no Parquet file', () => {
    assert.throws(() => readParquet(new TextEncoder().encode('not parquet at all')), { code: 'lake-invalid' })
  })
})
