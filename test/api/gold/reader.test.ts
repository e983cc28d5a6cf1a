import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { startApi } from '../helpers/api.ts'
import { book, genre, publishGold, rating, writeSilver } from '../helpers/gold-lake.ts'

const books = (count: number, rest = {}) =>
  Array.from({ length: count }, (_, index) => book(String(index + 1), { ratings_count: 7, ...rest }))
const ids = (body: { books: { book_id: string }[] }) => body.books.map(({ book_id }) => book_id)

describe('paging', () => {
  it('gives each book once, in one order, where many tie', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, { dim_book: books(25) })
    await gold.refresh()
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const { body } = await get(`/v1/books?limit=10${cursor ? `&cursor=${cursor}` : ''}`)
      assert.equal(body.total, 25)
      seen.push(...ids(body))
      cursor = body.next_cursor
    } while (cursor)
    assert.equal(seen.length, 25)
    assert.equal(new Set(seen).size, 25)
    assert.deepEqual(seen, seen.toSorted())
  })

  it('goes on in the version that it began in, whatever is published meanwhile', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, { dim_book: books(4) })
    await gold.refresh()
    const first = await get('/v1/books?limit=2')
    await publishGold(store, { dim_book: books(4, { title: 'Changed' }).slice(0, 1) })
    await gold.refresh()
    const second = await get(`/v1/books?limit=2&cursor=${first.body.next_cursor}`)
    assert.equal(second.body.version, first.body.version)
    assert.deepEqual([...ids(first.body), ...ids(second.body)], ['1', '2', '3', '4'])
    assert.equal(second.body.next_cursor, null)
    const fresh = await get('/v1/books?limit=2')
    assert.equal(fresh.body.version, first.body.version + 1)
    assert.deepEqual(ids(fresh.body), ['1'])
  })

  it('refuses a cursor of other filters', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, { dim_book: books(4) })
    await gold.refresh()
    const { body } = await get('/v1/books?limit=2')
    const other = await get(`/v1/books?limit=2&sort=title&cursor=${body.next_cursor}`)
    assert.equal(other.status, 400)
    assert.match(other.body.detail, /other filters or another order/)
  })

  it('is a 410 that says to begin again where its version is gone', async (t) => {
    const { get, store, gold, folder } = await startApi(t, { keepVersions: 1 })
    await publishGold(store, { dim_book: books(4) })
    await gold.refresh()
    const { body } = await get('/v1/books?limit=2')
    await publishGold(store, { dim_book: books(4) })
    await gold.refresh()
    await rm(path.join(folder, 'gold/_published/00000000000000000000.json'), { force: true })
    const files = await get(`/v1/books?limit=2&cursor=${body.next_cursor}`)
    assert.equal(files.status, 410)
    assert.match(files.body.detail, /begin again/)
  })

  it('opens an older version again when it was put away', async (t) => {
    const { get, store, gold } = await startApi(t, { keepVersions: 1 })
    await publishGold(store, { dim_book: books(4) })
    await gold.refresh()
    const first = await get('/v1/books?limit=2')
    for (let count = 0; count < 3; count++) {
      await publishGold(store, { dim_book: books(1) })
      await gold.refresh()
    }
    const second = await get(`/v1/books?limit=2&cursor=${first.body.next_cursor}`)
    assert.equal(second.body.version, first.body.version)
    assert.deepEqual(ids(second.body), ['3', '4'])
  })
})

