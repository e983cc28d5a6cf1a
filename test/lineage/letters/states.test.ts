import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Position, parsePosition, positionId } from '../../../lineage/letters/headers.ts'
import type { Letter } from '../../../lineage/letters/letter.ts'
import { type Attempt, decodeMarker, encodeMarker, letterId, type Marker, parseLetterId } from '../../../lineage/letters/markers.ts'
import { casesOf, isUnsettled, type SilverFindings } from '../../../lineage/letters/states.ts'

const at = (offset: number): Position => ({ topicId: 'T', partition: 0, offset })
const letter = (offset: number, more: Partial<Letter> = {}): Letter => ({
  ...{ entity: 'books', at: { partition: 0, offset }, refusedMs: offset, reason: 'title-missing', message: 'title is nothing' },
  ...{ topic: 'goodreads.books', origin: at(offset), attempt: 1, arrivedMs: offset, key: 'k', sizeBytes: 3 },
  ...more,
})
const attempt = (offset: number, number = 2, outcome: Attempt['outcome'] = null): Attempt => ({
  ...{ attempt: number, at: '2026-11-29T00:00:00.000Z', by: 'ann', reason: 'title-missing', position: at(offset), outcome },
})
const marker = (offset: number, attempts: Attempt[], more: Partial<Marker> = {}): Marker => ({
  ...{ entity: 'books', origin: at(offset), state: 'redriven', attempts, discarded: null, ...more },
})
const markers = (...of: Marker[]) => new Map(of.map((each) => [letterId(each), each]))
/** Silver that has come past every offset below `progress`, with rows of some. */
const silver = (progress: number, rows: number[] = [], lost: number[] = []): SilverFindings => ({
  accepted: new Set(rows.map((offset) => positionId(at(offset)))),
  hasPassed: ({ offset }) => offset < progress,
  isLost: ({ offset }) => lost.includes(offset),
})
const one = (letters: Letter[], of: Map<string, Marker>, findings: SilverFindings) => {
  const cases = casesOf(letters, of, findings)
  assert.equal(cases.length, 1)
  return cases[0]!
}

test('a letter waits until something is done about it, and what becomes of that decides', () => {
  const sent = markers(marker(5, [attempt(9)]))
  assert.equal(one([letter(5)], new Map(), silver(9)).state, 'open')
  assert.equal(one([letter(5)], sent, silver(9)).state, 'pending')
  assert.equal(one([letter(5)], sent, silver(10, [9])).state, 'accepted')
  assert.equal(one([letter(5)], sent, silver(10)).state, 'repeat')
  assert.equal(one([letter(5)], sent, silver(10, [], [9])).state, 'open', 'what nobody will come to may be sent again')
  const refused = one([letter(5), letter(9, { reason: 'not-avro', attempt: 2 })], sent, silver(10))
  assert.deepEqual([refused.state, refused.id, refused.letter.attempt], ['open', 'books/T/0/5', 2])
  assert.deepEqual(refused.attempts[0]?.outcome, { state: 'refused', reason: 'not-avro', message: 'title is nothing' })
})

test('a letter that a replay of Silver has accepted waits no more, nor does one that is discarded', () => {
  assert.equal(one([letter(5)], new Map(), silver(9, [5])).state, 'accepted')
  const discarded = { at: '2026-11-29T00:00:00.000Z', by: 'ann', why: 'a test', reason: 'title-missing' }
  assert.equal(one([letter(5)], markers(marker(5, [], { state: 'discarded', discarded })), silver(9)).state, 'discarded')
})

test('a letter that Silver wrote twice is one, as the last one has it', () => {
  const both = [letter(5, { reason: 'first', refusedMs: 1 }), letter(5, { reason: 'last', refusedMs: 2, at: { partition: 0, offset: 6 } })]
  for (const letters of [both, both.toReversed()]) assert.equal(one(letters, new Map(), silver(9)).letter.reason, 'last')
})

test('an outcome on record holds once its letter is gone, and one that is newly found is to be put there', () => {
  const kept = markers(marker(5, [attempt(9, 2, { state: 'refused', reason: 'not-avro', message: null })]))
  assert.deepEqual([one([letter(5)], kept, silver(10)).state, isUnsettled(one([letter(5)], kept, silver(10)))], ['open', false])
  assert.equal(isUnsettled(one([letter(5)], markers(marker(5, [attempt(9)])), silver(10, [9]))), true)
  assert.equal(isUnsettled(one([letter(5)], markers(marker(5, [attempt(9)])), silver(9))), false)
})

test('an acceptance on record holds as long as its row is there: a replay, or a rollback of one, may have taken it', () => {
  const kept = markers(marker(5, [attempt(9, 2, { state: 'accepted', reason: null, message: null })]))
  const seen = (letters: Letter[], findings: SilverFindings) => {
    const found = one(letters, kept, findings)
    return [found.state, found.attempts[0]?.outcome?.state, found.letter.reason, isUnsettled(found)]
  }
  const again = letter(9, { reason: 'rating-out-of-range' })
  assert.deepEqual(seen([letter(5)], silver(10, [9])), ['accepted', 'accepted', 'title-missing', false])
  assert.deepEqual(seen([letter(5), again], silver(10, [9])), ['accepted', 'accepted', 'rating-out-of-range', false])
  assert.deepEqual(seen([letter(5), again], silver(10)), ['open', 'refused', 'rating-out-of-range', true])
  assert.deepEqual(seen([letter(5)], silver(10)), ['repeat', 'repeat', 'title-missing', true])
  assert.deepEqual(seen([letter(5)], silver(10, [], [9])), ['open', 'lost', 'title-missing', true])
  assert.deepEqual(seen([letter(5)], silver(9)), ['accepted', 'accepted', 'title-missing', false])
})

test('markers are written and read alike; what is none of ours is none', () => {
  const whole = marker(5, [attempt(9), attempt(11, 3, { state: 'accepted', reason: null, message: null })])
  const { key, value } = encodeMarker(whole)
  assert.deepEqual(decodeMarker({ key: Buffer.from(key), value }), whole)
  for (const text of ['', '{', '[]', 'null', '{"readflow":2}', '{"readflow":1,"state":"redriven","attempts":[{"position":"x"}]}'])
    assert.equal(decodeMarker({ key: Buffer.from(key), value: Buffer.from(text) }), null, text)
  assert.equal(decodeMarker({ key: Buffer.from('books/x'), value }), null)
  for (const text of ['books', 'books/T/0', 'nobody/T/0/1', 'books/T/-1/1', 'books/T/0/1/2', 'books/T U/0/1'])
    assert.equal(parseLetterId(text), null, text)
  assert.deepEqual(parsePosition('T/0/17'), at(17))
})
