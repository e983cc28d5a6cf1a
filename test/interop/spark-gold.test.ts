import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { BuildOptions } from '../../compactor/build.ts'
import { deriveOnSpark } from '../../compactor/spark/derive.ts'
import { goldNames } from '../../compactor/tables.ts'
import { createLog } from '../../runtime/log.ts'
import { change, grouped } from '../compactor/changes.ts'
import { type Lake, withLake } from '../compactor/lake.ts'
import { author, book, by, deletion, type Row, rating, review, type Silver, shelves } from '../compactor/silver.ts'
import { python } from './readers.ts'
import { conf, processesOf, sparkMissing, untilNone } from './spark.ts'

const log = createLog('test', 'error')

/** Versions out of order, ties, deletions, orphans, texts and times at the edges of what both engines read alike. */
const history: Silver = {
  books: [
    book('b1', '2026-03-01', 'h3', {
      title: 'Third',
      authors: by('a1'),
      shelves: shelves({ fantasy: 9, 'ΟΔΟΣ İstanbul': 3, '\u00a0My Tag ': 4, my_tag: 2, 'to-read-now': 8, '2019-reads': 2, Ünïcode: 1 }),
      ...{ publication_year: 2000, publication_month: 2, publication_day: 30, ratings_count: 9_007_199_254_740 },
    }),
    book('b1', '2026-01-01', 'h1', {
      title: "It's the first",
      authors: by('a1'),
      shelves: shelves({ romance: 5 }),
      ...{ publication_year: 812, publication_month: 2, publication_day: 3, average_rating: 3.7 },
    }),
    book('b1', '2026-02-01', 'hb', { title: 'Second', authors: by('a2', 'a1'), shelves: shelves({ horror: 5, 'Sci Fi': 5, poetry: 5 }) }),
    book('b1', '2026-02-01', 'ha', { title: 'Second, the lesser hash' }),
    { ...book('b1', '2026-02-01', 'hb', { title: 'Second', authors: by('a2', 'a1'), shelves: shelves({ horror: 5 }) }), _partition: 1 },
    book('b2', '2026-01-15', 'h1', { title: 'Ø 😀', authors: [{ author_id: 'a9', name: null, role: 'Editor' }, ...by('a8', 'a9')] }),
    book('b3', '2026-01-15', 'h1', { shelves: shelves({ horror: -3, fantasy: 0 }), language_code: 'ger' }),
    deletion('b3', '2026-02-02'),
    book('b4', '1700-01-01', 'h', { authors: null, shelves: null, title: '' }),
    deletion('b5', '2026-01-01'),
  ],
  authors: [
    author('a1', '2026-02-15', 'x2', { name: 'New name', born_at: '0031-01-01', died_at: '1582-10-10' }),
    author('a1', '2026-01-10', 'x1', { name: 'Old name', average_rating: 0.1 }),
    author('a2', '2026-01-10', 'y'),
    deletion('a2', '2026-03-01'),
  ],
  ratings: [
    rating('u1', 'b1', 1, '2025-12-24T10:00:00Z'),
    rating('u2', 'b1', 2, '2026-01-31T23:59:59.999999Z'),
    rating('u3', 'b1', 3, '2026-02-01T00:00:00Z'),
    rating('u4', 'b1', 5, null),
    rating('u5', 'b404', 3, '1969-12-31T23:59:59.999Z'),
    rating('u6', 'b3', 3, '2026-02-03'),
    rating('u7', 'b1', 4, '2024-02-29'),
    deletion('u7:b1', '2026-03-01'),
    // So many that members of books are the smaller side of a join.
    ...Array.from({ length: 2000 }, (_, index) =>
      rating(`many${index}`, `b${1 + (index % 4)}`, 1 + (index % 5), `2026-0${1 + (index % 9)}-15`),
    ),
  ],
  reviews: [
    review('r1', 'b1', '2026-02-20', {
      rating: 4,
      body: 'Été 😀',
      votes: 2,
      date_added: '2025-12-01',
      has_spoiler: true,
      shelves: ['read', 'Été'],
    }),
    review('r2', 'b2', null, { date_added: '2026-01-20', body: null, shelves: [] }),
    review('r3', null, null),
  ],
}

/** Late and backdated versions, a book that came after its ratings, an edited review, a deleted rating. */
const later: Silver = {
  books: [
    book('b404', '2026-04-01', 'h1', { title: 'Late', authors: by('a1'), shelves: shelves({ history: 1 }) }),
    book('b2', '2026-01-01', 'h0'),
  ],
  authors: [author('a1', '2026-01-20', 'x', { name: 'Between' })],
  ratings: [rating('u2', 'b1', 5, '2026-03-02'), deletion('u6:b3', '2026-04-01')],
  reviews: [review('r1', 'b1', '2026-03-20', { rating: 1, body: 'No', votes: 3 })],
}

