import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { type Api, startApi } from '../helpers/api.ts'
import { book, publishGold, rating } from '../helpers/gold-lake.ts'

const SECRET = 'the-secret-of-another'
const api = {} as Api
const releases: (() => Promise<void>)[] = []
let outside = ''
before(async () => {
  Object.assign(api, await startApi({ after: (release) => void releases.push(release) }, { limits: { maxRssBytes: 700 * 1024 ** 2 } }))
  await publishGold(api.store, { dim_book: [book('1')], fact_rating: [rating('1', 5, '2026-01-02')] })
  await api.gold.refresh()
  outside = await mkdtemp(path.join(tmpdir(), 'readflow-outside-'))
  await writeFile(path.join(outside, 'secret.csv'), `a\n${SECRET}\n`)
  const db = await openDuckDb()
  await db.run(`COPY (SELECT '${SECRET}' AS a) TO '${outside}/secret.parquet'`)
  // Small on the disk, and far too much in memory.
  await db.run(`COPY (SELECT repeat('x', 1000000) AS a FROM range(20000)) TO '${outside}/bomb.parquet' (COMPRESSION zstd)`)
  await db.close()
  process.env['READFLOW_TEST_SECRET'] = SECRET
})
after(async () => {
  for (const release of releases.toReversed()) await release()
  await rm(outside, { recursive: true })
})

