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
      minValues: { id: -5, name: 'Ünïcode 😀', score: 4.25, at: '2026-11-22T01:02:03.456Z', day: '2026-11-22' },
      maxValues: { id: 1, name: 'Ünïcode 😀', score: 4.25, at: '2026-11-22T01:02:03.456Z', day: '2026-11-22' },
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

  it('cut long text and round its upper bound up, or leave it out', () => {
    const long = 'x'.repeat(40)
    assert.deepEqual(statsOf('string', [long]), ['x'.repeat(32), `${'x'.repeat(32)}\u{10ffff}`, 0])
    assert.deepEqual(statsOf('string', ['😀'.repeat(32)]), ['😀'.repeat(32), '😀'.repeat(32), 0])
    assert.deepEqual(statsOf('string', [`${'x'.repeat(32)}\u{10ffff}y`]), ['x'.repeat(32), undefined, 0])
  })

  it('round the upper bound of times up to a millisecond and the lower one down', () => {
    const batch = batchOf([field('x', 'timestamp')], [{ x: 5 }])
    batch.columns[0]!.data[0] = 5001
    const { minValues, maxValues } = JSON.parse(deltaStats(batch))
    assert.deepEqual([minValues.x, maxValues.x], ['1970-01-01T00:00:00.005Z', '1970-01-01T00:00:00.006Z'])
  })

  it('leave out bounds that JSON or a reader would take for something else', () => {
    assert.deepEqual(statsOf('long', [2 ** 60, 1]), [1, undefined, 0])
    assert.deepEqual(statsOf('double', [Number.NaN, 1]), [undefined, undefined, 0])
    assert.deepEqual(statsOf('double', [Number.POSITIVE_INFINITY, 1.5]), [1.5, undefined, 0])
    assert.deepEqual(statsOf('timestamp', [9e14, 0]), ['1970-01-01T00:00:00.000Z', undefined, 0])
  })
})