const sparkAt = (master: string, more: Record<string, string> = {}) => deriveOnSpark({ python, master, conf: { ...conf, ...more }, log })

const assertAsDuckDb = async ({ query, rebuild }: Lake) => {
  const rebuilt = await rebuild()
  const differences: Record<string, Row[]> = {}
  for (const name of goldNames) {
    const rows = await query(`
      SELECT 'Spark only' AS side, * FROM (SELECT * FROM {${name}} EXCEPT ALL SELECT * FROM ${rebuilt}.${name})
      UNION ALL SELECT 'DuckDB only', * FROM (SELECT * FROM ${rebuilt}.${name} EXCEPT ALL SELECT * FROM {${name}})`)
    if (rows.length > 0) differences[name] = rows
  }
  assert.deepEqual(differences, {})
}

describe('Gold derived on Spark', { skip: sparkMissing }, () => {
  it('has the rows that DuckDB derives, keys included, of executors that are processes of their own; then DuckDB goes on', async () => {
    await withLake(async (lake) => {
      await lake.addSilver(history)
      // Beside what was thought of, what chance finds: the same each time, many versions a key.
      await lake.addSilver(grouped(fc.sample(change, { seed: 7, numRuns: 300 })))
      let plan = ''
      const derive: BuildOptions['derive'] = async (sources) => {
        const derived = await sparkAt('local-cluster[2,1,1024]', { 'spark.executor.memory': '1g' })(sources)
        plan = await readFile(path.join(sources.tempDir, 'spark', 'fact_rating.plan.txt'), 'utf8')
        return derived
      }
      const first = await lake.build(lake.store, { derive })
      assert.equal(first.version, 0)
      await assertAsDuckDb(lake)
      // Members of books, then of authors: no rating is shuffled to be joined.
      assert.equal(plan.match(/BroadcastHashJoin Inner BuildRight/g)?.length, 2, plan)
      assert.doesNotMatch(plan, /SortMergeJoin/)

      assert.equal((await lake.build(lake.store, { derive: () => assert.fail('nothing changed') })).isBuilt, false)

      // By DuckDB on what Spark made.
      await lake.addSilver(later)
      assert.equal((await lake.build()).version, 1)
      await assertAsDuckDb(lake)
      await lake.addSilver({ ratings: [rating('u9', 'b2', 2, '2026-02-27')] })
      assert.equal((await lake.build()).full, null)
      await assertAsDuckDb(lake)
    })
  })

  it('goes on where DuckDB was, in one process, of Silver that has some tables only', async () => {
    await withLake(async (lake) => {
      await lake.addSilver({ ratings: [rating('u1', 'b1', 4, '2026-01-01'), rating('u2', 'b1', 3, '2026-02-01')] })
      const first = await lake.build()
      await lake.addSilver({ ratings: [rating('u9', 'b1', 2, '2026-02-27')] })
      const second = await lake.build(lake.store, { derive: sparkAt('local[1]') })
      assert.equal(second.version, 1)
      assert.ok(second.filesWritten > 0 && second.filesWritten < first.filesWritten, 'what is the same stays')
      await assertAsDuckDb(lake)
    })
  })

  it('fails with the name of the model and one line of Spark, and keeps the last Gold', async () => {
    await withLake(async (lake) => {
      await lake.addSilver(history)
      await lake.build()
      await lake.addSilver(later)
      const [file] = (await readdir(path.join(lake.dir, 'lake/silver/authors'))).filter((name) => name.endsWith('.parquet'))
      await writeFile(path.join(lake.dir, 'lake/silver/authors', file!), 'no Parquet')
      await assert.rejects(lake.build(lake.store, { derive: sparkAt('local[1]') }), (error: Error & { code: string }) => {
        assert.equal(error.code, 'build-failed')
        assert.match(error.message, /^model new_author_versions on Spark: /)
        assert.doesNotMatch(error.message, /\n/)
        return true
      })
      assert.deepEqual(new Set(Object.values(await lake.versions())), new Set([0]))
    })
  })

  it('stops when it is told to, with all of its processes', async () => {
    await withLake(async (lake) => {
      await lake.addSilver(history)
      const controller = new AbortController()
      const reason = new Error('enough')
      const building = lake.build(lake.store, { derive: sparkAt('local[1]'), signal: controller.signal })
      building.catch(() => undefined)
      while (!(await processesOf(lake.dir)).some((line) => line.includes('java'))) await delay(100)
      controller.abort(reason)
      await assert.rejects(building, reason)
      await untilNone(lake.dir)
    })
  })
})
