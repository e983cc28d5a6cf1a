import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReadflowError } from '../../../runtime/errors.ts'
import { document } from './server.ts'
import { idsOf, NOW_MS, openWorld, type WorldReview } from './world.ts'

const HOUR_MS = 3_600_000
/** Reviews 1 … count of a reader, each an hour newer than the one before, of the books 101 …. */
const reviewsOf = (user: number, count: number): WorldReview[] =>
  Array.from({ length: count }, (_, index) => ({
    id: user * 100 + index + 1,
    user,
    book: 101 + index,
    updatedMs: NOW_MS - (count - index) * HOUR_MS,
  }))
const idsFrom = (user: number, ...numbers: number[]) => numbers.map((number) => String(user * 100 + number))

test('a first poll publishes recent reviews, whole lists, and books and authors whole', async (t) => {
  const { poll, asked } = await openWorld(
    t,
    { reviews: [...reviewsOf(1, 7), { id: 900, user: 9, book: 201, updatedMs: NOW_MS - 5 }], recent: [900] },
    { userIds: ['1'] },
  )
  const { records, error } = await poll()
  assert.equal(error, undefined)
  assert.deepEqual(idsOf(records, 'reviews'), [...idsFrom(1, 1, 2, 3, 4, 5, 6, 7), '900'])
  assert.deepEqual(idsOf(records, 'ratings'), [...[1, 2, 3, 4, 5, 6, 7].map((n) => `1:${100 + n}`), '9:201'])
  // 9999 is only mentioned by others: it is published as it is, and not followed.
  assert.deepEqual(idsOf(records, 'books'), [...[1, 2, 3, 4, 5, 6, 7].map((n) => `${100 + n}*`), '201*', '9999'])
  assert.deepEqual(idsOf(records, 'authors'), [...[1, 2, 3, 4, 5, 6, 7].map((n) => `${1100 + n}*`), '1201*'])
  const requests = asked()
  assert.equal(new Set(requests).size, requests.length)
  assert.equal(requests.filter((path) => path.includes('/list/')).length, 3)
})

test('every answer is there raw, and every record names its request', async (t) => {
  const { poll, asked } = await openWorld(t, { reviews: reviewsOf(1, 1) }, { userIds: ['1'] })
  const { records } = await poll()
  const raws = records.flatMap((record) => (record.entity === 'raw' ? record.value : []))
  assert.equal(raws.length, asked().length)
  assert.ok(raws.every(({ poll_id, source }) => poll_id === 'p1' && source === 'goodreads-api'))
  const ids = new Set(raws.map(({ request_id }) => request_id))
  assert.ok(records.every(({ requestId }) => requestId !== null && ids.has(requestId)))
})

test('a later poll publishes what is new, also after a restart', async (t) => {
  const { poll, world, restart } = await openWorld(
    t,
    { reviews: [...reviewsOf(1, 7), { id: 900, user: 9, book: 201, updatedMs: NOW_MS - 5 }], recent: [900] },
    { userIds: ['1'] },
  )
  await poll()
  for (let i = 0; i < 2; i++) {
    const { records } = await poll()
    assert.deepEqual([idsOf(records, 'reviews'), idsOf(records, 'ratings')], [[], []])
    restart()
  }
  world.reviews.push({ id: 108, user: 1, book: 108, updatedMs: NOW_MS - 1 }, { id: 901, user: 9, book: 202, updatedMs: NOW_MS - 1 })
  world.recent.push(901)
  world.reviews.find(({ id }) => id === 102)!.updatedMs = NOW_MS - 2
  const { records } = await poll()
  assert.deepEqual(idsOf(records, 'reviews'), ['102', '108', '901'])
})

test('two reviews that change in the same second are both found, whichever poll comes between', async (t) => {
  const { poll, world } = await openWorld(t, { reviews: [{ id: 101, user: 1, book: 101, updatedMs: NOW_MS - 1000 }] }, { userIds: ['1'] })
  await poll()
  world.reviews.push({ id: 102, user: 1, book: 102, updatedMs: NOW_MS - 1000 })
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), ['102'])
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), [])
})

test('a date in the future, or none, hides no later review and is published once', async (t) => {
  const odd = [
    { id: 102, user: 1, book: 102, updatedMs: NOW_MS + 40 * 365 * 24 * HOUR_MS },
    { id: 103, user: 1, book: 103, updatedMs: null },
  ]
  const { poll, world } = await openWorld(t, { reviews: [...reviewsOf(1, 1), ...odd] }, { userIds: ['1'] })
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), ['101', '102', '103'])
  world.reviews.push({ id: 104, user: 1, book: 104, updatedMs: NOW_MS })
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), ['104'])
})

