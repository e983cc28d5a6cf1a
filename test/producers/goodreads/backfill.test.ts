import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGoodreadsClient } from '../../../producers/sources/goodreads/client.ts'
import { openGoodreadsSource } from '../../../producers/sources/goodreads/source.ts'
import type { BackfillProgress, Position, SourceRecord } from '../../../producers/sources/source.ts'
import { isRetriable } from '../../../runtime/errors.ts'
import { keepingLog } from './server.ts'
import { honestPage, idsOf, NOW_MS, openWorld, type World, type WorldReview } from './world.ts'

const DAY_MS = 86_400_000
const daysAgo = (days: number) => NOW_MS - days * DAY_MS
const day = (days: number) => new Date(daysAgo(days)).toISOString().slice(0, 10)

/** A reader's reviews, one a day back from yesterday, the n-th of book n. */
const reviewsOf = (user: number, count: number): WorldReview[] =>
  Array.from({ length: count }, (_, index) => ({
    id: user * 1000 + index + 1,
    user,
    book: index + 1,
    updatedMs: daysAgo(index + 1) - 3_600_000,
  }))

/** Backfills of a world with pages of three, with the position kept as by the poller. */
const openBackfill = async (t: Parameters<typeof openWorld>[0], reviews: WorldReview[], userIds: string[]) => {
  const { world, asked, baseUrl } = await openWorld(t, { reviews })
  const { log, lines } = keepingLog()
  const client = createGoodreadsClient({ baseUrl, minIntervalMs: 0, firstDelayMs: 1, maxDelayMs: 2, maxAttempts: 2, log })
  const source = openGoodreadsSource({
    name: 'goodreads-api',
    id: 'test',
    isGenerated: false,
    pollIntervalMs: 10_000,
    client,
    userIds,
    concurrency: 1,
  })
  let position: Position | null = null
  const progress: BackfillProgress[] = []
  const run = async (
    range: { fromDay: string; toDay: string },
    { stopAfter = Number.POSITIVE_INFINITY, live = null as Position | null } = {},
  ) => {
    const stopping = new AbortController()
    const records: SourceRecord[] = []
    let requests = 0
    const onProgress = (each: BackfillProgress) => {
      progress.push(each)
      if (requests++ >= stopAfter) stopping.abort(new Error('told to stop'))
    }
    const { signal } = stopping
    try {
      // Every answer is a batch that is published: what is interrupted has kept its position.
      for await (const batch of source.backfill!({ ...range, position, live, onProgress }, { pollId: 'b1', signal, log, nowMs: clock() })) {
        records.push(...batch.records)
        position = JSON.parse(JSON.stringify(batch.position))
      }
      return { records, error: undefined }
    } catch (error) {
      return { records, error }
    }
  }
  return { world, asked, run, progress, lines }
}

/** Each look is six seconds after the one before, so that each answer is a batch of its own; the day stays. */
const clock = () => {
  let looks = 0
  return () => NOW_MS + 6000 * looks++
}

test('the lists are paged back to the first day, and only what changed in the days is taken, with its books and authors', async (t) => {
  const { run, asked, progress } = await openBackfill(t, [...reviewsOf(1, 12), ...reviewsOf(2, 2)], ['1', '2'])
  const { records, error } = await run({ fromDay: day(6), toDay: day(4) })
  assert.equal(error, undefined)
  assert.deepEqual(idsOf(records, 'reviews'), ['1003', '1004', '1005'])
  assert.deepEqual(idsOf(records, 'ratings'), ['1:3', '1:4', '1:5'])
  assert.deepEqual(
    idsOf(records, 'books').filter((id) => id.endsWith('*')),
    ['3*', '4*', '5*'],
  )
  const paths = asked().map((path) => new URL(path, 'http://world'))
  const pages = paths.filter(({ pathname }) => pathname === '/review/list/1.xml').map(({ searchParams }) => searchParams.get('page'))
  assert.deepEqual(pages, ['1', '2', '3'], 'no page beyond the first day')
  assert.ok(!paths.some(({ pathname }) => pathname.startsWith('/review/recent_reviews')))
  const { daysDone, days, requestsLeft, requests } = progress.at(-1)!
  assert.deepEqual({ daysDone, days, requestsLeft, requests }, { daysDone: 3, days: 3, requestsLeft: 0, requests: paths.length })
})

