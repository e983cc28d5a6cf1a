import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Drift, DriftPolicies } from '../../../lineage/drift/drift.ts'
import { driftId } from '../../../lineage/drift/drift.ts'
import type { FieldState } from '../../../producers/poll/field-state.ts'
import { typeOfText } from '../../../producers/poll/field-types.ts'
import { createFieldWatch } from '../../../producers/poll/field-watch.ts'
import { emptyBook } from '../../../producers/sources/empty.ts'
import { goodreadsFieldOf } from '../../../producers/sources/goodreads/field-of.ts'
import type { SourceRecord } from '../../../producers/sources/source.ts'
import type { Book } from '../../../schemas/records.ts'

const book = (fields: Partial<Book>, form = 'whole'): SourceRecord => ({
  entity: 'books',
  value: { ...emptyBook('1'), ...fields },
  requestId: 'r1',
  form,
})

/** A watch whose polls are lists of records; tells what each poll has found, a finding once. */
const watching = ({ state = {}, known = [], policies = {} }: { state?: FieldState; known?: Drift[]; policies?: DriftPolicies } = {}) => {
  let found: Drift[] = []
  const watch = createFieldWatch({
    source: { name: 'test', fieldOf: goodreadsFieldOf },
    state,
    known,
    policies,
    found: (drift) => found.push(drift),
  })
  let polls = 0
  return {
    watch,
    poll: (records: readonly SourceRecord[]) => {
      found = []
      watch.beginPoll({ pollId: `poll ${++polls}`, nowMs: polls * 1000 })
      const taken = records.map(watch.take)
      watch.endPoll()
      const once = [...new Map(found.map((drift) => [driftId(drift), drift])).values()]
      return { taken, drifts: once, told: once.map(({ field, kind, before, after }) => [field, kind, before, after]) }
    },
  }
}
const times = (count: number, record: SourceRecord) => Array.from({ length: count }, () => record)

test('a text has the type that it would have as JSON', () => {
  const texts = ['12', '-1.5', 'true', '{"a":1}', '[1]', '[Deleted]', 'Wed Feb 19', '']
  assert.deepEqual(texts.map(typeOfText), ['long', 'double', 'boolean', 'record', 'array', 'string', 'string', 'string'])
})

test('what the first poll brings is known; a name that comes later has appeared, once, with where and a sample', () => {
  const { poll } = watching()
  assert.deepEqual(poll([book({ extra: { similar_books: '1,2' } })]).told, [])
  const { drifts, taken } = poll([book({ extra: { similar_books: '3' } }), book({ extra: { similar_books: 'x', awards: 'Hugo' } })])
  assert.deepEqual(
    drifts
      .map(({ entity, field, kind, after, sample, pollId, requestId, foundMs, place, policy }) => [
        entity,
        field,
        kind,
        after,
        sample,
        pollId,
        requestId,
        foundMs,
        place,
        policy,
      ])
      .filter(([, field]) => field === 'awards'),
    [['books', 'awards', 'appeared', 'string', 'Hugo', 'poll 2', 'r1', 2000, 'source', 'evolve']],
  )
  assert.deepEqual(
    taken.map(({ drifted }) => drifted),
    [[], ['awards']],
  )
  assert.deepEqual(poll([book({ extra: { awards: 'Nebula' } })]).taken[0]?.drifted, ['awards'], 'it stays marked')
})

test('a value that its field does not take has changed its type, also in the first poll; one that it takes has not', () => {
  const { poll } = watching()
  const { told, taken } = poll([
    book({ extra: { num_pages: 'many', 'work.ratings_count': '1.5', average_rating: '4.1', updated_at: 'soon' } }),
  ])
  assert.deepEqual(told, [
    ['num_pages', 'type-changed', 'long', 'string'],
    ['work.ratings_count', 'type-changed', 'long', 'double'],
    ['updated_at', 'type-changed', 'timestamp-millis', 'string'],
  ])
  assert.deepEqual(taken[0]?.drifted, ['num_pages', 'work.ratings_count', 'updated_at'])
  assert.equal(taken[0]?.record.value && (taken[0].record.value as Book).extra['num_pages'], 'many', 'nothing is lost')
})