test('a recent review of a listed reader is published once, from the list', async (t) => {
  const { poll, world } = await openWorld(
    t,
    { reviews: [...reviewsOf(1, 1), ...reviewsOf(2, 1)] },
    { userIds: ['2', '1'], maxRefreshesPerPoll: 1 },
  )
  await poll()
  world.reviews.push({ id: 102, user: 1, book: 102, updatedMs: NOW_MS })
  world.recent = [102]
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), ['102'])
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), [])
})

test('a first load that was killed goes on: nothing is missed, and lists that were read are not read again', async (t) => {
  const users = Array.from({ length: 30 }, (_, index) => index + 1)
  const reviews = users.flatMap((user) => reviewsOf(user, 99))
  const { batches, keep, poll, restart, asked } = await openWorld(t, { reviews }, { userIds: users.map(String) })
  const published = new Set<string>()
  let publishedTwice = 0
  const take = (ids: string[]) => {
    for (const id of ids) {
      if (published.has(id)) publishedTwice++
      published.add(id)
    }
  }
  for await (const batch of batches()) {
    take(idsOf(keep(batch), 'reviews'))
    break
  }
  const listedBefore = asked().filter((path) => path.includes('/list/')).length
  restart()
  take(idsOf((await poll()).records, 'reviews'))
  assert.equal(published.size, reviews.length)
  // What was asked at the moment of the kill, and not kept, is asked again: one page for each request then running.
  assert.ok(publishedTwice <= 8 * 3, `${publishedTwice} published twice`)
  const listedAfter = asked().filter((path) => path.includes('/list/')).length
  assert.ok(listedBefore + listedAfter <= 30 * 33 + 8, `${listedBefore} + ${listedAfter} pages`)
})

test('a book that does not exist is published as far as it is known, and asked again only in its turn', async (t) => {
  const { poll, asked } = await openWorld(
    t,
    { reviews: reviewsOf(1, 2), missing: new Set(['book/show/101', 'author/show/1101']) },
    { userIds: ['1'], maxRefreshesPerPoll: 1 },
  )
  const { records, error } = await poll()
  assert.equal(error, undefined)
  assert.deepEqual(idsOf(records, 'books'), ['102*', '9999'])
  asked()
  const shown: string[] = []
  for (let i = 0; i < 4; i++) {
    await poll()
    shown.push(...asked().filter((path) => path.includes('/book/')))
  }
  assert.deepEqual(shown.sort(), ['/book/show/101.xml', '/book/show/101.xml', '/book/show/102.xml', '/book/show/102.xml'])
})

test('a partial book or author never follows the whole one', async (t) => {
  const { poll, world, restart } = await openWorld(
    t,
    { reviews: reviewsOf(1, 3) },
    { userIds: ['1'], maxBookRequestsPerPoll: 2, maxAuthorRequestsPerPoll: 2 },
  )
  const whole = new Set<string>()
  for (let i = 0; i < 6; i++) {
    world.reviews.push({ id: 150 + i, user: 1, book: 101 + (i % 4), updatedMs: NOW_MS - 60 + i })
    for (const record of (await poll()).records) {
      if (record.entity !== 'books' && record.entity !== 'authors') continue
      const [id] = idsOf([record], record.entity)
      if (id!.endsWith('*')) whole.add(`${record.entity}${id!.slice(0, -1)}`)
      else assert.ok(!whole.has(`${record.entity}${id}`), `${id} fell back`)
    }
    restart()
  }
  assert.ok(['books101', 'books104', 'authors1101', 'authors1104'].every((id) => whole.has(id)))
})

test('what did not fit into a poll is published partially, and whole by a later one', async (t) => {
  const { poll } = await openWorld(t, { reviews: reviewsOf(1, 3) }, { userIds: ['1'], maxBookRequestsPerPoll: 1, maxRefreshesPerPoll: 0 })
  const polls = [await poll(), await poll(), await poll()].map(({ records }) => idsOf(records, 'books').filter((id) => id !== '9999'))
  assert.equal(polls[0]?.filter((id) => id.endsWith('*')).length, 1)
  assert.equal(polls[0]?.length, 3)
  assert.deepEqual(
    polls
      .flat()
      .filter((id) => id.endsWith('*'))
      .sort(),
    ['101*', '102*', '103*'],
  )
})

