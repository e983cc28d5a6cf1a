import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pointOf } from '../../../consumers/replay/point.ts'
import { requestOf, requestText } from '../../../consumers/replay/request.ts'
import { ReadflowError } from '../../../runtime/errors.ts'

test('an end is an offset, a time, earliest or latest; a time without a zone is UTC', () => {
  assert.deepEqual(pointOf('--from', 'earliest'), { kind: 'earliest' })
  assert.deepEqual(pointOf('--to', 'latest'), { kind: 'latest' })
  assert.deepEqual(pointOf('--from', '120'), { kind: 'offset', offset: 120 })
  for (const text of ['2026-11-23', '2026-11-23T00:00', '2026-11-23T00:00:00.000Z', '2026-11-23T02:00:00+02:00'])
    assert.deepEqual(pointOf('--from', text), { kind: 'time', timeMs: Date.UTC(2026, 10, 23) }, text)
})

test('anything else is one line that names the flag', () => {
  for (const text of ['', '-1', '1.5', 'yesterday', '2026-13-01', '2026-02-30', '2026-11-23T25:00:00Z', '2026-11-23 08:00', '12ab'])
    assert.throws(
      () => pointOf('--to', text),
      (error) => error instanceof ReadflowError && error.code === 'config' && error.message.startsWith('--to: '),
    )
})

test('a request is the same text however its partitions are written, and is read back', () => {
  const text = requestText({ from: 'earliest', to: '2026-11-23', partitions: [3, 1, 3] })
  assert.equal(text, '--from earliest --to 2026-11-23 --partition 1,3')
  assert.deepEqual(requestOf(text), { from: 'earliest', to: '2026-11-23', partitions: [1, 3] })
  assert.deepEqual(requestOf('--from 1 --to latest'), { from: '1', to: 'latest', partitions: null })
  assert.throws(() => requestOf('rollback'), ReadflowError)
})