test('an entry of extra whose values become another type has changed it; a number is a number, and a text may read as one', () => {
  const { poll } = watching()
  poll([book({ extra: { rank: '12' } })])
  assert.deepEqual(poll([book({ extra: { rank: '12.5' } })]).told, [])
  assert.deepEqual(poll([book({ extra: { rank: 'first' } })]).told, [['rank', 'type-changed', 'long', 'string']])
  assert.deepEqual(poll([book({ extra: { rank: '3' } })]).taken[0]?.drifted, [])
  const { poll: texts } = watching()
  texts([book({ extra: { ids: '1,2' } })])
  assert.deepEqual(texts([book({ extra: { ids: '3' } })]).told, [])
  assert.deepEqual(texts([book({ extra: { ids: '{"id":3}' } })]).told, [['ids', 'type-changed', 'string', 'record']])
})

test('a field that half of twenty had and none of a whole poll and twenty has, has vanished; one that comes back may vanish again', () => {
  const { poll } = watching()
  const both = [...times(10, book({ title: 'A', publisher: 'P' })), ...times(10, book({ title: 'A' }))]
  assert.deepEqual(poll(both).told, [])
  assert.deepEqual(poll(times(9, book({ title: 'A' }))).told, [], 'nineteen without it')
  assert.deepEqual(poll(times(11, book({ title: 'A' }))).told, [], 'of the ten that it was last seen in, too few came before')
  const { poll: regular } = watching()
  regular(times(20, book({ title: 'A', publisher: 'P' })))
  assert.deepEqual(regular(times(19, book({ title: 'A' }))).told, [])
  assert.deepEqual(regular([book({ title: 'A' })]).told, [['publisher', 'vanished', 'string', null]])
  assert.deepEqual(regular(times(30, book({ title: 'A' }))).told, [], 'once')
  regular(times(40, book({ title: 'A', publisher: 'P' })))
  assert.deepEqual(regular(times(20, book({ title: 'A' }))).told, [['publisher', 'vanished', 'string', null]], 'a second time')
})

test('records that are only mentioned have other fields: nothing vanishes or appears by them', () => {
  const { poll } = watching()
  poll(times(30, book({ title: 'A', description: 'long', extra: { series: 'S' } })))
  assert.deepEqual(poll(times(30, book({ title: 'A', extra: { brief: '1' } }, 'mention'))).told, [])
  assert.deepEqual(poll(times(30, book({ title: 'A', extra: { brief: '1', briefer: '2' } }, 'mention'))).told, [
    ['briefer', 'appeared', null, 'long'],
  ])
})

test('within one poll nothing vanishes, however its records are sorted', () => {
  const { poll } = watching()
  assert.deepEqual(poll([...times(40, book({ title: 'A' })), ...times(40, book({}))]).told, [])
})

test('what is known outlives the process, and what is on record stays drift', () => {
  const first = watching()
  first.poll([book({ extra: { similar_books: 'a' } })])
  const kept = JSON.parse(JSON.stringify(first.watch.state())) as FieldState
  const second = watching({ state: kept })
  const { drifts, told } = second.poll([book({ extra: { similar_books: 'b', awards: 'Hugo' } })])
  assert.deepEqual(told, [['awards', 'appeared', null, 'string']])
  // Killed before its state was kept: the record of it counts.
  const third = watching({ state: kept, known: drifts })
  const again = third.poll([book({ extra: { awards: 'Nebula' } })])
  assert.deepEqual(again.taken[0]?.drifted, ['awards'])
  assert.deepEqual(again.drifts.map(driftId), drifts.map(driftId), 'the same finding')
})

test('discard leaves a new name out and tells of it; a value that does not fit its field stays', () => {
  const { poll } = watching({ policies: { books: 'discard' } })
  poll([book({ extra: { similar_books: 'a' } })])
  const { taken, drifts } = poll([book({ extra: { similar_books: 'b', awards: 'Hugo', num_pages: 'many' } })])
  assert.deepEqual((taken[0]!.record.value as Book).extra, { similar_books: 'b', num_pages: 'many' })
  assert.deepEqual(taken[0]?.drifted, ['num_pages'])
  assert.deepEqual(
    drifts.map(({ field, policy, sample }) => [field, policy, sample]),
    [
      ['awards', 'discard', 'Hugo'],
      ['num_pages', 'discard', 'many'],
    ],
  )
})

test('names that objects have of themselves are names like others', () => {
  const { poll } = watching()
  poll([book({ extra: { a: 'x' } }, 'constructor')])
  const extra = Object.assign(Object.create(null), { constructor: 'c', ['__proto__']: 'p' })
  assert.deepEqual(
    poll([book({ extra }, 'constructor')])
      .told.map(([field]) => field)
      .sort(),
    ['__proto__', 'constructor'],
  )
})
