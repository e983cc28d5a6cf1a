import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { goldNames } from '../../compactor/tables.ts'
import { createRewrite } from '../../compactor/upkeep/rewrite.ts'
import { optimize } from '../../lake/delta/optimize.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { type Lake, withLake } from '../compactor/lake.ts'
import { author, book, by, deletion, type Row, rating, review, type Silver, shelves } from '../compactor/silver.ts'

const day = fc.constantFrom('2025-11-30', '2025-12-01', '2026-01-01', '2026-01-31', '2026-02-15', '2026-02-16', '2026-04-01')
const bookId = fc.constantFrom('b1', 'b2', 'b3', 'b4')
const authorIds = fc.uniqueArray(fc.constantFrom('a1', 'a2', 'a3'), { maxLength: 2 })
const userId = fc.constantFrom('u1', 'u2', 'u3')
const stars = fc.integer({ min: 1, max: 5 })
const genres = fc.dictionary(fc.constantFrom('fantasy', 'horror', 'owned', 'my-tag'), fc.integer({ min: 0, max: 3 }), { maxKeys: 3 })
const hash = fc.constantFrom('h1', 'h2', 'h3')

/** One accepted change of some key: new, changed, late, backdated, a tie, a deletion, or the same again at another offset. */
const change: fc.Arbitrary<[EntityName, Row]> = fc.oneof(
  fc
    .tuple(bookId, day, hash, authorIds, genres, fc.constantFrom('eng', 'ger', null))
    .map(([id, at, content, ids, counts, language]): [EntityName, Row] => [
      'books',
      book(id, at, content, { title: `${id} ${content}`, authors: by(...ids), shelves: shelves(counts), language_code: language }),
    ]),
  fc
    .tuple(fc.constantFrom('a1', 'a2', 'a3'), day, hash)
    .map(([id, at, content]): [EntityName, Row] => ['authors', author(id, at, content, { name: `${id} ${content}` })]),
  fc
    .tuple(userId, bookId, stars, fc.option(day, { freq: 4 }))
    .map(([user, id, given, at]): [EntityName, Row] => ['ratings', rating(user, id, given, at)]),
  fc
    .tuple(
      fc.constantFrom('r1', 'r2', 'r3'),
      fc.option(bookId, { freq: 6 }),
      fc.option(day, { freq: 4 }),
      fc.constantFrom('', 'Good', 'Very good'),
    )
    .map(([id, of, at, body]): [EntityName, Row] => ['reviews', review(id, of, at, { body, votes: body.length, rating: 3 })]),
  fc.tuple(bookId, day).map(([id, at]): [EntityName, Row] => ['books', deletion(id, at)]),
  fc.tuple(fc.constantFrom('a1', 'a2'), day).map(([id, at]): [EntityName, Row] => ['authors', deletion(id, at)]),
  fc.tuple(userId, bookId, day).map(([user, id, at]): [EntityName, Row] => ['ratings', deletion(`${user}:${id}`, at)]),
  fc.tuple(fc.constantFrom('r1', 'r2'), day).map(([id, at]): [EntityName, Row] => ['reviews', deletion(id, at)]),
)

/** What happens to Silver between two builds: rows come, files are rewritten, or a replay puts other rows in the place of older ones. */
type Step =
  | { kind: 'add'; changes: [EntityName, Row][] }
  | { kind: 'optimize'; entity: EntityName }
  | { kind: 'replay'; changes: [EntityName, Row][]; parity: number }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 6 }).map((changes): Step => ({ kind: 'add', changes })) },
  { weight: 1, arbitrary: fc.constantFrom(...entityNames).map((entity): Step => ({ kind: 'optimize', entity })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(change, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 1 }))
      .map(([changes, parity]): Step => ({ kind: 'replay', changes, parity })),
  },
)
const builds = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 5 })

const grouped = (changes: readonly [EntityName, Row][]): Silver =>
  Object.fromEntries(
    entityNames
      .map((entity) => [entity, changes.filter(([of]) => of === entity).map(([, row]) => row)] as const)
      .filter(([, rows]) => rows.length > 0),
  )

const apply = async ({ addSilver, store, dir }: Lake, happened: Step) => {
  if (happened.kind === 'add') return addSilver(grouped(happened.changes))
  // Every other file, by its number.
  if (happened.kind === 'replay')
    return addSilver(grouped(happened.changes), ({ path: file }) => Number(/\d+/.exec(file)?.[0] ?? 0) % 2 === happened.parity)
  const rewrite = createRewrite({ openDuckDb, tempDir: path.join(dir, 'tmp') })
  await optimize(openTable(store, `silver/${happened.entity}`), { rewrite, sortBy: ['_key'], targetBytes: 1024 ** 2, minFiles: 2 })
}

/** Rows that are in one of two Golds only, by table. */
const differences = async ({ query, rebuild }: Lake): Promise<Record<string, Row[]>> => {
  const rebuilt = await rebuild()
  const found: Record<string, Row[]> = {}
  for (const name of goldNames) {
    const rows = await query(`
      SELECT 'only in the increment' AS side, * FROM (SELECT * FROM {${name}} EXCEPT ALL SELECT * FROM ${rebuilt}.${name})
      UNION ALL SELECT 'only in the rebuild', * FROM (SELECT * FROM ${rebuilt}.${name} EXCEPT ALL SELECT * FROM {${name}})`)
    if (rows.length > 0) found[name] = rows
  }
  return found
}

test('increments give the rows of a rebuild, keys included, whatever happened to Silver', async () => {
  let increments = 0
  await fc.assert(
    fc.asyncProperty(builds, async (happenings) => {
      await withLake(async (lake) => {
        for (const steps of happenings) {
          for (const each of steps) await apply(lake, each)
          const { full, isBuilt, version } = await lake.build()
          // Nothing but tables that are not there has been upset so far.
          if (version === null) continue
          if (isBuilt && full === null) increments++
          assert.deepEqual(await differences(lake), {})
        }
      })
    }),
    // A run takes seconds: what failed is told at once, with its seed, and not made smaller.
    { numRuns: Number(process.env['READFLOW_PROPERTY_RUNS'] ?? 8), endOnFailure: true },
  )
  assert.ok(increments > 5, `only ${increments} of the builds were increments`)
})
