import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, test } from 'node:test'
import { createRewrite } from '../../compactor/upkeep/rewrite.ts'
import { commit } from '../../lake/delta/commit.ts'
import { optimize } from '../../lake/delta/optimize.ts'
import { openTable } from '../../lake/delta/table.ts'
import { readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { withLake } from './lake.ts'
import { author, book, by, rating, review, type Silver, shelves } from './silver.ts'

const silver: Silver = {
  books: [
    book('b1', '2026-01-01', 'h1', { title: 'One', authors: by('a1', 'a2'), shelves: shelves({ fantasy: 3 }) }),
    book('b2', '2026-01-01', 'h1', { title: 'Two', authors: by('a1') }),
  ],
  authors: [author('a1', '2026-01-01', 'x', { name: 'Ann', born_at: '1900-02-03' })],
  ratings: [
    rating('u1', 'b1', 5, '2026-01-10T12:00:00.123Z'),
    rating('u2', 'b1', 4, '2026-02-10'),
    rating('u3', 'b2', 3, '2026-02-10'),
    rating('u4', 'b2', 2, null),
  ],
  reviews: [review('r1', 'b1', '2026-02-10', { body: 'Good' })],
}
const rows = {
  dim_genre: 19,
  dim_author: 2,
  dim_book: 2,
  dim_date: 32,
  bridge_book_author: 3,
  bridge_book_genre: 2,
  fact_rating: 4,
  fact_review: 1,
  agg_book_monthly: 4,
  agg_ratings_daily: 4,
  agg_reviews_daily: 1,
  agg_review_trends: 2,
  agg_rating_distribution: 2,
  agg_author_performance: 2,
}

describe('buildGold', () => {
  test('publishes nothing while there is no Silver', () =>
    withLake(async ({ build, store }) => {
      const { isBuilt, version, rows } = await build()
      assert.deepEqual({ isBuilt, version, books: rows.dim_book }, { isBuilt: false, version: null, books: 0 })
      assert.equal(await readPublished(store), null)
    }))

  test('publishes tables that read as they were derived, types included', () =>
    withLake(async ({ addSilver, build, query, store }) => {
      await addSilver(silver)
      const result = await build()
      assert.deepEqual({ ...result.rows }, rows)
      const published = await readPublished(store)
      assert.equal(published?.version, result.version)
      assert.deepEqual(published?.inputs, { books: 0, authors: 0, reviews: 0, ratings: 0 })
      assert.deepEqual(
        await query(
          'SELECT user_id, b.title, a.name, b.tags, b.author_names, rated_at, rated_month, r.primary_genre FROM {fact_rating} r JOIN {dim_book} b USING (book_sk) JOIN {dim_author} a ON a.author_sk = r.author_sk ORDER BY user_id LIMIT 1',
        ),
        [
          {
            user_id: 'u1',
            title: 'One',
            name: 'Ann',
            tags: ['fantasy'],
            author_names: ['Name of a1', 'Name of a2'],
            rated_at: '2026-01-10T12:00:00.123Z',
            rated_month: '2026-01',
            primary_genre: 'fantasy',
          },
        ],
      )
      assert.deepEqual(await query('SELECT born_at, is_current, typeof(valid_from) AS t FROM {dim_author} WHERE NOT is_placeholder'), [
        { born_at: '1900-02-03', is_current: true, t: 'TIMESTAMP WITH TIME ZONE' },
      ])
    }))

  test('writes statistics with which a reader can skip files', () =>
    withLake(async ({ addSilver, build, store }) => {
      await addSilver(silver)
      await build()
      const { files } = await openTable(store, 'gold/fact_rating').snapshot()
      const file = [...files.values()].find(({ partitionValues }) => partitionValues['rated_month'] === '2026-01')
      assert.equal(file?.partitionValues['primary_genre'], 'fantasy')
      const stats = JSON.parse(file?.stats ?? '{}')
      assert.equal(stats.numRecords, 1)
      assert.equal(stats.minValues.rated_at, '2026-01-10T12:00:00.123Z')
      assert.equal(stats.maxValues.rating, 5)
      assert.equal(stats.nullCount.review_id, 1)
    }))

  test('does nothing where the published Gold is of these Silver versions already', () =>
    withLake(async ({ addSilver, build, versions, store }) => {
      await addSilver(silver)
      await build()
      const before = await versions()
      const again = await build()
      assert.deepEqual(
        { isBuilt: again.isBuilt, version: again.version, rows: again.rows },
        { isBuilt: false, version: (await readPublished(store))?.version, rows },
      )
      assert.deepEqual(await versions(), before)
    }))

  test('publishes, but writes and commits no table, where new Silver changes nothing', () =>
    withLake(async ({ addSilver, build, versions }) => {
      await addSilver(silver)
      const first = await build()
      const before = await versions()
      await addSilver({ ratings: [rating('u2', 'b1', 1, '2025-12-01')] })
      const second = await build()
      assert.deepEqual(
        { written: second.filesWritten, removed: second.filesRemoved, isBuilt: second.isBuilt },
        { written: 0, removed: 0, isBuilt: true },
      )
      assert.equal(second.version, (first.version ?? 0) + 1)
      assert.deepEqual(await versions(), before)
    }))

  test('rewrites only the partitions that a change falls into', () =>
    withLake(async ({ addSilver, build, versions, store, query }) => {
      await addSilver(silver)
      await build()
      const before = await versions()
      const filesBefore = new Set((await openTable(store, 'gold/fact_rating').snapshot()).files.keys())
      await addSilver({ ratings: [rating('u3', 'b2', 1, '2026-02-10T12:00:00Z')] })
      const result = await build()
      // One of the facts, and one of each aggregate that counts stars.
      const changed = ['fact_rating', 'agg_book_monthly', 'agg_ratings_daily', 'agg_rating_distribution', 'agg_author_performance']
      assert.deepEqual(
        { written: result.filesWritten, removed: result.filesRemoved, full: result.full },
        { written: 5, removed: 5, full: null },
      )
      assert.deepEqual(await versions(), { ...before, ...Object.fromEntries(changed.map((name) => [name, (before[name] ?? 0) + 1])) })
      const files = [...(await openTable(store, 'gold/fact_rating').snapshot()).files.values()]
      assert.deepEqual(
        files.filter(({ path }) => !filesBefore.has(path)).map(({ partitionValues }) => partitionValues),
        [{ rated_month: '2026-02', primary_genre: 'other' }],
      )
      assert.deepEqual(await query("SELECT rating FROM {fact_rating} WHERE user_id = 'u3'"), [{ rating: 1 }])
    }))

  test('moves facts to the partition of another genre, and removes the partition that is empty then', () =>
    withLake(async ({ addSilver, build, query }) => {
      await addSilver({
        books: [book('b1', '2026-01-01', 'h1', { shelves: shelves({ fantasy: 3 }) })],
        ratings: [rating('u1', 'b1', 5, '2026-03-01')],
      })
      await build()
      await addSilver({ books: [book('b1', '2026-02-01', 'h2', { shelves: shelves({ horror: 3 }) })] })
      await build()
      assert.deepEqual(await query('SELECT rating_key, primary_genre FROM {fact_rating}'), [
        { rating_key: 'u1:b1', primary_genre: 'horror' },
      ])
    }))

  test('keeps the published Gold whole when it dies between two commits, and rolls forward the next time', () =>
    withLake(async ({ addSilver, build, store, query, versions }) => {
      await addSilver(silver)
      const first = await build()
      const before = await versions()
      await addSilver({ ratings: [rating('u9', 'b9', 1, '2026-02-11')] })
      const dying: ObjectStore = {
        ...store,
        putIfAbsent: async (file, bytes) => {
          if (file.startsWith('gold/fact_rating/')) throw new Error('killed')
          return store.putIfAbsent(file, bytes)
        },
      }
      await assert.rejects(build(dying), /killed/)
      assert.notDeepEqual(await versions(), before)
      assert.deepEqual(await query('SELECT count(*) AS n FROM {dim_book}'), [{ n: 2 }])
      assert.equal((await readPublished(store))?.version, first.version)
      const next = await build()
      assert.equal(next.rows.fact_rating, 5)
      assert.deepEqual(await query('SELECT (SELECT count(*) FROM {dim_book}) AS books, (SELECT count(*) FROM {fact_rating}) AS ratings'), [
        { books: 3, ratings: 5 },
      ])
    }))

  test('builds nothing where Silver lies in other files only, or made progress without a row', () =>
    withLake(async ({ addSilver, build, store, dir }) => {
      await addSilver(silver)
      await addSilver({ ratings: [rating('u5', 'b1', 5, '2026-03-10')] })
      const { version } = await build()
      const ratings = openTable(store, 'silver/ratings')
      const rewrite = createRewrite({ openDuckDb, tempDir: path.join(dir, 'tmp') })
      const { commits } = await optimize(ratings, { rewrite, sortBy: ['_key', '_order'], targetBytes: 1024 ** 2, minFiles: 2 })
      assert.equal(commits, 1)
      await commit(ratings, { operation: 'STREAMING UPDATE', txns: [{ appId: 'p', version: 1 }] })
      const same = await build()
      assert.deepEqual([same.isBuilt, same.version], [false, version])
      await addSilver({ ratings: [rating('u6', 'b1', 5, '2026-03-10')] })
      const next = await build()
      assert.deepEqual([next.isBuilt, next.rows.fact_rating], [true, 6])
    }))

  test('lets one of two builds at once through, so that no row is in Gold twice', () =>
    withLake(async ({ addSilver, build, query }) => {
      await addSilver(silver)
      const outcomes = await Promise.allSettled([build(), build()])
      assert.ok(outcomes.some(({ status }) => status === 'fulfilled'))
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.match(outcome.reason.code, /^lake-/)
      assert.deepEqual(await query('SELECT count(*) AS n FROM {fact_rating}'), [{ n: 4 }])
    }))
})
