import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { throughAfter } from '../../../consumers/sink/through.ts'
import type { KafkaRecord } from '../../../runtime/kafka/record-batch.ts'

const record = (offset: number, timestampMs: number, isLogAppendTime = true): KafkaRecord => ({
  offset,
  timestampMs,
  isLogAppendTime,
  key: null,
  value: null,
  headers: [],
})
const chunk = (...records: KafkaRecord[]) => ({ records, nextOffset: (records.at(-1)?.offset ?? -1) + 1 })
const nothingAt = (nextOffset: number) => ({ records: [], nextOffset })
const nowMs = 1000

test('while more waits, a partition is complete up to its last record', () => {
  const end = { offset: 9, asOfMs: 500 }
  assert.equal(throughAfter({ throughMs: null, end, nowMs }, chunk(record(0, 100), record(1, 120))), 120)
  assert.equal(throughAfter({ throughMs: 120, end, nowMs }, nothingAt(2)), 120, 'and stays so')
})
test('at its end it is complete up to the look at the end, also without any record', () => {
  assert.equal(throughAfter({ throughMs: null, end: { offset: 2, asOfMs: 500 }, nowMs }, chunk(record(0, 100), record(1, 120))), 500)
  assert.equal(throughAfter({ throughMs: 120, end: { offset: 2, asOfMs: 500 }, nowMs }, nothingAt(2)), 500)
  assert.equal(throughAfter({ throughMs: null, end: { offset: 0, asOfMs: 500 }, nowMs }, nothingAt(0)), 500)
  assert.equal(throughAfter({ throughMs: null, end: null, nowMs }, nothingAt(0)), null, 'never looked at')
})
test('a record that came while the fetch waited for one is in it', () => {
  assert.equal(throughAfter({ throughMs: null, end: { offset: 1, asOfMs: 500 }, nowMs }, chunk(record(0, 700))), 700)
})
test('a producer’s time says nothing of what is to come', () => {
  const end = { offset: 9, asOfMs: 500 }
  assert.equal(throughAfter({ throughMs: null, end, nowMs }, chunk(record(0, 900, false))), null)
  assert.equal(throughAfter({ throughMs: 300, end, nowMs }, chunk(record(0, 900, false))), 300)
  assert.equal(throughAfter({ throughMs: 300, end: { offset: 1, asOfMs: 500 }, nowMs }, chunk(record(0, 900, false))), 500)
})
test('it never lies in the future, and never goes back', () => {
  assert.equal(throughAfter({ throughMs: null, end: null, nowMs }, chunk(record(0, 5000))), nowMs)
  assert.equal(throughAfter({ throughMs: 700, end: { offset: 2, asOfMs: 690 }, nowMs }, nothingAt(2)), 700)
})
test('it goes back where a record was stamped earlier, or where it lies in the future: it was wrong', () => {
  assert.equal(throughAfter({ throughMs: 700, end: { offset: 9, asOfMs: 990 }, nowMs }, chunk(record(0, 600), record(1, 650))), 650)
  assert.equal(throughAfter({ throughMs: 5000, end: { offset: 2, asOfMs: 990 }, nowMs }, nothingAt(2)), 990)
})

/** What happens to a partition and its reader, in any order; `append` writes that many records at one time. */
const event = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('ask' as const) }),
  fc.record({ kind: fc.constant('answer' as const), most: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('flush' as const), most: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 50 }) }),
)

test('whatever comes when: each record that was appended before that time is in the table', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let clockMs = 1000
      let askedMs: number | null = null
      let end: { offset: number; asOfMs: number } | null = null
      let [fetched, progress] = [0, 0]
      let throughMs: number | null = null
      const log: KafkaRecord[] = []
      for (const each of events) {
        if (each.kind === 'append') for (let n = 0; n < each.count; n++) log.push(record(log.length, clockMs))
        else if (each.kind === 'wait') clockMs += each.ms
        else if (each.kind === 'ask') askedMs ??= clockMs
        else if (each.kind === 'answer' && askedMs !== null) {
          end = { offset: log.length, asOfMs: askedMs }
          fetched = Math.min(log.length, fetched + each.most)
          askedMs = null
        } else if (each.kind === 'flush') {
          const nextOffset = Math.min(fetched, progress + each.most)
          const before = throughMs
          throughMs = throughAfter({ throughMs, end, nowMs: clockMs }, { records: log.slice(progress, nextOffset), nextOffset })
          progress = nextOffset
          assert.ok(before === null || (throughMs ?? 0) >= before, 'it never goes back')
        }
        const through = throughMs ?? Number.NEGATIVE_INFINITY
        for (const { offset, timestampMs } of log) assert.ok(timestampMs >= through || offset < progress)
      }
    }),
    { numRuns: 2000 },
  )
})