describe('a published version', () => {
  it('is read whole by a request that began before the next one', async (t) => {
    const { store, gold } = await startApi(t, { keepVersions: 1 })
    await publishGold(store, { dim_book: books(1), fact_rating: [rating('1', 5, null)] })
    await gold.refresh()
    const answered = await gold.use(undefined, async (version) => {
      await publishGold(store, { dim_book: books(3) })
      await publishGold(store, { dim_book: books(3) })
      await gold.refresh()
      assert.notEqual(gold.current()?.version, version.version)
      const [row] = await version.rows(
        `SELECT (SELECT count(*) FROM ${version.table('dim_book')}) AS books, (SELECT count(*) FROM ${version.table('agg_rating_distribution')}) AS ratings`,
      )
      return row
    })
    assert.deepEqual(answered?.result, { books: 1, ratings: 1 })
  })

  it('that can not be read leaves the one before it in service', async (t) => {
    const { get, store, gold, folder } = await startApi(t)
    await publishGold(store, { dim_book: books(2) })
    await gold.refresh()
    const version = await publishGold(store, { dim_book: books(3) })
    await rm(path.join(folder, 'gold/dim_book/_delta_log/00000000000000000001.json'))
    await assert.rejects(gold.refresh())
    const { status, body } = await get('/v1/books')
    assert.equal(status, 200)
    assert.equal(body.version, version - 1)
    assert.equal(body.total, 2)
  })

  it('stays open whatever older ones are asked for while it is made ready', async (t) => {
    const { get, store, gold } = await startApi(t, {
      warm: async (next) => {
        if (next.version === 4) for (const version of [0, 1, 2]) assert.ok(await gold.use(version, async () => version))
      },
    })
    for (let version = 0; version <= 4; version++) {
      await publishGold(store, { dim_book: books(version + 1) })
      if (version >= 3) await gold.refresh()
    }
    const { status, body } = await get('/v1/books?limit=1')
    assert.deepEqual([status, body.version, body.total], [200, 4, 5])
  })

  it('is waited for where many older ones are read already, and is then answered', async (t) => {
    const { store, gold } = await startApi(t, { keepVersions: 1 })
    for (let version = 0; version <= 7; version++) await publishGold(store, { dim_book: books(version + 1) })
    await gold.refresh()
    const enough = Promise.withResolvers<void>()
    let reading = 0
    const read = (version: number) =>
      gold.use(version, async (opened) => {
        reading++
        await enough.promise
        const [row] = await opened.rows<{ books: number }>(`SELECT count(*) AS books FROM ${opened.table('dim_book')}`)
        return row?.books
      })
    const asked = [0, 1, 2, 3, 4, 5, 6].map(read)
    while (reading < 5) await new Promise((resolve) => setTimeout(resolve, 5))
    const newest = await gold.use(undefined, async ({ version }) => version)
    assert.deepEqual([newest?.result, reading], [7, 5])
    enough.resolve()
    assert.deepEqual(
      (await Promise.all(asked)).map((found) => found?.result),
      [1, 2, 3, 4, 5, 6, 7],
    )
  })

  it('is not said to be gone where the store does not answer', async (t) => {
    let isAway = false
    const { get, store, gold } = await startApi(t, {
      keepVersions: 1,
      wrapStore: (inner) => ({
        ...inner,
        get: (file) => (isAway ? Promise.reject(new ReadflowError('lake-unavailable', 'no answer')) : inner.get(file)),
      }),
    })
    for (let count = 1; count <= 2; count++) await publishGold(store, { dim_book: books(count) })
    await gold.refresh()
    isAway = true
    const { status, headers, body } = await get('/v1/books?version=0')
    assert.deepEqual([status, headers.get('retry-after')], [503, '5'])
    assert.match(body.detail, /lake does not answer/)
    isAway = false
    assert.equal((await get('/v1/books?version=0')).body.total, 1)
  })

  it('is followed by itself as soon as it is there', async (t) => {
    const { get, store, gold } = await startApi(t)
    gold.follow(5)
    await publishGold(store, { dim_book: books(2) })
    let status = 0
    while (status !== 200) status = (await get('/readyz')).status
    assert.equal((await get('/v1/books')).body.total, 2)
  })

  it('computes an answer that is kept once for callers at the same time, and again after a failure', async (t) => {
    const { store, gold } = await startApi(t)
    await publishGold(store, {})
    await gold.refresh()
    const version = gold.current()
    assert.ok(version)
    let computed = 0
    const compute = async () => {
      computed++
      if (computed === 1) throw new Error('no')
      return computed
    }
    await assert.rejects(version.answers.answer('key', compute))
    assert.deepEqual(await Promise.all([version.answers.answer('key', compute), version.answers.answer('key', compute)]), [2, 2])
  })
})