const escapes = (): string[] => [
  // Files.
  `SELECT * FROM '${outside}/secret.csv'`,
  `SELECT * FROM "${outside}/secret.csv"`,
  `SELECT * FROM '${outside}/secret.parquet'`,
  `SELECT * FROM '${outside}/bomb.parquet'`,
  `SELECT * FROM "${outside}/*.parquet"`,
  `FROM '${outside}/secret.csv'`,
  `WITH "${outside}/secret.csv" AS (SELECT 1) SELECT * FROM (SELECT * FROM "${outside}/secret.parquet")`,
  `WITH gold_dim_book AS (SELECT * FROM '${outside}/secret.csv') SELECT * FROM gold_dim_book`,
  ...[
    'read_csv',
    'read_csv_auto',
    'read_parquet',
    'parquet_scan',
    'read_text',
    'read_blob',
    'read_json',
    'read_ndjson',
    'sniff_csv',
    'glob',
  ].map((name) => `SELECT * FROM ${name}('${outside}/secret.csv')`),
  `SELECT * FROM READ_TEXT('${outside}/secret.csv')`,
  `SELECT * FROM "read_text"('${outside}/secret.csv')`,
  `SELECT * FROM system.main.read_text('${outside}/secret.csv')`,
  `SELECT * FROM main."read_text"(['${outside}/secret.csv'])`,
  `SELECT * FROM/**/read_text/* x */('${outside}/secret.csv')`,
  `SELECT * FROM read_text(concat('${outside}', '/secret.csv'))`,
  `SELECT (SELECT content FROM read_text('${outside}/secret.csv'))`,
  `SELECT list_transform([1], lambda x: (SELECT content FROM read_text('${outside}/secret.csv')))`,
  `EXPLAIN SELECT * FROM read_text('${outside}/secret.csv')`,
  `EXPLAIN ANALYZE COPY (SELECT 1) TO '${outside}/out.csv'`,
  `DESCRIBE SELECT * FROM read_text('${outside}/secret.csv')`,
  `SUMMARIZE '${outside}/secret.csv'`,
  `SELECT * FROM (DESCRIBE '${outside}/secret.csv')`,
  `SELECT * FROM (PIVOT '${outside}/secret.csv' ON a USING count(*))`,
  `SELECT * FROM parquet_metadata('${outside}/secret.parquet')`,
  `SELECT * FROM 's3://bucket/x.parquet'`,
  `SELECT * FROM 'http://127.0.0.1:1/x.csv'`,
  `SELECT * FROM '/proc/self/environ'`,
  "SELECT * FROM read_text('/proc/self/environ')",
  "SELECT * FROM glob('/**')",
  // Writing.
  `COPY gold_dim_book TO '${outside}/out.csv'`,
  `COPY (SELECT 1) TO '${outside}/out.parquet'`,
  `EXPORT DATABASE '${outside}/out'`,
  `SELECT 1; COPY gold_dim_book TO '${outside}/out.csv'`,
  `SELECT 1;;COPY gold_dim_book TO '${outside}/out.csv'`,
  `/* SELECT */ COPY gold_dim_book TO '${outside}/out.csv' -- SELECT`,
  `SELECT 1\n--\rCOPY x TO '${outside}/out.csv'\n; COPY gold_dim_book TO '${outside}/out.csv'`,
  'CREATE TABLE x AS SELECT 1',
  'CREATE VIEW x AS SELECT 1',
  "CREATE MACRO m() AS TABLE SELECT * FROM read_text('/etc/passwd')",
  'INSERT INTO gold_dim_book SELECT * FROM gold_dim_book',
  'UPDATE gold_dim_book SET title = NULL',
  'DELETE FROM gold_dim_book',
  'DROP VIEW gold_dim_book',
  'ALTER VIEW gold_dim_book RENAME TO x',
  'WITH x AS (DELETE FROM gold_dim_book RETURNING *) SELECT * FROM x',
  'BEGIN TRANSACTION',
  'CHECKPOINT',
  'VACUUM',
  // Other databases and extensions.
  `ATTACH '${outside}/x.db'`,
  `ATTACH ':memory:' AS m`,
  'USE memory',
  'DETACH memory',
  'INSTALL httpfs',
  'INSTALL spatial FROM community',
  'LOAD httpfs',
  `LOAD '${outside}/x.duckdb_extension'`,
  // Settings, secrets and the environment.
  'SET enable_external_access = true',
  "SET GLOBAL memory_limit = '64GB'",
  'RESET ALL',
  'PRAGMA database_list',
  'PRAGMA enable_profiling',
  "PRAGMA memory_limit='64GB'",
  'CALL pragma_version()',
  'SELECT * FROM duckdb_settings()',
  'SELECT * FROM duckdb_views()',
  'SELECT * FROM duckdb_secrets()',
  'SELECT * FROM duckdb_logs',
  'SELECT * FROM pragma_database_list',
  'SELECT * FROM information_schema.views',
  'SELECT * FROM pg_catalog.pg_views',
  'SELECT * FROM sqlite_master',
  // The catalogue behind a WITH of the same name, and by a function that reads the table whose name it is given.
  ...['pg_settings', 'duckdb_views', 'sqlite_master', 'pg_views', 'duckdb_logs', 'pragma_database_list', 'duckdb_tables'].flatMap(
    (view) => [
      `WITH ${view} AS (SELECT * FROM ${view}) SELECT * FROM ${view}`,
      `WITH a AS (SELECT * FROM ${view}), ${view} AS (SELECT 1) SELECT * FROM a`,
      `WITH RECURSIVE ${view} AS (SELECT * FROM ${view} UNION SELECT * FROM ${view}) SELECT * FROM ${view}`,
      `SELECT * FROM ${view}, (WITH ${view} AS (SELECT 1 AS a) SELECT a FROM ${view}) x, gold_dim_book`,
      `SELECT * FROM gold_dim_book b, LATERAL (SELECT * FROM ${view} WHERE b.title <> (WITH ${view} AS (SELECT 'x' AS a) SELECT a FROM ${view})) x`,
      `(WITH ${view} AS (SELECT 1 AS a) SELECT a FROM ${view}) UNION ALL SELECT count(*) FROM ${view}`,
      `SELECT (WITH ${view} AS (SELECT 1 AS a) SELECT a FROM ${view}), (SELECT count(*) FROM ${view})`,
      `WITH x AS (SELECT 1 AS a) SELECT * FROM x POSITIONAL JOIN ${view}`,
      `DESCRIBE ${view}`,
      `SUMMARIZE ${view}`,
      `SELECT * FROM (PIVOT ${view} ON 1 IN (1) USING count(*))`,
      `SELECT * FROM histogram('${view}', 1)`,
      `SELECT * FROM histogram_values(${view}, 1)`,
    ],
  ),
  'WITH "duc\u212adb_views" AS (SELECT 1) SELECT * FROM duckdb_views',
  "SELECT pg_get_viewdef('gold_dim_book')",
  "SELECT current_setting('temp_directory')",
  "SELECT getenv('READFLOW_TEST_SECRET')",
  "SELECT getvariable('x')",
  'SET VARIABLE x = 1',
  'CREATE SECRET s (TYPE s3)',
  "SELECT * FROM which_secret('s3://x', 's3')",
  "SELECT write_log('x')",
  // SQL in SQL.
  "SELECT * FROM query('SELECT 1')",
  "SELECT * FROM query_table('gold_dim_book')",
  "SELECT json_execute_serialized_sql('{}')",
  "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
  'PREPARE p AS SELECT 1',
  'EXECUTE p',
  // Memory that is not ours, and waiting.
  'SELECT * FROM arrow_scan(1, 2, 3)',
  'SELECT * FROM seq_scan()',
  'SELECT sleep_ms(60000)',
  "SELECT nextval('s')",
  // Odd texts.
  '\u0000SELECT 1',
  'ＳＥＬＥＣＴ 1',
  'SELECT 1 \u0000; DROP VIEW gold_dim_book',
  'SELECT * FROM gold_dim_book\u200b',
  `SELECT * FROM re\u0061d_text('${outside}/secret.csv')`,
  `SELECT * FROM U&"re\\0061d_text"('${outside}/secret.csv')`,
  ';',
  '--',
  '(',
  '('.repeat(5000),
  `SELECT ${'('.repeat(2000)}1${')'.repeat(2000)}`,
  `SELECT ${'-'.repeat(1)}${'1+'.repeat(20_000)}1`,
]

