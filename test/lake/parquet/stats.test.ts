import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deltaStats } from '../../../lake/parquet/stats.ts'
import { batchOf, everyField, everyRow, field, nullRow } from '../sample.ts'

const statsOf = (kind: Parameters<typeof field>[1], values: unknown[]) => {
  const { minValues, maxValues, nullCount } = JSON.parse(
    deltaStats(
      batchOf(
        [field('x', kind)],
        values.map((x) => ({ x })),
      ),
    ),
  )
  return [minValues.x, maxValues.x, nullCount.x]
}

describe('file statistics', () => {
  it('give rows, bounds and nulls of flat columns only', () => {
    assert.deepEqual(JSON.parse(deltaStats(batchOf(everyField, [everyRow, nullRow]))), {
      numRecords: 2,
      minValues: { id: -5, name: 'Ünïcode 😀', score: 4.25, ok: true, at: '2026-11-22T01:02:03.456Z', day: '2026-11-22' },
      maxValues: { id: 1, name: 'Ünïcode 😀', score: 4.25, ok: true, at: '2026-11-22T01:02:03.456Z', day: '2026-11-22' },
      nullCount: { id: 0, name: 1, score: 1, ok: 1, at: 1, day: 1, raw: 1 },
    })
  })

  it('give no bounds where all is null or there is no row', () => {
    assert.deepEqual(statsOf('string', [null, null]), [undefined, undefined, 2])
    assert.deepEqual(statsOf('long', []), [undefined, undefined, 0])
  })

  it('order text by its bytes, as other readers do', () => {
    assert.deepEqual(statsOf('string', ['b', 'B', '\uff5e', '\u{1f600}', 'ab']), ['B', '\u{1f600}', 0])
  })

  it('cut long text and round its upper bound up', () => {
    const long = 'x'.repeat(40)
    const last = '\u{10ffff}'
    assert.deepEqual(statsOf('string', [long]), ['x'.repeat(32), `${'x'.repeat(32)}${last}`, 0])
    assert.deepEqual(statsOf('string', ['😀'.repeat(32)]), ['😀'.repeat(32), '😀'.repeat(32), 0])
    assert.deepEqual(statsOf('string', [`${'x'.repeat(32)}${last}y`]), ['x'.repeat(32), `${'x'.repeat(32)}${last}${last}`, 0])
    assert.deepEqual(statsOf('string', [last.repeat(40)]), [last.repeat(32), last.repeat(40), 0])
  })

  it('round the upper bound of times up to a millisecond and the lower one down', () => {
    const batch = batchOf([field('x', 'timestamp')], [{ x: 5 }])
    batch.columns[0]!.data[0] = 5001
    const { minValues, maxValues } = JSON.parse(deltaStats(batch))
    assert.deepEqual([minValues.x, maxValues.x], ['1970-01-01T00:00:00.005Z', '1970-01-01T00:00:00.006Z'])
  })

  it('give longs of all 64 bits exactly', () => {
    const batch = batchOf([field('x', 'long')], [{ x: 0 }, { x: 0 }, { x: 0 }])
    new BigInt64Array(batch.columns[0]!.data.buffer).set([2n ** 63n - 1n, -1n, -(2n ** 63n)])
    assert.match(deltaStats(batch), /"minValues":\{"x":-9223372036854775808\},"maxValues":\{"x":9223372036854775807\}/)
  })

  it('give times of all years that have four digits, and leave out others', () => {
    const year = (text: string) => Date.parse(`${text}-06-01T00:00:00.000Z`)
    assert.deepEqual(statsOf('timestamp', [year('0001'), year('9999')]), ['0001-06-01T00:00:00.000Z', '9999-06-01T00:00:00.000Z', 0])
    assert.deepEqual(statsOf('timestamp', [9e14, 0]), ['1970-01-01T00:00:00.000Z', undefined, 0])
    assert.deepEqual(statsOf('timestamp', [-9e14, 0]), [undefined, '1970-01-01T00:00:00.000Z', 0])
    const batch = batchOf([field('x', 'timestamp')], [{ x: 0 }])
    new BigInt64Array(batch.columns[0]!.data.buffer).set([253_402_300_799_999_999n])
    assert.deepEqual(JSON.parse(deltaStats(batch)).maxValues, { x: '9999-12-31T23:59:59.999Z' })
    assert.deepEqual(statsOf('date', [-1, 2_932_896, 2_932_897]), ['1969-12-31', undefined, 0])
  })

  it('give both booleans, infinity as text, negative zero; and no bounds of doubles where one is NaN', () => {
    assert.deepEqual(statsOf('boolean', [true, null]), [true, true, 1])
    assert.deepEqual(statsOf('boolean', [true, false]), [false, true, 0])
    assert.deepEqual(statsOf('boolean', [false, false]), [false, false, 0])
    assert.deepEqual(statsOf('double', [Number.POSITIVE_INFINITY, 1.5]), [1.5, 'Infinity', 0])
    assert.deepEqual(statsOf('double', [0, -0]), [-0, 0, 0])
    assert.deepEqual(statsOf('double', [-0, 0]), [-0, 0, 0])
    assert.deepEqual(statsOf('double', [Number.NaN, 1]), [undefined, undefined, 0])
    assert.deepEqual(statsOf('double', [1, Number.NaN]), [undefined, undefined, 0])
  })
})
