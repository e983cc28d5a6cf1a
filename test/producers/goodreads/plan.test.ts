import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBoundedSet } from '../../../producers/sources/goodreads/bounded-set.ts'
import { createPlan, type PlanOptions, type Task } from '../../../producers/sources/goodreads/plan.ts'
import { noMark, readPosition, type State, writePosition } from '../../../producers/sources/goodreads/position.ts'

const stateWith = (fill: (state: State) => void = () => undefined): State => {
  const state = readPosition(null)
  fill(state)
  return state
}
const planOf = (options: Partial<PlanOptions>) =>
  createPlan({
    state: stateWith(),
    userIds: [],
    maxRequests: { 'book.show': 100, 'author.show': 100, 'review.list': 100 },
    maxRefreshes: 2,
    isSequential: false,
    changed: { bookIds: [], userIds: [] },
    ...options,
  })
const nameOf = (task: Task | null) => task && `${task.method} ${task.id}`
const drain = (plan: ReturnType<typeof createPlan>): string[] => {
  const task = plan.next()
  if (task === null) return []
  plan.done(task)
  return [nameOf(task)!, ...drain(plan)]
}

test('sequential: one request of a method at a time', () => {
  const state = stateWith(({ books, authors }) => {
    for (const id of ['1', '2']) books.pending.add(id)
    authors.pending.add('3')
  })
  const plan = planOf({ state, userIds: ['9'], isSequential: true })
  const first = plan.next()
  assert.deepEqual([first, plan.next(), plan.next(), plan.next()].map(nameOf), ['book.show 1', 'author.show 3', 'review.list 9', null])
  plan.done(first!)
  assert.equal(nameOf(plan.next()), 'book.show 2')
})

test('readers with news come first, then those never listed, then the others in turn', () => {
  const state = stateWith(({ marks }) => {
    for (const id of ['1', '2', '3', '4']) marks.set(id, noMark)
  })
  const lists = (changedUserIds: string[], userIds = ['1', '2', '3', '4', '5']) =>
    drain(planOf({ state, userIds, maxRefreshes: 3, changed: { bookIds: [], userIds: changedUserIds } }))
  assert.deepEqual(lists(['4']), ['review.list 4', 'review.list 5', 'review.list 1'])
  state.marks.set('5', noMark)
  assert.deepEqual(lists([]), ['review.list 2', 'review.list 3', 'review.list 4'])
  assert.deepEqual(lists([]), ['review.list 5', 'review.list 1', 'review.list 2'])
})

test('known books are asked again when all else is asked: those with news, then the longest unasked', () => {
  const state = stateWith(({ books }) => {
    for (const id of ['1', '2', '3']) books.known.add(id)
    books.pending.add('4')
  })
  assert.deepEqual(drain(planOf({ state, userIds: ['9'], changed: { bookIds: ['3', '77'], userIds: [] } })), [
    'book.show 4',
    'review.list 9',
    'book.show 3',
    'book.show 1',
  ])
})

test('a bounded set forgets what was added longest ago', () => {
  const set = createBoundedSet(2, ['a', 'b'])
  set.add('a')
  set.add('c')
  assert.deepEqual([set.oldest(), set.has('b'), set.isFull(), set.oldest(1)], [['a', 'c'], false, true, ['a']])
})

test('a position comes back as it was, without readers that are not configured any more', () => {
  const state = stateWith(({ marks, listings, seen, books, authors }) => {
    marks.set('1', { atMs: 5, reviewIds: ['x'] }).set('2', noMark)
    listings.set('1', { page: 3, mark: { atMs: 9, reviewIds: ['y', 'z'] } })
    for (const set of [seen, books.known, books.pending, authors.known, authors.pending]) for (const id of ['b', 'a']) set.add(id)
  })
  state.nextUser = 7
  const position = writePosition(state, (userId) => userId === '1')
  const back = readPosition(JSON.parse(JSON.stringify(position)))
  assert.deepEqual(
    writePosition(back, () => true),
    position,
  )
  assert.deepEqual([...back.marks], [['1', { atMs: 5, reviewIds: ['x'] }]])
})

test('a position stays within a megabyte and a half', () => {
  const state = stateWith(({ seen, books, authors }) => {
    for (let i = 0; i < 50_000; i++) {
      seen.add(`${4_000_000_000 + i}:${1_700_000_000_000 + i}`)
      for (const set of [books.known, books.pending, authors.known, authors.pending]) set.add(String(200_000_000 + i))
    }
  })
  assert.ok(JSON.stringify(writePosition(state, () => true)).length < 1_500_000)
})
