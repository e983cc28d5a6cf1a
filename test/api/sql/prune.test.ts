import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type Api, startApi } from '../helpers/api.ts'
import { book, publishGold, rating } from '../helpers/gold-lake.ts'

const api = {} as Api
const releases: (() => Promise<void>)[] = []
before(async () => {
  Object.assign(api, await startApi({ after: (release) => void releases.push(release) }, { cacheMaxBytes: 1024 ** 3 }))
  const at = (time: string | null, rest: object) => ({ ...rating('1', 4, time), ...rest })
  await publishGold(api.store, {
    dim_book: [book('1', { title: 'Book 1' }), book('2', { title: 'Émile' }), book('10', { title: 'book 1' })],
    fact_rating: [
      at('2026-01-02', { rating: 1, user_id: 'a', book_id: '1' }),
      at('2026-01-31T23:59:59.999Z', { rating: 6, user_id: 'B', book_id: '05', rated_month: '2026-01' }),
      at('2026-02-02', { rating: 3, user_id: 'b', book_id: '2', date_key: 16777217 }),
      at('2026-02-28', { rating: 16777217, user_id: 'Ä', book_id: '10', primary_genre: 'crime' }),
      at(null, { rating: null, user_id: null, book_id: '2026-1-1' }),
      at('2025-12-31', { rating: 5, user_id: '😀', book_id: '6F9619FF-8B86-D011-B42D-00C04FC964FF' }),
    ],
  })
  await api.gold.refresh()
})
after(async () => {
  for (const release of releases.toReversed()) await release()
})

/** The same with a mention of each table that asks for all of its rows, so that no file is passed over. */
const unpruned = (sql: string) =>
  `SELECT * FROM (${sql}) AS q WHERE (SELECT count(*) FROM gold_fact_rating) + (SELECT count(*) FROM gold_agg_ratings_daily) + (SELECT count(*) FROM gold_dim_book) >= 0`

const answer = async (sql: string) => {
  const { status, body } = await api.ask(sql)
  assert.ok(status < 500, `${status} for ${sql}: ${JSON.stringify(body)}`)
  return status === 200 ? body.rows.map((row: object) => JSON.stringify(row)).toSorted() : 'an error'
}

const holds = async (sql: string) => assert.deepEqual(await answer(sql), await answer(unpruned(sql)), sql)

const texts = [
  "'1'",
  "'2'",
  "'a'",
  "'B'",
  "'ä'",
  "'b' COLLATE NOCASE",
  "'2026-01'",
  "'2026-02'",
  "'unknown'",
  "'crime'",
  "upper('b')",
  "'😀'",
]
const oddTexts = ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'::UUID", '5', "DATE '2026-01-01'", "'x'::BLOB", 'NULL', "'a' || NULL"]
const numbers = ['1', '3', '5', '6', '16777216', '3.5', '5.5', '6.0', '1e1', '-0.0', '1e400', '16777217', '2::TINYINT', '9007199254740993']
const oddNumbers = ["'6'", "'5.5'", "' 3 '", '16777216::FLOAT', 'true', "'nan'::DOUBLE", "'-inf'::DOUBLE", 'NULL', "'1e0'", "'x'"]
const times = [
  "'2026-01-02'",
  "DATE '2026-02-02'",
  "TIMESTAMP '2026-01-31 23:59:59.999'",
  "TIMESTAMPTZ '2026-02-02 09:00:00+09:00'",
  "'2026-01-31 23:59:59.9991'",
  "'2026-02-02 00:00'",
  "'2026-02-02T09:00:00+09:00'",
  "'2026-02-01 19:00:00-05'",
  "'2026-01-02 (BC)'",
  "'infinity'",
  "'2026-1-2'",
  "TIMESTAMP_NS '2026-01-31 23:59:59.999000001'",
  'current_date',
  'now()',
  "DATE '2026-01-31' + INTERVAL 1 DAY",
  "'epoch'",
]
const columns: Record<string, readonly string[]> = {
  user_id: [...texts, ...oddTexts],
  book_id: [...texts, ...oddTexts],
  rated_month: [...texts, ...oddTexts],
  primary_genre: texts,
  rating: [...numbers, ...oddNumbers],
  date_key: [...numbers, ...oddNumbers],
  rated_at: times,
}

