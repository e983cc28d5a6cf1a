import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestsOf } from '../../../consumers/verify/digests.ts'
import { readParquetAs } from '../../../lake/parquet/read.ts'
import { encodeParquet } from '../../../lake/parquet/write.ts'
import { batchOf, emptyRow, everyField, everyRow, nullRow, type Row } from '../../lake/sample.ts'

const none = new Set<string>()
const digest = (row: Row, fields = everyField) => digestsOf(batchOf(fields, [row]), none)[0]

test('a row has the same digest after a round through Parquet, whatever the order of its columns', () => {
  const rows = [everyRow, nullRow, emptyRow]
  const written = batchOf(everyField, rows)
  const expected = digestsOf(written, none)
  const reversed = [...everyField].reverse()
  assert.deepEqual(digestsOf(readParquetAs(encodeParquet(written), reversed), none), expected)
  assert.equal(new Set(expected).size, rows.length)
  assert.ok(expected.every((each) => each !== 0))
})

test('a value of any kind that differs shows', () => {
  const others: Row = {
    id: 2 ** 32 + 1,
    name: 'Ünïcode 😁',
    score: 4.250000001,
    ok: false,
    at: 0,
    day: 20_778,
    raw: Uint8Array.of(0, 255, 8),
    tags: ['a', 'b', null],
    work: { id: 2 ** 40, titles: ['y'] },
    extra: { k: 'w', n: null },
    counts: { one: 2, two: 1 },
  }
  for (const { name } of everyField) assert.notEqual(digest({ ...everyRow, [name]: others[name] }), digest(everyRow), name)
  const long = 'x'.repeat(5000)
  assert.notEqual(digest({ ...everyRow, name: `${long}a` }), digest({ ...everyRow, name: `${long}b` }))
  assert.notEqual(digest({ ...nullRow, id: null, name: 'a' }), digest({ ...nullRow, id: null, raw: Buffer.from('a') }))
})

test('a column that is missing is as good as one that is null, and some are left out', () => {
  const fewer = everyField.filter(({ name }) => name !== 'extra')
  assert.equal(digest({ ...everyRow, extra: null }), digest(everyRow, fewer))
  const [left] = digestsOf(batchOf(everyField, [everyRow]), new Set(['extra']))
  assert.equal(left, digest(everyRow, fewer))
})
