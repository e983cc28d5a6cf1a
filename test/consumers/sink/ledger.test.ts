import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Gap, gapProperty, gapsOf, offsetsInGaps, withoutGaps } from '../../../consumers/sink/ledger.ts'

const key = { topicId: 't', partition: 1 }
const gap = (from: number, to: number): Gap => ({ from, to, reason: 'skipped', at: '2026-01-01T00:00:00.000Z' })
const configuration = { ...gapProperty(key, gap(50, 60)), ...gapProperty(key, gap(5, 10)), 'readflow.gap.t.11.0': '{}', other: 'x' }

test('gaps are read back in order; other properties and other partitions are none of them', () => {
  assert.deepEqual(gapsOf(configuration, key), [gap(5, 10), gap(50, 60)])
  assert.deepEqual(gapsOf(configuration, { topicId: 't', partition: 11 }), [])
})
test('offsets in gaps are counted within a range', () => {
  const gaps = gapsOf(configuration, key)
  assert.equal(offsetsInGaps(gaps, 0, 100), 15)
  assert.equal(offsetsInGaps(gaps, 7, 52), 5)
})
test('a range that is derived again is no gap any more, and what lies outside of it stays one', () => {
  const apply = (from: number, to: number) =>
    gapsOf(
      Object.fromEntries(
        Object.entries({ ...configuration, ...withoutGaps(configuration, key, { from, to }) }).filter(
          (entry): entry is [string, string] => entry[1] !== null,
        ),
      ),
      key,
    )
  assert.deepEqual(apply(0, 100), [])
  assert.deepEqual(apply(7, 55), [gap(5, 7), gap(55, 60)])
  assert.deepEqual(apply(10, 50), [gap(5, 10), gap(50, 60)])
  assert.deepEqual(apply(6, 8), [gap(5, 6), gap(8, 10), gap(50, 60)])
})