describe('SQL from outside', () => {
  it('can not get out of what it may read', async () => {
    for (const sql of escapes()) {
      const { status, body } = await api.ask(sql)
      const isHarmless = status === 200 && ((/^SELECT [-(1]/.test(sql) && !/FROM/.test(sql)) || sql.endsWith('\u200b'))
      assert.ok(
        isHarmless || [400, 408, 413, 422].includes(status),
        `${status} for ${sql.slice(0, 200)}: ${JSON.stringify(body).slice(0, 300)}`,
      )
      assert.ok(!JSON.stringify(body.rows ?? []).includes(SECRET), sql)
      assert.doesNotMatch(String(body.detail ?? ''), /\n|node_modules|\.ts:/, sql)
    }
    assert.deepEqual((await readdir(outside)).toSorted(), ['bomb.parquet', 'secret.csv', 'secret.parquet'], 'nothing was written')
    assert.match(await readFile(path.join(outside, 'secret.csv'), 'utf8'), new RegExp(SECRET))
    const { body } = await api.ask('SELECT title FROM gold_dim_book')
    assert.deepEqual(body.rows, [{ title: 'Book 1' }], 'and the next one is answered')
  })

  it('leaves the lake as it is', async () => {
    const before = await readdir(path.join(api.folder, 'gold'), { recursive: true })
    for (const sql of escapes().slice(0, 60)) await api.ask(sql)
    assert.deepEqual((await readdir(path.join(api.folder, 'gold'), { recursive: true })).toSorted(), before.toSorted())
  })
})

describe('a query that runs away', () => {
  it('is stopped by its time, and others go on meanwhile', async () => {
    const away = api.ask('SELECT count(*) FROM range(10000000) a, range(10000000) b, range(1000) c', { query: '?timeout_s=2' })
    const answered = await api.ask('SELECT 1 AS n')
    assert.deepEqual(answered.body.rows, [{ n: 1 }])
    const { status, body } = await away
    assert.equal(status, 408)
    assert.match(body.detail, /longer than 2 s/)
  })

  it('without end is stopped as well', async () => {
    const { status } = await api.ask('WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n', {
      query: '?timeout_s=2',
    })
    assert.ok([408, 422].includes(status), String(status))
  })

  for (const sql of [
    "SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(100000)",
    'SELECT len(list(i)) FROM range(1000000000) t(i)',
    "SELECT length(repeat('x', 1000000000)), length(repeat('y', 1000000000)), length(repeat('z', 1000000000))",
    'SELECT count(*) FROM (SELECT DISTINCT md5(i::VARCHAR) FROM range(200000000) t(i))',
  ]) {
    it(`for memory is stopped: ${sql.slice(0, 60)}`, async () => {
      const { status, body } = await api.ask(sql, { query: '?timeout_s=8' })
      assert.ok([408, 422].includes(status), `${status} ${JSON.stringify(body)}`)
      const next = await api.ask('SELECT 1 AS n')
      assert.equal(next.status, 200, next.body.detail)
    })
  }

  it('for memory leaves its process to nobody: the next one would be stopped for what it took', async () => {
    const seen = new Set<string>()
    for (let time = 0; time < 3; time++) {
      const { status } = await api.ask('SELECT len(list(i)) FROM range(1000000000) t(i)', { query: '?timeout_s=8' })
      assert.equal(status, 422)
      const next = await api.ask('SELECT 1 AS n')
      assert.equal(next.status, 200, next.body.detail)
      const [worker, ...others] = await children()
      assert.ok(worker !== undefined && others.length === 0 && !seen.has(worker), `${worker} and ${others.length} others`)
      seen.add(worker)
    }
  })

  it('of more at once than there is room for is refused with when to come back', async () => {
    const many = Array.from({ length: 30 }, () => api.ask('SELECT count(*) FROM range(100000000) a', { query: '?timeout_s=10' }))
    const answers = await Promise.all(many)
    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length > 0)
    assert.equal(refused[0]?.headers.get('retry-after'), '1')
    assert.ok(answers.every(({ status }) => status === 200 || status === 429))
  })

  it('is given up when who asked has gone', async () => {
    const leaving = AbortSignal.timeout(300)
    const body = JSON.stringify({ sql: 'SELECT count(*) FROM range(10000000) a, range(10000000) b' })
    const asked = fetch(new URL('/v1/sql?timeout_s=50', api.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: leaving,
    })
    await assert.rejects(asked)
    // Both workers are free again: two queries at once are answered in no time.
    const answers = await Promise.all([api.ask('SELECT 1'), api.ask('SELECT 2'), api.ask('SELECT 3')])
    assert.ok(answers.every(({ status }) => status === 200))
  })
})

/** Processes of ours. */
const children = async () => (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(/\s+/)
