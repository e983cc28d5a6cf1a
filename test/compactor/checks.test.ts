import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BuildOptions } from '../../compactor/build.ts'
import { createChecks } from '../../compactor/checks/audit.ts'
import type { CheckResult } from '../../compactor/checks/check.ts'
import { CHECKS_ROOT } from '../../compactor/checks/history.ts'
import { PROFILES_ROOT } from '../../compactor/checks/profile.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { createLog } from '../../runtime/log.ts'
import { readRows } from '../helpers/tables.ts'
import { type Lake, withLake } from './lake.ts'
import { author, book, by, type Row, rating, review, shelves } from './silver.ts'

const log = createLog('test', 'error')
const START_MS = Date.parse('2026-03-01T00:00:00Z')
const MINUTE_MS = 60_000

/** Builds of one compactor, a minute apart, with all that its checks found. */
const checkedBuilds = ({ store, build }: Pick<Lake, 'store' | 'build'>, minutes = 0) => {
  let nowMs = START_MS + minutes * MINUTE_MS
  const open = () =>
    createChecks({ table: openTable(store, CHECKS_ROOT), profilesTable: openTable(store, PROFILES_ROOT), recentRuns: async () => [], log })
  let checks = open()
  return {
    restart: () => {
      checks = open()
    },
    build: async (options: Partial<BuildOptions> = {}) => {
      nowMs += MINUTE_MS
      let found: CheckResult[] = []
      const audit: BuildOptions['audit'] = async (input) => {
        found = await checks.audit(input)
        return found
      }
      const result = await build(store, { audit, nowMs: () => nowMs, isRetry: true, ...options })
      await checks.settle(result.held !== null)
      return { ...result, checks: new Map(found.map((check) => [check.id, check])) }
    },
  }
}

const lakeUrl = (dir: string) => `file:${dir}/lake`
const recorded = async (dir: string, root: string, columns: string[]) => readRows(lakeUrl(dir), root, columns)
const notPassed = (checks: Map<string, CheckResult>) =>
  [...checks.values()].filter(({ verdict }) => verdict !== 'pass').map(({ id, verdict }) => `${id} ${verdict}`)

const ratingsOf = (count: number, stars: (index: number) => number = (index) => 1 + (index % 5), bookId = 'b1'): Row[] =>
  Array.from({ length: count }, (_, index) => rating(`u${index}`, bookId, stars(index), '2025-12-10'))
const b1 = book('b1', '2026-01-01', 'h', { title: 'One', authors: by('a1'), shelves: shelves({ fantasy: 3 }) })
const a1 = author('a1', '2026-01-01', 'x', { name: 'Ann' })
const everything = () => true

