import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runRowCheck } from '../../compactor/checks/audit.ts'
import { rowChecks } from '../../compactor/checks/row-checks.ts'
import { duckdbTypes, type GoldTable, goldNames, goldTables } from '../../compactor/tables.ts'
import { type DuckDb, openDuckDb } from '../../runtime/duckdb.ts'

/** Ten ratings and reviews of a book with an author, a genre and a day: nothing is wrong with them. */
const healthy = [
  "INSERT INTO dim_author BY NAME SELECT 'as' AS author_sk, 'a1' AS author_id, true AS is_current, false AS is_deleted, false AS is_placeholder",
  `INSERT INTO dim_book BY NAME SELECT 'bs' AS book_sk, 'b1' AS book_id, 'One' AS title, 'as' AS primary_author_sk, 5 AS ratings_count,
     true AS is_current, false AS is_deleted, false AS is_placeholder`,
  "INSERT INTO dim_genre BY NAME SELECT 'gs' AS genre_sk, 'fantasy' AS genre",
  'INSERT INTO dim_date BY NAME SELECT 20260101 AS date_key',
  "INSERT INTO bridge_book_author BY NAME SELECT 'bs' AS book_sk, 'b1' AS book_id, 'as' AS author_sk, 'a1' AS author_id",
  "INSERT INTO bridge_book_genre BY NAME SELECT 'bs' AS book_sk, 'b1' AS book_id, 'gs' AS genre_sk",
  ...['rating', 'review'].map(
    (
      kind,
    ) => `INSERT INTO fact_${kind} BY NAME SELECT 'k' || i AS ${kind === 'rating' ? 'rating_key' : 'review_id'}, 'b1' AS book_id, 'bs' AS book_sk,
      'as' AS author_sk, 'gs' AS genre_sk, 20260101 AS date_key, 5 AS rating, TIMESTAMPTZ '2026-01-01 10:00:00+00' AS ${kind === 'rating' ? 'rated_at' : 'date_added'},
      TIMESTAMPTZ '2026-01-01 11:00:00+00' AS ingestion_timestamp FROM range(10) t(i)`,
  ),
  "INSERT INTO book_ratings SELECT 'b1', 10, 10",
]

/** What makes each check find something, with a key that it must name. */
const faults: Record<string, [sql: string, key: string, verdict?: 'warn']> = {
  'dim_book.book_sk.duplicates': ['INSERT INTO dim_book FROM dim_book', 'bs'],
  'dim_author.author_sk.duplicates': ['INSERT INTO dim_author FROM dim_author', 'as'],
  'dim_date.date_key.duplicates': ['INSERT INTO dim_date FROM dim_date', '20260101'],
  'dim_book.current.one': ['UPDATE dim_book SET is_current = false', 'b1'],
  'dim_author.current.one': ["INSERT INTO dim_author BY NAME SELECT 'as2' AS author_sk, 'a1' AS author_id, true AS is_current", 'a1'],
  'dim_book.intervals': ["UPDATE dim_book SET valid_to = TIMESTAMPTZ '2026-01-01 00:00:00+00'", 'b1'],
  'dim_author.intervals': [
    `INSERT INTO dim_author BY NAME SELECT 'as2' AS author_sk, 'a1' AS author_id, TIMESTAMPTZ '2026-01-05 00:00:00+00' AS valid_from,
       TIMESTAMPTZ '2026-01-05 00:00:00+00' AS valid_to, false AS is_current`,
    'a1',
  ],
  'dim_book.title.missing': ['UPDATE dim_book SET title = NULL', 'b1'],
  'dim_book.counts.negative': ['UPDATE dim_book SET ratings_count = -1', 'b1'],
  'dim_book.author.orphans': ['UPDATE dim_author SET is_placeholder = true', 'b1', 'warn'],
  'bridge_book_author.book_sk.member': ["UPDATE bridge_book_author SET book_sk = 'x'", 'b1'],
  'bridge_book_author.author_sk.member': ["UPDATE bridge_book_author SET author_sk = 'x'", 'b1'],
  'bridge_book_genre.book_sk.member': ["UPDATE bridge_book_genre SET book_sk = 'x'", 'b1'],
  'bridge_book_genre.genre_sk.member': ["UPDATE bridge_book_genre SET genre_sk = 'x'", 'b1'],
  ...Object.fromEntries(
    [
      ['fact_rating', 'rating_key', 'rated_at'],
      ['fact_review', 'review_id', 'date_added'],
    ].flatMap(([fact, key, time]): [string, [string, string, 'warn'?]][] => [
      [`${fact}.${key}.duplicates`, [`UPDATE ${fact} SET ${key} = 'k1' WHERE ${key} = 'k2'`, 'k1']],
      ...['book_sk', 'author_sk', 'genre_sk'].map((column): [string, [string, string]] => [
        `${fact}.${column}.member`,
        [`UPDATE ${fact} SET ${column} = 'x' WHERE ${key} = 'k3'`, 'k3'],
      ]),
      [`${fact}.date_key.member`, [`UPDATE ${fact} SET date_key = 20260102 WHERE ${key} = 'k4'`, 'k4']],
      [`${fact}.rating.range`, [`UPDATE ${fact} SET rating = 9 WHERE ${key} = 'k5'`, 'k5']],
      [`${fact}.time.future`, [`UPDATE ${fact} SET ${time} = TIMESTAMPTZ '2026-02-01 00:00:00+00' WHERE ${key} IN ('k6', 'k7')`, 'k6']],
      [`${fact}.book.orphans`, ['UPDATE dim_book SET is_placeholder = true', 'b1', 'warn']],
    ]),
  ),
}

describe('the checks of rows', () => {
  let duckdb: DuckDb
  const create = async () => {
    for (const name of goldNames) {
      const { columns }: GoldTable = goldTables[name]
      const typed = Object.entries(columns).map(([column, type]) => `${column} ${duckdbTypes[type]}`)
      await duckdb.run(`CREATE OR REPLACE TABLE ${name} (${typed.join(', ')})`)
    }
    await duckdb.run('CREATE OR REPLACE TABLE book_ratings (book_id VARCHAR, ratings BIGINT, reviews BIGINT)')
    for (const sql of healthy) await duckdb.run(sql)
  }
  before(async () => {
    duckdb = await openDuckDb()
  })
  after(() => duckdb?.close())

  test('find nothing where nothing is wrong, nor where there is nothing', async () => {
    await create()
    for (const check of rowChecks) assert.equal((await runRowCheck(duckdb, check)).verdict, 'pass', check.id)
    for (const name of [...goldNames, 'book_ratings']) await duckdb.run(`DELETE FROM ${name}`)
    for (const check of rowChecks) assert.equal((await runRowCheck(duckdb, check)).verdict, 'pass', check.id)
  })

  test('are all made to fail here', () => assert.deepEqual(Object.keys(faults).sort(), rowChecks.map(({ id }) => id).sort()))

  for (const check of rowChecks)
    test(check.id, async () => {
      const [sql, key, verdict = 'fail'] = faults[check.id]!
      await create()
      await duckdb.run(sql)
      const found = await runRowCheck(duckdb, check)
      assert.equal(found.verdict, verdict, JSON.stringify(found))
      assert.ok(found.sampleKeys.includes(key), found.sampleKeys.join())
      assert.match(found.message, /^[1-9]\d* /)
    })
})