const conditionOn = (table: string): fc.Arbitrary<string> => {
  const simple = fc.constantFrom(...Object.keys(columns)).chain((column) => {
    const name = table === '' ? column : `${table}.${column}`
    const constant = fc.constantFrom(...columns[column]!)
    const comparison = fc.constantFrom('=', '<', '<=', '>', '>=', '<>', 'IS NOT DISTINCT FROM', 'IS DISTINCT FROM')
    return fc.oneof(
      fc
        .tuple(comparison, constant, fc.boolean())
        .map(([op, value, isFlipped]) => (isFlipped ? `${value} ${op} ${name}` : `${name} ${op} ${value}`)),
      fc.tuple(constant, constant, fc.constantFrom('', 'NOT ')).map(([low, high, not]) => `${name} ${not}BETWEEN ${low} AND ${high}`),
      fc.tuple(constant, constant).map(([a, b]) => `${name} IN (${a}, ${b}, NULL)`),
      fc.constant(`CAST(${name} AS VARCHAR) LIKE '2!_%' ESCAPE '!'`),
    )
  })
  return fc.oneof(
    { weight: 3, arbitrary: simple },
    fc.tuple(simple, simple).map(([a, b]) => `${a} AND ${b}`),
    fc.tuple(simple, simple).map(([a, b]) => `(${a} OR ${b})`),
    simple.map((one) => `NOT (${one})`),
  )
}
const t = 'gold_fact_rating'
const list = 'f.user_id, f.book_id, f.rating, f.rated_at'
const queries = fc.oneof(
  conditionOn('').map((where) => `SELECT user_id, rating FROM ${t} WHERE ${where}`),
  conditionOn('f').map((where) => `SELECT ${list} FROM ${t} AS f WHERE ${where}`),
  fc
    .tuple(conditionOn('f'), conditionOn('g'), fc.constantFrom('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'ASOF JOIN'))
    .map(
      ([f, g, join]) =>
        `SELECT ${list}, g.user_id AS u, g.rating AS r FROM ${t} f ${join} ${t} g ON f.rating ${join === 'ASOF JOIN' ? '>=' : '='} g.rating WHERE ${f} AND ${g}`,
    ),
  fc
    .tuple(conditionOn('f'), fc.constantFrom('SEMI JOIN', 'ANTI JOIN', 'JOIN', 'FULL JOIN', 'LEFT JOIN'))
    .map(([f, join]) => `SELECT f.book_id, f.rating FROM ${t} f ${join} gold_dim_book b USING (book_id) WHERE ${f}`),
  conditionOn('f').map((f) => `SELECT f.rating, b.title FROM ${t} f NATURAL JOIN gold_dim_book b WHERE ${f}`),
  conditionOn('f').map((f) => `SELECT f.rating, b.title FROM ${t} f POSITIONAL JOIN gold_dim_book b WHERE ${f}`),
  conditionOn('').map((f) => `SELECT title, (SELECT count(*) FROM ${t} WHERE ${f}) AS n FROM gold_dim_book`),
  conditionOn('f').map((f) => `SELECT title FROM gold_dim_book b WHERE NOT EXISTS (FROM ${t} f WHERE f.book_id = b.book_id AND ${f})`),
  conditionOn('f').map(
    (f) =>
      `SELECT b.title, l.rating FROM gold_dim_book b LEFT JOIN LATERAL (SELECT * FROM ${t} f WHERE f.book_id = b.book_id AND ${f}) l ON true`,
  ),
  conditionOn('').map((f) => `SELECT user_id, row_number() OVER (ORDER BY rated_at, user_id) AS n FROM ${t} WHERE ${f} QUALIFY n <= 2`),
  conditionOn('').map(
    (f) => `SELECT * FROM (SELECT user_id, rating, rated_at, rated_month FROM ${t} ORDER BY rated_at, user_id LIMIT 3) WHERE ${f}`,
  ),
  conditionOn('').map((f) => `WITH w AS (SELECT * FROM ${t} WHERE ${f}) SELECT count(*) AS n, sum(rating) AS s FROM w`),
  conditionOn('').map((f) => `WITH ${t} AS (SELECT * FROM ${t}) SELECT user_id FROM ${t} WHERE ${f}`),
  conditionOn('').map((f) => `SELECT rating + 1 AS rating, '2026-02' AS rated_month FROM ${t} WHERE ${f}`),
  conditionOn('').map((f) => `SELECT user_id FROM ${t} WHERE ${f} UNION SELECT user_id FROM ${t} WHERE rating = 5`),
  fc.constantFrom(...times).map((day) => `SELECT date, ratings FROM gold_agg_ratings_daily WHERE date >= ${day}`),
  fc
    .tuple(fc.constantFrom(...times), fc.constantFrom(...times))
    .map(([a, b]) => `SELECT date FROM gold_agg_ratings_daily WHERE date BETWEEN ${a} AND ${b}`),
)

describe('files that are passed over', () => {
  it('change no answer', async () => {
    await fc.assert(fc.asyncProperty(queries, holds), { numRuns: Number(process.env['READFLOW_PRUNE_RUNS'] ?? 60) })
  })

  it('change none where something else is meant than it seems', async () => {
    const columnsOf = (await api.ask(`DESCRIBE ${t}`)).body.rows.map((row: { column_name: string }) => row.column_name) as string[]
    const swapped = columnsOf.map((name) => (name === 'rated_month' ? 'book_id' : name === 'book_id' ? 'rated_month' : name))
    for (const [sql, rows] of [
      [`SELECT user_id FROM ${t} AS f(${swapped.join(', ')}) WHERE rated_month = '1'`, 1],
      ["SELECT title FROM gold_dim_book WHERE title = 'BOOK 1' COLLATE NOCASE", 2],
      [
        `SELECT r.rating FROM (SELECT '1' AS k, TIMESTAMPTZ '2026-03-01' AS t) l ASOF JOIN ${t} r ON l.t >= r.rated_at WHERE r.rated_month = '2026-01'`,
        0,
      ],
      [`SELECT rating FROM ${t} WHERE rating = '5.5'`, 1],
      [`SELECT rating FROM ${t} WHERE rating = 16777216::FLOAT`, 1],
      [`SELECT rating FROM ${t} WHERE book_id = '6f9619ff-8b86-d011-b42d-00c04fc964ff'::UUID AND book_id LIKE '6F%'`, null],
      ["SELECT date FROM gold_agg_ratings_daily WHERE date >= '2026-01-02 (BC)'", 5],
      [`SELECT '2026-02' AS current_date FROM ${t} WHERE rated_month = current_date`, 2],
      [`SELECT f.rating FROM ${t} f SEMI JOIN ${t} f USING (rating) WHERE f.rated_month = '2026-02'`, null],
    ] as const) {
      await holds(sql)
      const found = await answer(sql)
      if (rows !== null) assert.equal(found.length, rows, sql)
    }
  })

  it('are told by times that have a zone, or are of UTC', async () => {
    const timeZone = process.env['TZ']
    try {
      for (const zone of ['Asia/Tokyo', 'America/Los_Angeles', 'UTC']) {
        process.env['TZ'] = zone
        for (const [where, rows] of [
          ["rated_at <= '2025-12-31 05:00'", 1],
          ["rated_at >= '2026-02-28 00:00'", 1],
          ["rated_at >= '2026-02-28T00:00:00'", 1],
          ["rated_at BETWEEN '2026-02-01 15:00' AND '2026-02-02 00:00:00.0'", 1],
        ] as const) {
          await holds(`SELECT rating FROM ${t} WHERE ${where}`)
          assert.equal((await answer(`SELECT rating FROM ${t} WHERE ${where}`)).length, rows, `${zone}: ${where}`)
        }
      }
    } finally {
      if (timeZone === undefined) delete process.env['TZ']
      else process.env['TZ'] = timeZone
    }
  })
})