describe('the checks of a build', () => {
  test('a healthy lake passes all, and what was found and what is in the columns is on record', () =>
    withLake(async (lake) => {
      await lake.addSilver({
        books: [b1],
        authors: [a1],
        ratings: ratingsOf(150),
        reviews: [review('r1', 'b1', '2025-12-10', { body: 'Good' })],
      })
      const builds = checkedBuilds(lake)
      const { checks, version } = await builds.build()
      assert.equal(version, 0)
      // The rows of the test are from January.
      assert.deepEqual(
        notPassed(checks),
        ['fact_rating.freshness warn', 'fact_review.freshness warn', 'dim_book.freshness warn'].filter((line) =>
          checks.has(line.split(' ')[0]!),
        ),
      )
      assert.equal(checks.get('fact_rating.rows.baseline')?.measured, 150)
      const rows = await recorded(lake.dir, CHECKS_ROOT, ['check_id', 'verdict', 'is_held', 'run_id'])
      assert.deepEqual(rows.map((row) => row['check_id']).sort(), [...checks.keys()].sort())
      assert.ok(rows.every((row) => row['is_held'] === false && row['run_id']))

      const profiles = await recorded(lake.dir, PROFILES_ROOT, [
        ...['table_name', 'column_name', 'column_type', 'rows', 'nulls', 'distinct_values', 'distinct_of_rows', 'min_value', 'max_value'],
      ])
      const of = (table: string, column: string) => {
        const { table_name, column_name, ...rest } =
          profiles.find((row) => row['table_name'] === table && row['column_name'] === column) ?? {}
        return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]))
      }
      assert.deepEqual(of('fact_rating', 'rating'), {
        ...{ column_type: 'long', rows: 150, nulls: 0, distinct_values: 5, distinct_of_rows: 150, min_value: '1', max_value: '5' },
      })
      assert.deepEqual(of('fact_rating', 'review_id'), {
        ...{ column_type: 'string', rows: 150, nulls: 150, distinct_values: 0, distinct_of_rows: 150, min_value: null, max_value: null },
      })
      assert.equal(of('dim_book', 'title')['max_value'], 'One')
    }))

  test('an increment is profiled as the whole table is', () =>
    withLake(async (lake) => {
      await lake.addSilver({ books: [b1], ratings: ratingsOf(150) })
      const builds = checkedBuilds(lake)
      await builds.build()
      await lake.addSilver({ ratings: [rating('late', 'b1', 5, '2025-11-10')] })
      const { full } = await builds.build()
      assert.equal(full, null)
      const columns = [
        'table_name',
        'column_name',
        'profiled_at',
        'rows',
        'nulls',
        'distinct_values',
        'distinct_of_rows',
        'min_value',
        'max_value',
      ]
      const profiles = (await recorded(lake.dir, PROFILES_ROOT, columns)).filter((row) => row['table_name'] === 'fact_rating')
      const newest = Math.max(...profiles.map((row) => Number(row['profiled_at'])))
      const found = (column: string) => {
        const row = profiles.find((each) => Number(each['profiled_at']) === newest && each['column_name'] === column)
        return ['rows', 'nulls', 'distinct_values', 'distinct_of_rows', 'min_value', 'max_value'].map((name) =>
          typeof row?.[name] === 'bigint' ? Number(row[name]) : row?.[name],
        )
      }
      assert.deepEqual(found('rating'), [151, 0, 1, 1, '1', '5'])
      assert.deepEqual(found('review_id'), [151, 151, 0, 1, null, null])
    }))

  test('a tenth of the rows fails, a third is worth a look, and what is held is no baseline', () =>
    withLake(async (lake) => {
      await lake.addSilver({ books: [b1], ratings: ratingsOf(200) })
      const builds = checkedBuilds(lake)
      await builds.build()
      const rows = async (count: number) => {
        await lake.addSilver({ ratings: ratingsOf(count) }, everything)
        builds.restart()
        const built = await builds.build()
        const { verdict, threshold } = built.checks.get('fact_rating.rows.baseline')!
        return { held: built.held?.checks.map(({ id }) => id) ?? null, verdict, threshold }
      }
      assert.deepEqual(await rows(60), {
        held: null,
        verdict: 'warn',
        threshold: '> 1/8 of 200, the median of the one before, and < 8 x 200, their greatest (which only warns so far)',
      })
      await rows(200)
      await rows(200)
      for (const again of [20, 21]) {
        const { held, verdict } = await rows(again)
        assert.deepEqual([held, verdict], [['fact_rating.rows.baseline'], 'fail'], `${again} rows are no baseline for the next`)
      }
      assert.equal((await rows(1800)).held?.[0], 'fact_rating.rows.baseline', 'nine times as many are a fault too')
      assert.equal((await rows(201)).held, null)
    }))

  test('a column that is suddenly null fails, once there were some builds', () =>
    withLake(async (lake) => {
      const books = (publisher: (index: number) => string | null, hash: string) =>
        Array.from({ length: 100 }, (_, index) =>
          book(`b${index}`, '2026-01-01', `${hash}${index}`, { title: 'T', publisher: publisher(index) }),
        )
      const builds = checkedBuilds(lake)
      const step = async (hash: string, publisher: (index: number) => string | null) => {
        await lake.addSilver({ books: books(publisher, hash) }, everything)
        const { checks, held } = await builds.build()
        return [checks.get('dim_book.nulls.baseline')?.verdict, held !== null, checks.get('dim_book.nulls.baseline')?.message]
      }
      for (const hash of ['x', 'y', 'z']) assert.equal((await step(hash, () => 'P'))[0], 'pass')
      assert.deepEqual((await step('v', (index) => (index % 3 === 0 ? null : 'P'))).slice(0, 2), ['warn', false])
      assert.equal((await step('w', () => 'P'))[0], 'pass')
      const [verdict, isHeld, message] = await step('n', () => null)
      assert.deepEqual([verdict, isHeld], ['fail', true])
      assert.equal(message, 'publisher of dim_book is null in 100 % of the rows, after 0 %.')
    }))

  test('orphans are counted and shown, and hold nothing', () =>
    withLake(async (lake) => {
      await lake.addSilver({ books: [b1], ratings: [...ratingsOf(60), ...ratingsOf(40, () => 3, 'gone')] })
      const { checks, held } = await checkedBuilds(lake).build()
      assert.equal(held, null)
      const { verdict, measured, message, sampleKeys } = checks.get('fact_rating.book.orphans')!
      assert.deepEqual([verdict, measured, sampleKeys], ['warn', 0.4, ['gone']])
      assert.equal(message, '40 ratings are of books that never came; they are counted, at placeholders.')
    }))

  test('what can not be put on record is a warning, and no fault of the build', () =>
    withLake(async (lake) => {
      await lake.addSilver({ books: [b1], ratings: ratingsOf(10) })
      const away: ObjectStore = { ...lake.store, putIfAbsent: () => Promise.reject(new Error('the store is away')) }
      const warnings: unknown[] = []
      const checks = createChecks({
        table: openTable(away, CHECKS_ROOT),
        profilesTable: openTable(away, PROFILES_ROOT),
        recentRuns: async () => [],
        log: { ...log, warn: (...said: unknown[]) => warnings.push(said) } as unknown as typeof log,
      })
      const { isBuilt, held } = await lake.build(lake.store, { audit: checks.audit })
      await checks.settle(held !== null)
      assert.equal(isBuilt, true)
      assert.match(JSON.stringify(warnings), /the store is away/)
    }))
})