describe('the charts', () => {
  const ratings = [
    rating('1', 5, '2025-12-31'),
    rating('1', 4, '2026-01-01'),
    rating('2', 1, '2026-01-31', 'history'),
    rating('1', 2, '2026-01-15'),
    rating('3', 3, '2026-02-01'),
    rating('1', 5, null),
    rating('1', 5, null, 'history'),
  ]
  const genres = [genre('fantasy', 'Fantasy'), genre('history', 'History')]

  it('ratings by genre: counts and averages a month, without those that have no time', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, { dim_book: books(3), fact_rating: ratings, dim_genre: genres })
    await gold.refresh()
    const { body } = await get('/v1/charts/ratings-by-genre')
    assert.deepEqual(body.points, [
      { month: '2025-12', genre: 'fantasy', name: 'Fantasy', ratings: 1, average: 5 },
      { month: '2026-01', genre: 'fantasy', name: 'Fantasy', ratings: 2, average: 3 },
      { month: '2026-01', genre: 'history', name: 'History', ratings: 1, average: 1 },
      { month: '2026-02', genre: 'fantasy', name: 'Fantasy', ratings: 1, average: 3 },
    ])
    assert.equal(body.without_time, 2)
    const january = await get('/v1/charts/ratings-by-genre?from=2026-01&to=2026-02-01')
    assert.deepEqual(
      january.body.points.map((point: { month: string }) => point.month),
      ['2026-01', '2026-01'],
    )
    assert.equal(january.body.without_time, 2)
  })

  it('top books: by ratings in Gold, books without one left out', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, {
      dim_book: [...books(3), book('4', { primary_genre: 'history' })],
      fact_rating: [...ratings, rating('4', 5, null, 'history')],
    })
    await gold.refresh()
    assert.deepEqual(ids((await get('/v1/charts/top-books')).body), ['1', '2', '3', '4'])
    assert.deepEqual(ids((await get('/v1/charts/top-books?by=reader_average&limit=2')).body), ['4', '1'])
    assert.deepEqual(ids((await get('/v1/charts/top-books?genre=history')).body), ['4'])
    assert.deepEqual(ids((await get('/v1/charts/top-books?min_ratings=2')).body), ['1'])
  })

  it('refuse times that are none, and a range that is empty', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, {})
    await gold.refresh()
    for (const query of ['from=2026', 'from=2026-13', 'to=2026-02-30', 'from=yesterday', 'from=2026-02&to=2026-02', 'bucket=week']) {
      assert.equal((await get(`/v1/charts/ratings-by-genre?${query}`)).status, 400, query)
    }
    assert.deepEqual((await get('/v1/charts/ratings-by-genre')).body.points, [])
  })
})

describe('a chart', () => {
  it('takes what a filter says as it is, whatever it is', async (t) => {
    const { get, store, gold } = await startApi(t)
    const odd = ['"__facts"', 'gold_fact_rating', "x' OR 'gold_dim_book", '$1 $& $`']
    await publishGold(store, {
      dim_book: odd.map((primary_genre, index) => book(String(index), { primary_genre })),
      fact_rating: odd.map((_, index) => rating(String(index), 3, '2026-01-02')),
    })
    await gold.refresh()
    for (const [index, genre] of odd.entries()) {
      const { status, body } = await get(`/v1/charts/top-books?from=2026-01&genre=${encodeURIComponent(genre)}`)
      assert.equal(status, 200, JSON.stringify(body))
      assert.deepEqual(ids(body), [String(index)])
    }
  })

  it('refuses a control character in a filter', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, {})
    await gold.refresh()
    for (const chart of ['rating-distribution', 'ratings-over-time', 'review-trends', 'top-books', 'author-performance']) {
      for (const query of ['genre=a%00b', 'language_code=e%0Ang']) {
        const { status, body } = await get(`/v1/charts/${chart}?${query}`)
        assert.equal(status, 400, `${chart} ${query}`)
        assert.match(body.detail, /must have no control characters/)
      }
    }
  })
})

