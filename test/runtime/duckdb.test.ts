import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type DuckDb, type DuckDbOptions, openDuckDb } from '../../runtime/duckdb.ts'

const withDuckDb = async (use: (duckdb: DuckDb) => Promise<void>, options?: DuckDbOptions) => {
  const duckdb = await openDuckDb(options)
  try {
    await use(duckdb)
  } finally {
    await duckdb.close()
  }
}
const one = async (duckdb: DuckDb, expression: string) => (await duckdb.rows<{ v: unknown }>(`SELECT ${expression} AS v`))[0]?.v

describe('openDuckDb', () => {
  const cases: [string, unknown][] = [
    ['CAST(42 AS BIGINT)', 42],
    ['CAST(-9007199254740991 AS BIGINT)', -9007199254740991],
    ['CAST(9007199254740993 AS BIGINT)', '9007199254740993'],
    ['sum(7)', 7],
    ['CAST(4.03 AS DECIMAL(10, 2))', 4.03],
    ["DATE '1564-04-23'", '1564-04-23'],
    ['make_timestamptz(1600000000123999)', '2020-09-13T12:26:40.123999Z'],
    ['make_timestamptz(-1)', '1969-12-31T23:59:59.999999Z'],
    ["TIMESTAMP '2020-01-02 03:04:05'", '2020-01-02T03:04:05.000Z'],
    ["TIMESTAMPTZ '2020-01-02 03:04:05+02:00'", '2020-01-02T01:04:05.000Z'],
    ["['a', NULL]", ['a', null]],
    ['[{a: 1, b: [CAST(2 AS BIGINT)]}]', [{ a: 1, b: [2] }]],
    ["MAP {'x': 1, 'y': 2}", { x: 1, y: 2 }],
    ['NULL', null],
    ['true', true],
    ["CAST('ab' AS BLOB)", new Uint8Array([97, 98])],
  ]
  for (const [expression, expected] of cases) {
    test(`gives ${expression} as a plain value`, () =>
      withDuckDb(async (duckdb) => assert.deepEqual(await one(duckdb, expression), expected)))
  }

  test('binds numbers, texts, lists and null, by position and by name', () =>
    withDuckDb(async (duckdb) => {
      const [row] = await duckdb.rows('SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e', [1, 1.5, 'x', null, ['p', 'q']])
      assert.deepEqual(row, { a: 1, b: 1.5, c: 'x', d: null, e: ['p', 'q'] })
      assert.deepEqual(await duckdb.rows('SELECT range AS n FROM range(5) WHERE range > $low LIMIT $limit', { low: 1, limit: 2 }), [
        { n: 2 },
        { n: 3 },
      ])
    }))

  test('runs every session in UTC, whatever the zone of the machine', () =>
    withDuckDb(async (duckdb) => {
      const zones = await Promise.all(Array.from({ length: 4 }, () => one(duckdb, "current_setting('TimeZone')")))
      assert.deepEqual(zones, ['UTC', 'UTC', 'UTC', 'UTC'])
      assert.equal(await one(duckdb, "CAST(TIMESTAMPTZ '2020-01-01 23:30:00-02:00' AS DATE)"), '2020-01-02')
    }))

  test('serves several callers at once from the same tables', () =>
    withDuckDb(async (duckdb) => {
      await duckdb.run('CREATE TABLE t AS SELECT range AS n FROM range(1000)')
      const sums = await Promise.all(
        Array.from({ length: 8 }, (_, i) => duckdb.rows<{ s: number }>('SELECT sum(n) AS s FROM t WHERE n >= ?', [i])),
      )
      assert.deepEqual(
        sums.map(([row]) => row?.s),
        Array.from({ length: 8 }, (_, i) => 499_500 - (i * (i - 1)) / 2),
      )
    }))

  test('never loads an extension by itself', () =>
    withDuckDb(async (duckdb) => {
      await assert.rejects(duckdb.rows("SELECT * FROM read_parquet('s3://bucket/file.parquet')"), /httpfs|extension/i)
    }))

  test('interrupts a query when its signal is aborted, and goes on serving', () =>
    withDuckDb(async (duckdb) => {
      const controller = new AbortController()
      const query = duckdb.rows('SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b', [], {
        signal: controller.signal,
      })
      setTimeout(() => controller.abort(new Error('too slow')), 20)
      await assert.rejects(query, /too slow/)
      assert.equal(await one(duckdb, '1'), 1)
    }))

  test('refuses work after it was closed, and interrupts what runs', async () => {
    const duckdb = await openDuckDb()
    const query = assert.rejects(duckdb.rows('SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b'), /interrupt/i)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await duckdb.close()
    await duckdb.close()
    await query
    await assert.rejects(duckdb.rows('SELECT 1'), /closed/)
  })
})
