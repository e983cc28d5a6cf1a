import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBrokerClock, createPartitionEnds } from '../../../runtime/kafka/partition-ends.ts'
import { encodeAppended, encodeBatch } from '../../helpers/record-batches.ts'

const answer = (fetchedOffset: number, highWatermark: number, bytes: Buffer | null = null) => ({
  topic: 't',
  partition: 0,
  fetchedOffset,
  highWatermark,
  bytes,
})
const fetch = (startedMs: number, nodeId = 1) => ({ nodeId, startedMs, answeredMs: startedMs + 20 })
const appended = (appendedMs: number) => encodeAppended([{ value: 'a' }], { baseOffset: 5, appendedMs })

test('an end is as of when its fetch began', () => {
  const ends = createPartitionEnds()
  assert.deepEqual(ends.note(answer(5, 5), fetch(1000)), { offset: 5, asOfMs: 1000 })
})

test('a record that comes to an end that was seen shows a broker whose clock is behind, and its ends count by that clock', async () => {
  const ends = createPartitionEnds()
  ends.note(answer(5, 5), fetch(100_000))
  assert.deepEqual(ends.note(answer(5, 6, await appended(40_010)), fetch(100_500)), { offset: 6, asOfMs: 100_500 - 60_510 })
  assert.equal(ends.note(answer(6, 6), fetch(101_000)).asOfMs, 101_000 - 60_510)
  assert.equal(ends.note(answer(6, 6), fetch(101_000, 2)).asOfMs, 101_000, 'another broker has a clock of its own')
})

test('no clock is told from records that may have waited, of a producer’s time, or from damaged bytes', async () => {
  const first = createPartitionEnds()
  assert.equal(first.note(answer(5, 6, await appended(40_010)), fetch(100_000)).asOfMs, 100_000, 'nobody knows how long it lay there')
  const slept = createPartitionEnds()
  slept.note(answer(5, 5), fetch(90_000))
  assert.equal(slept.note(answer(5, 6, await appended(40_010)), fetch(100_000)).asOfMs, 100_000)
  const created = createPartitionEnds()
  created.note(answer(5, 5), fetch(100_000))
  const own = await encodeBatch([{ value: 'a' }], { baseOffset: 5, firstTimestampMs: 40_010 })
  assert.equal(created.note(answer(5, 6, own), fetch(100_500)).asOfMs, 100_500)
  const damaged = createPartitionEnds()
  damaged.note(answer(5, 5), fetch(100_000))
  const bytes = Buffer.from(await appended(40_010))
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  assert.equal(damaged.note(answer(5, 6, bytes), fetch(100_500)).asOfMs, 100_500)
})

test('whatever the clocks are: from the first record on, a time is never later than the broker’s, nor than ours', () => {
  const sample = fc.record({ idleMs: fc.nat(4000), appendMs: fc.nat(1000), waitMs: fc.nat(1000) })
  fc.assert(
    fc.property(fc.integer({ min: -1e7, max: 1e7 }), fc.array(sample, { minLength: 1 }), (skewMs, samples) => {
      const clock = createBrokerClock()
      let nowMs = 1e9
      for (const { idleMs, appendMs, waitMs } of samples) {
        const afterMs = nowMs + idleMs
        const beforeMs = afterMs + appendMs + waitMs
        clock.note({ afterMs, stampedMs: afterMs + appendMs + skewMs, beforeMs })
        nowMs = beforeMs
        assert.ok(clock.atMost(nowMs) <= nowMs + skewMs)
        assert.ok(clock.atMost(nowMs) <= nowMs)
      }
    }),
  )
})

test('a clock that was set is told anew', () => {
  const clock = createBrokerClock()
  clock.note({ afterMs: 1000, stampedMs: 1010, beforeMs: 1020 })
  assert.equal(clock.atMost(5000), 4990)
  clock.note({ afterMs: 100_000, stampedMs: 40_000, beforeMs: 100_100 })
  assert.equal(clock.atMost(200_000), 200_000 - 60_100)
})