test('one corrupt answer is one line; the rest goes on, and it is asked for again', async (t) => {
  const { poll, world, lines } = await openWorld(
    t,
    { reviews: reviewsOf(1, 3), instead: new Map([['/book/show/102.xml', document('<book>')]]) },
    { userIds: ['1'] },
  )
  const { records, error } = await poll()
  assert.equal(error, undefined)
  assert.deepEqual(idsOf(records, 'books'), ['101*', '102', '103*', '9999'])
  assert.ok(records.some((record) => record.entity === 'raw' && Buffer.from(record.value.body).toString() === document('<book>')))
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /book\.show answered XML that is broken at line 2, column \d+/)
  world.instead.clear()
  assert.ok(idsOf((await poll()).records, 'books').includes('102*'))
})

test('a corrupt page of a list loses nothing', async (t) => {
  const { poll, world } = await openWorld(
    t,
    { reviews: reviewsOf(1, 7), instead: new Map([['/review/list/1.xml', '<GoodreadsResponse>']]) },
    { userIds: ['1'] },
  )
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), [])
  world.instead.clear()
  assert.equal(idsOf((await poll()).records, 'reviews').length, 7)
})

test('a refused key ends the poll; what was answered before is published first', async (t) => {
  const { poll, world } = await openWorld(t, {
    reviews: [{ id: 900, user: 9, book: 201, updatedMs: NOW_MS }],
    recent: [900],
    instead: new Map([['/book/show/201.xml', { status: 401, type: 'text/html', body: 'Invalid API key.' }]]),
  })
  const { records, error } = await poll()
  assert.ok(error instanceof ReadflowError && error.code === 'source-refused')
  assert.deepEqual(idsOf(records, 'reviews'), ['900'])
  assert.ok(records.some((record) => record.entity === 'raw' && record.value.status === 401))
  world.instead.clear()
  const again = await poll()
  assert.deepEqual([idsOf(again.records, 'reviews'), idsOf(again.records, 'books')], [[], ['201*', '9999']])
})

test('a source that is down is unavailable, and no list is asked for', async (t) => {
  const { poll, asked } = await openWorld(t, { instead: new Map([['/review/recent_reviews.xml', { status: 503 }]]) }, { userIds: ['1'] })
  const { records, error } = await poll()
  assert.ok(error instanceof ReadflowError && error.code === 'source-unavailable')
  assert.deepEqual(
    records.map((record) => record.entity === 'raw' && record.value.status),
    [503, 503],
  )
  assert.ok(asked().every((path) => path.includes('recent')))
})

test('what is no GoodReads is invalid at the first poll, in one line; a GoodReads that once was is only unavailable', async (t) => {
  const html = { type: 'text/html', body: '<html>welcome</html>' }
  const paths = ['/review/recent_reviews.xml', ...Array.from({ length: 20 }, (_, index) => `/review/list/${index}.xml`)]
  const wrong = new Map(paths.map((path) => [path, html]))
  const { poll, asked } = await openWorld(t, { instead: wrong }, { userIds: Array.from({ length: 20 }, (_, index) => String(index)) })
  const { error } = await poll()
  assert.ok(error instanceof ReadflowError && error.code === 'source-invalid')
  assert.match(error.message, /HTML instead of XML/)
  assert.ok(asked().length < 20)

  const worked = await openWorld(t, { reviews: reviewsOf(1, 1) })
  await worked.poll()
  worked.world.instead.set('/review/recent_reviews.xml', html)
  const later = await worked.poll()
  assert.ok(later.error instanceof ReadflowError && later.error.code === 'source-unavailable')
})

test('a stop ends a poll at once', async (t) => {
  const { batches, world } = await openWorld(t, { reviews: reviewsOf(1, 1) }, { userIds: ['1'] })
  world.instead.set('/review/list/1.xml', { hangs: true })
  const stop = new AbortController()
  const reason = new ReadflowError('stopped', 'told to stop')
  const polling = batches(stop.signal)[Symbol.asyncIterator]().next()
  setImmediate(() => stop.abort(reason))
  await assert.rejects(polling, (error) => error === reason)
})

test('with a least interval, the requests of a poll fit into the time between polls', async (t) => {
  const { poll, asked } = await openWorld(
    t,
    { reviews: reviewsOf(1, 30) },
    { userIds: ['1'], minIntervalMs: 1000, sleep: async () => undefined },
  )
  await poll()
  const requests = asked()
  for (const method of ['/review/list/', '/book/show/', '/author/show/'])
    assert.equal(requests.filter((path) => path.includes(method)).length, 8, method)
})

test('a position of another make is read as none', async (t) => {
  const { poll, batches, keep } = await openWorld(t, { reviews: reviewsOf(1, 2) }, { userIds: ['1'] })
  keep({ records: [], position: { version: 99, knownBooks: 'all' } })
  assert.deepEqual(idsOf((await poll()).records, 'reviews'), ['101', '102'])
  await batches()[Symbol.asyncIterator]().return?.(undefined)
})