test('books that the live poll follows are not asked for again, nor published in part', async (t) => {
  const { run, asked } = await openBackfill(t, reviewsOf(1, 3), ['1'])
  const live = {
    version: 1,
    marks: {},
    listings: {},
    seen: [],
    knownBooks: ['1'],
    pendingBooks: ['2'],
    knownAuthors: ['1001', '1002', '1003'],
    pendingAuthors: [],
    nextUser: 0,
  }
  const { records } = await run({ fromDay: day(10), toDay: day(0) }, { live })
  assert.deepEqual(idsOf(records, 'reviews'), ['1001', '1002', '1003'])
  assert.deepEqual(
    idsOf(records, 'books').filter((id) => ['1', '2', '3*'].includes(id)),
    ['3*'],
  )
  assert.ok(!asked().some((path) => /book\/show\/[12]\.xml/.test(path)))
})

test('interrupted it goes on where it was, nothing is lost, and done it begins anew', async (t) => {
  const { run, asked } = await openBackfill(t, reviewsOf(1, 12), ['1'])
  const range = { fromDay: day(13), toDay: day(1) }
  const first = await run(range, { stopAfter: 6 })
  assert.match(String(first.error), /told to stop/)
  const before = asked().length
  const second = await run(range)
  assert.equal(second.error, undefined)
  const all = new Set(idsOf([...first.records, ...second.records], 'reviews'))
  assert.equal(all.size, 12)
  const after = asked()
  assert.ok(after.length + before < 2 * 29, `${before} and ${after.length} requests`)
  assert.ok(!after.some((path) => path.includes('/review/list/1.xml') && path.includes('page=1&')), 'the first page is not asked for again')
  const again = await run(range)
  assert.equal(idsOf(again.records, 'reviews').length, 12)
})

test('a review whose date can not be is of no day; one answer that is broken is asked again, and given up at last', async (t) => {
  const reviews = [...reviewsOf(1, 2), { id: 1999, user: 1, book: 9, updatedMs: null }]
  const { run, world, lines } = await openBackfill(t, reviews, ['1'])
  world.instead.set('/book/show/2.xml', '<html>over capacity</html>')
  const { records, error } = await run({ fromDay: day(10), toDay: day(0) })
  assert.equal(error, undefined)
  assert.deepEqual(idsOf(records, 'reviews'), ['1001', '1002'])
  assert.deepEqual(
    idsOf(records, 'books').filter((id) => id === '2' || id === '2*'),
    ['2'],
    'what is known of it from the list',
  )
  assert.ok(lines.some((line) => line.includes('goes on without it')))
})

test('a source that is away ends it for now, and without readers there is nothing to ask', async (t) => {
  const { run, world } = await openBackfill(t, reviewsOf(1, 3), ['1'])
  for (const path of ['/review/list/1.xml', '/review/recent_reviews.xml']) world.instead.set(path, { status: 503, body: 'later' })
  const { error } = await run({ fromDay: day(10), toDay: day(0) })
  assert.ok(isRetriable(error))
  const none = await openBackfill(t, [], [])
  assert.match(String((await none.run({ fromDay: day(10), toDay: day(0) })).error), /by reader only, and no reader is named/)
})

test('no reader is dropped by a source that fails as a whole, however often it is asked', async (t) => {
  const { run, world } = await openBackfill(
    t,
    [1, 2, 3].flatMap((user) => reviewsOf(user, 2)),
    ['1', '2', '3'],
  )
  const range = { fromDay: day(10), toDay: day(0) }
  for (const path of [1, 2, 3].map((user) => `/review/list/${user}.xml`).concat('/review/recent_reviews.xml'))
    world.instead.set(path, '<html>over capacity</html>')
  for (let attempt = 0; attempt < 4; attempt++) assert.ok(isRetriable((await run(range)).error))
  world.instead.clear()
  const { records, error } = await run(range)
  assert.equal(error, undefined)
  assert.equal(idsOf(records, 'reviews').length, 6)
})

test('a reader who alone can not be had is given up and named, and tried again when the same is asked for again', async (t) => {
  const { run, world, asked, progress } = await openBackfill(
    t,
    [1, 2, 3, 4].flatMap((user) => reviewsOf(user, 2)),
    ['1', '2', '3', '4'],
  )
  const range = { fromDay: day(10), toDay: day(0) }
  world.missing.add('review/list/1')
  world.instead.set('/review/list/2.xml', '<html>over capacity</html>')
  world.instead.set('/review/list/3.xml', { status: 401, body: 'private' })
  const { records, error } = await run(range)
  assert.equal(error, undefined)
  assert.deepEqual(idsOf(records, 'reviews'), ['4001', '4002'])
  const { missing } = progress.at(-1)!
  assert.deepEqual(missing.map(({ kind, id }) => `${kind} ${id}`).sort(), ['reader 1', 'reader 2', 'reader 3'])
  assert.match(missing.find(({ id }) => id === '1')?.why ?? '', /404/)
  world.missing.clear()
  world.instead.clear()
  asked()
  const again = await run(range)
  assert.deepEqual(idsOf(again.records, 'reviews'), ['1001', '1002', '2001', '2002', '3001', '3002'])
  assert.deepEqual([asked().some((path) => path.startsWith('/review/list/4.xml')), progress.at(-1)?.missing], [false, []])
})