describe('the status', () => {
  it('tells counts, tables, freshness and lag', async (t) => {
    const partition = { group: 'readflow.silver', topic: 'goodreads.books', committedOffset: 5, endOffset: 9, lag: 4 }
    const { get, store, gold } = await startApi(t, {
      lag: () => ({ state: 'connected', detail: null, partitions: [0, 1].map((number) => ({ ...partition, partition: number })) }),
    })
    const arrivedMs = Date.now() - 60_000
    await writeSilver(store, 'books', [arrivedMs - 5000, arrivedMs], arrivedMs + 7)
    await publishGold(store, { dim_book: [...books(2), book('9', { is_placeholder: true })], fact_rating: [rating('1', 5, null)] })
    await gold.refresh()
    const { body } = await get('/v1/status')
    assert.deepEqual(body.gold.counts, { books: 2, authors: 0, reviews: 0, ratings: 1 })
    assert.deepEqual(body.gold.complete_through_by_entity, { books: '2026-01-02T03:04:05.000Z', ratings: null })
    const silver = body.tables.find(({ table }: { table: string }) => table === 'silver.books')
    assert.deepEqual(
      { ...silver, bytes: undefined, last_commit_at: undefined },
      {
        table: 'silver.books',
        version: 0,
        rows: 2,
        files: 1,
        bytes: undefined,
        small_files: 1,
        last_commit_at: undefined,
        newest_ingestion_at: new Date(arrivedMs).toISOString(),
        complete_through: new Date(arrivedMs + 7).toISOString(),
      },
    )
    assert.ok(Date.parse(silver.last_commit_at) >= arrivedMs)
    assert.equal(body.freshness_objective_seconds, 60)
    assert.equal(body.freshness[0].table, 'silver.books')
    assert.ok(body.freshness[0].age_seconds >= 60)
    assert.equal(body.freshness[0].complete_through, new Date(arrivedMs + 7).toISOString())
    assert.deepEqual(body.lag[0].lag_records, 8)
    const metrics = (await get('/metrics')).body
    assert.match(metrics, /readflow_table_rows\{table="silver\.books"\} 2/)
    assert.match(metrics, /readflow_consumer_lag_records\{group="readflow\.silver",topic="goodreads\.books",partition="1"\} 4/)
    assert.match(metrics, /readflow_gold_version 0$/m)
  })

  it('follows a table that grows', async (t) => {
    const { get, store } = await startApi(t)
    const rows = async () => (await get('/v1/status')).body.tables.map(({ rows: count }: { rows: number }) => count)
    assert.deepEqual(await rows(), [])
    await writeSilver(store, 'ratings', [1000])
    assert.deepEqual(await rows(), [1])
    await writeSilver(store, 'ratings', [1000, 2000, 3000])
    assert.deepEqual(await rows(), [3])
  })
})

describe('an answer that nobody reads on', () => {
  it('holds back the memory of its own version alone', async (t) => {
    const duckdb = await openDuckDb({ memoryLimit: '256MB' })
    const { store, gold } = await startApi(t, { keepVersions: 1, openDuckDb: async () => duckdb })
    const publish = async () => {
      await publishGold(store, { dim_book: books(2000) })
      await gold.refresh()
    }
    const usedBytes = async () => {
      const [found] = await duckdb.rows<{ bytes: number }>(
        "SELECT memory_usage_bytes AS bytes FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'",
      )
      return found!.bytes
    }
    await publish()
    const alone = await usedBytes()
    const read = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const slow = gold.use(undefined, async (version) => {
      const { batches } = await version.stream(`SELECT * FROM ${version.table('dim_book')} ORDER BY book_id`)
      const { value } = await batches.next()
      begun.resolve()
      await read.promise
      await batches.return()
      return value?.length
    })
    await begun.promise
    for (let count = 0; count < 8; count++) await publish()
    const held = await usedBytes()
    read.resolve()
    assert.ok(((await slow)?.result ?? 0) > 0)
    assert.ok(held < alone * 3.5, `${held} bytes, where one version takes ${alone}`)
    assert.ok((await usedBytes()) < alone * 1.5)
  })
})
