import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsOf, pointOf } from '../../../consumers/replay/point.ts'
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

test('a range in which nothing can lie is refused, in one line', () => {
  const nowMs = Date.UTC(2026, 10, 23, 12)
  for (const [from, to, says] of [
    ['2026-11-23', '2026-11-22', /^--from 2026-11-23 is after --to 2026-11-22: nothing lies between them\.$/],
    ['2026-11-22T09:00:00Z', '2026-11-22T08:00:00Z', /is after --to/],
    ['20', '10', /^--from 20 is after --to 10: /],
    ['20', '20', /^--from 20 is the same as --to 20: /],
    ['2026-11-24', 'latest', /^--from 2026-11-24 is still to come: it is 2026-11-23T12:00:00\.000Z now\.$/],
  ] as const)
    assert.throws(
      () => endsOf({ from, to }, nowMs),
      (error) => error instanceof ReadflowError && error.code === 'config' && says.test(error.message),
      `${from} to ${to}`,
    )
  for (const [from, to] of [
    ['earliest', 'latest'],
    ['10', '20'],
    ['2026-11-22', '2026-11-24'],
    ['2026-11-22', '5'],
  ] as const)
    assert.equal(endsOf({ from, to }, nowMs).length, 2)
})

test('a request is the same text however its partitions are written, and is read back', () => {
  const text = requestText({ from: 'earliest', to: '2026-11-23', partitions: [3, 1, 3] })
  assert.equal(text, '--from earliest --to 2026-11-23 --partition 1,3')
  assert.deepEqual(requestOf(text), { from: 'earliest', to: '2026-11-23', partitions: [1, 3] })
  assert.deepEqual(requestOf('--from 1 --to latest'), { from: '1', to: 'latest', partitions: null })
  assert.throws(() => requestOf('rollback'), ReadflowError)
})