test('days are done one after the other, and none while a request of it waits', async (t) => {
  const { run, progress } = await openBackfill(t, [...reviewsOf(1, 6), ...reviewsOf(2, 6)], ['1', '2'])
  await run({ fromDay: day(6), toDay: day(2) })
  const days = progress.map(({ daysDone }) => daysDone)
  assert.deepEqual([...new Set(days)], [0, 1, 2, 3, 4, 5])
  assert.ok(progress.every(({ daysDone, requestsLeft }) => daysDone < 5 || requestsLeft === 0))
  assert.deepEqual(
    days,
    days.toSorted((a, b) => a - b),
  )
})

/** How the list of reader 2, which has 30 entries, is cut short. */
const cuts: Record<
  string,
  (page: number, honest: NonNullable<World['page']>, reviews: WorldReview[]) => ReturnType<NonNullable<World['page']>>
> = {
  'an empty page': (page, honest, reviews) => (page < 3 ? honest(reviews, page) : { shown: [], range: '' }),
  'an empty page that repeats its total': (page, honest, reviews) =>
    page < 3 ? honest(reviews, page) : { shown: [], range: 'start="0" end="0" total="30"' },
  'the same page for ever': (_page, honest, reviews) => honest(reviews, 1),
  'a 404': (page, honest, reviews) => (page < 3 ? honest(reviews, page) : null),
  'nothing, from its first page on': () => ({ shown: [], range: 'start="0" end="0" total="30"' }),
  'a page that claims far more than it shows': (_page, _honest, reviews) => ({
    shown: reviews.slice(0, 3),
    range: 'start="1" end="30" total="30"',
  }),
}
for (const [cut, pageOf] of Object.entries(cuts)) {
  test(`a list that ends with ${cut}, short of its total, is a reader that is missing, and is read anew when asked for again`, async (t) => {
    const { run, world, asked, progress } = await openBackfill(t, [...reviewsOf(1, 8), ...reviewsOf(2, 30)], ['1', '2'])
    const honest = honestPage(3)
    world.page = (reviews, page) => (reviews[0]?.user === 2 ? pageOf(page, honest, reviews) : honest(reviews, page))
    const range = { fromDay: day(40), toDay: day(0) }
    const { records, error } = await run(range)
    assert.equal(error, undefined)
    assert.equal(idsOf(records, 'reviews').filter((id) => id.startsWith('1')).length, 8)
    const missing = progress.at(-1)?.missing ?? []
    assert.deepEqual(
      missing.map(({ kind, id }) => `${kind} ${id}`),
      ['reader 2'],
    )
    assert.match(missing[0]?.why ?? '', /^The list of reader 2 ends at page \d with \d of the 30 entries that it claims\.$/)
    delete world.page
    asked()
    const again = await run(range)
    assert.equal(new Set(idsOf([...records, ...again.records], 'reviews')).size, 38)
    assert.deepEqual([asked().some((path) => path.startsWith('/review/list/1.xml')), progress.at(-1)?.missing], [false, []])
  })
}

test('a list may end early where it has been beyond the first day, or by what its reader deletes meanwhile', async (t) => {
  const { run, world, progress } = await openBackfill(t, reviewsOf(1, 30), ['1'])
  const honest = honestPage(3)
  world.page = (reviews, page) => (page < 3 ? honest(reviews, page) : null)
  await run({ fromDay: day(5), toDay: day(0) })
  assert.deepEqual(progress.at(-1)?.missing, [], 'the page before the end was beyond it')
  for (const [total, isWhole] of [
    [8, true],
    [9, false],
  ] as const) {
    world.page = (reviews, page) =>
      page < 3 ? { ...honest(reviews, page)!, range: `start="${page * 3 - 2}" end="${page * 3}" total="${total}"` } : null
    await run({ fromDay: day(40 + total), toDay: day(0) })
    assert.equal(progress.at(-1)?.missing.length === 0, isWhole, `${total} claimed`)
  }
})

test('old dates end a list only where a page has none of the days', async (t) => {
  const { run, world } = await openBackfill(t, reviewsOf(1, 12), ['1'])
  const honest = honestPage(3)
  const mixed = [3, 10, 11, 0, 2, 1, 9, 8, 7, 4, 5, 6]
  world.page = (reviews, page) =>
    honest(
      mixed.map((at) => reviews[at]!),
      page,
    )
  const { records } = await run({ fromDay: day(6), toDay: day(0) })
  assert.deepEqual(idsOf(records, 'reviews'), ['1001', '1002', '1003', '1004'])
})
