import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countersAfterRollback } from '../../../consumers/rollback/counters.ts'

/** A replay made rows of 8 dead letters, and found a gap of 10 records that were all valid. */
const without = { valid: 100, late: 10, repeat: 30, dead: 20, 'dead/a': 20, 'flag/f': 9 }
const replayed = { valid: 118, late: 12, repeat: 30, dead: 12, 'dead/a': 12, 'flag/f': 11 }
const none = { tail: {}, deadInTail: {} }

test('what the replay changed goes, and what came since stays', () => {
  const now = { valid: 125, late: 12, repeat: 31, dead: 14, 'dead/a': 12, 'dead/b': 2, 'flag/f': 11 }
  const gone = { rows: 118, late: 12, 'flag/f': 11 }
  const restored = { rows: 100, late: 10, 'flag/f': 9 }
  const after = countersAfterRollback({ isComplete: false, without, with: replayed, restored, ...none }, now, gone)
  assert.deepEqual(after, { valid: 107, late: 10, repeat: 31, dead: 22, 'dead/a': 20, 'dead/b': 2, 'flag/f': 9 })
})

test('records behind the range that were judged again count as what they are now', () => {
  const now = { ...replayed, valid: 120, repeat: 33 }
  const gone = { rows: 119, late: 12, 'flag/f': 11 }
  const restored = { rows: 100, late: 10, 'flag/f': 9 }
  const tail = { valid: 3, late: 1, repeat: 0, dead: 1, 'dead/a': 1 }
  const after = countersAfterRollback({ isComplete: false, without, with: replayed, restored, tail, deadInTail: { a: 1 } }, now, gone)
  assert.deepEqual(after, { valid: 104, late: 11, repeat: 31, dead: 20, 'dead/a': 20, 'flag/f': 9 })
  assert.equal(
    (after['valid'] ?? 0) + (after['repeat'] ?? 0) + (after['dead'] ?? 0),
    120 + 33 + 12 - 10,
    'what filled the gap is out again',
  )
})

test('Bronze counts its rows', () => {
  const counts = { isComplete: true, without: { rows: 5 }, with: { rows: 9 }, restored: { rows: 5 }, ...none }
  assert.deepEqual(countersAfterRollback(counts, { rows: 12 }, { rows: 9 }), { rows: 8 })
})
