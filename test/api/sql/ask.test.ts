import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, describe, it } from 'node:test'
import { type Api, startApi } from '../helpers/api.ts'
import { book, publishGold, rating, writeSilver } from '../helpers/gold-lake.ts'

const DAY_MS = 86_400_000
const api = {} as Api
const releases: (() => Promise<void>)[] = []
before(async () => {
  const readDeadLetters = async () => [
    {
      entity: 'books',
      reason: 'no-key',
      message: 'it has no key',
      topic: 'goodreads.books',
      partition: 0,
      offset: 7,
      timestamp: '2026-01-02T03:04:05.000Z',
      attempt: 1,
    },
  ]
  Object.assign(api, await startApi({ after: (release) => void releases.push(release) }, { readDeadLetters }))
  await publishGold(api.store, { dim_book: [book('1'), book('2')], fact_rating: [rating('1', 5, '2026-01-02')] })
  await publishGold(api.store, { dim_book: [book('1')], fact_rating: [rating('1', 5, '2026-01-02'), rating('1', 3, '2026-02-02')] })
  await writeSilver(api.store, 'books', [Date.now(), Date.now() - 3 * DAY_MS])
  await api.gold.refresh()
})
after(async () => {
  for (const release of releases.toReversed()) await release()
})

describe('a query', () => {
  it('of the design runs as it is', async () => {
    const { status, body } = await api.ask(`SELECT max(ingestion_timestamp) AS last_update, count(*) AS records
FROM silver_books WHERE ingestion_date = CURRENT_DATE;`)
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(body.rows[0].records, 1)
    assert.ok(Math.abs(Date.parse(body.rows[0].last_update) - Date.now()) < 60_000)
  })

  it('answers with columns, rows, and the versions that they are of', async () => {
    const { body, headers } = await api.ask('SELECT book_id, rating FROM gold_fact_rating ORDER BY rating')
    assert.deepEqual(body.columns, [
      { name: 'book_id', type: 'VARCHAR' },
      { name: 'rating', type: 'BIGINT' },
    ])
    assert.deepEqual(body.rows, [
      { book_id: '1', rating: 3 },
      { book_id: '1', rating: 5 },
    ])
    assert.deepEqual([body.version, body.row_count, body.truncated], [1, 2, false])
    assert.deepEqual(Object.keys(body.tables), ['gold.fact_rating'])
    assert.equal(headers.get('readflow-version'), '1')
  })

  it('tells where a limit stands that was put into the body', async () => {
    const { status, body } = await api.get('/v1/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: 'SELECT 1', timeout_s: 5 }),
    })
    assert.equal(status, 400)
    assert.match(body.detail, /body has timeout_s, .*in the address stand timeout_s: \/v1\/sql\?timeout_s=/)
  })

  it('takes parameters by place and by name, and none as SQL', async () => {
    assert.equal(
      (await api.ask('SELECT count(*) AS n FROM gold_fact_rating WHERE rating > ? AND book_id = ?', { parameters: [4, '1'] })).body.rows[0]
        .n,
      1,
    )
    assert.equal((await api.ask('SELECT $a || $b AS t', { parameters: { a: "'; --", b: null } })).body.rows[0].t, null)
    assert.deepEqual((await api.ask('SELECT $a AS t', { parameters: { a: "x' OR 1=1" } })).body.rows, [{ t: "x' OR 1=1" }])
    const missing = await api.ask('SELECT ?')
    assert.equal(missing.status, 400)
  })

  it('travels in time', async () => {
    const { body } = await api.ask('SELECT count(*) AS n FROM gold_fact_rating', { query: '?version=0' })
    assert.deepEqual([body.version, body.rows[0].n], [0, 1])
    assert.equal((await api.ask('SELECT 1', { query: '?version=9' })).status, 404)
  })

  it('may be a WITH, a window, an EXPLAIN, a DESCRIBE, and ask what tables there are', async () => {
    for (const sql of [
      'WITH r AS (SELECT * FROM gold_fact_rating) SELECT count(*) AS n FROM r',
      'SELECT row_number() OVER (ORDER BY rating) AS n FROM gold_fact_rating',
      'EXPLAIN SELECT * FROM gold_fact_rating',
      '-- why\n/* so */ explain analyze SELECT * FROM gold_fact_rating',
      'EXPLAIN/**/SELECT * FROM gold_fact_rating',
      'EXPLAIN (FORMAT JSON) SELECT * FROM gold_fact_rating',
      'explain ( analyze , format json ) SELECT 1',
      'EXPLAIN (SELECT 1)',
      'DESCRIBE gold_fact_rating',
      'PIVOT gold_fact_rating ON rating IN (3, 5) USING count(*)',
      'WITH gold_dim_book AS (SELECT * FROM gold_dim_book) SELECT count(*) FROM gold_dim_book',
      'SELECT (WITH gold_dim_book AS (SELECT 1 AS z) SELECT z FROM gold_dim_book), count(*) FROM gold_dim_book',
      'SUMMARIZE gold_fact_rating',
      'FROM gold_dim_book',
      'VALUES (1), (2)',
      'SELECT * FROM range(3)',
      'SELECT unnest([1, 2]) AS n',
      'SELECT b.title, f.rating FROM gold_fact_rating f JOIN gold_dim_book b USING (book_sk)',
      'WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < 5) SELECT max(x) FROM n',
      "SELECT list_transform([1, 2], lambda x: x + 1), strftime(TIMESTAMPTZ '2026-01-01', '%Y'), {'a': 1}, MAP {'k': 2}",
      "SELECT * FROM dead_letters WHERE reason = 'no-key'",
    ]) {
      const { status, body } = await api.ask(sql)
      assert.equal(status, 200, `${sql}: ${JSON.stringify(body)}`)
      assert.ok(body.rows.length > 0, sql)
    }
    const shown = (await api.ask('SHOW TABLES')).body.rows.map(({ name }: { name: string }) => name)
    for (const name of ['gold_fact_rating', 'silver_books', 'silver_books_history', 'dead_letters']) assert.ok(shown.includes(name), name)
    const columns = await api.ask("SELECT column_name FROM information_schema.columns WHERE table_name = 'gold_dim_genre'")
    assert.equal(columns.body.row_count, 4)
    const schema = (await api.get('/v1/sql/schema')).body
    assert.ok(schema.tables.find(({ name }: { name: string }) => name === 'gold_fact_rating').columns.length > 5)
  })

  it('gives values as JSON has them, and loses none', async () => {
    const { body } = await api.ask(
      "SELECT 9007199254740993 AS long, 'NaN'::DOUBLE AS nan, '-inf'::DOUBLE AS inf, 'ab'::BLOB AS bytes, DATE '2026-01-02' AS day, [1, NULL] AS list, {'a': {'b': NULL}} AS nested, true AS flag, 1 AS a, 2 AS a",
    )
    assert.deepEqual(body.rows[0], {
      long: '9007199254740993',
      nan: 'NaN',
      inf: '-Infinity',
      bytes: 'YWI=',
      day: '2026-01-02',
      list: [1, null],
      nested: { a: { b: null } },
      flag: true,
      a: 1,
      'a:1': 2,
    })
  })

  it('gives what lies in lists, long decimals and microseconds as they are, and rounds no number that it is given', async () => {
    const sql =
      "SELECT ['NaN'::DOUBLE] AS nan, ['ab'::BLOB] AS bytes, 12345678901234567890.123456789::DECIMAL(38,9) AS d, 1.5 AS e, TIMESTAMP '2026-01-01 00:00:00.123456' AS t"
    const row = { nan: ['NaN'], bytes: ['YWI='], d: '12345678901234567890.123456789', e: 1.5, t: '2026-01-01T00:00:00.123456Z' }
    assert.deepEqual((await api.ask(sql)).body.rows, [row])
    assert.deepEqual(JSON.parse(String((await api.ask(sql, { query: '?format=ndjson' })).body)), row)
    const inexact = await api.get('/v1/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"sql": "SELECT ?", "parameters": [9007199254740993]}',
    })
    assert.equal(inexact.status, 400)
    assert.match(inexact.body.detail, /parameters must be .*integers beyond 2\^53 as texts/)
  })

  it('comes as CSV or NDJSON, as a stream', async () => {
    const csv = await api.ask("SELECT i, 'x,' || i AS t FROM range(20000) r(i)", { query: '?format=csv' })
    assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/)
    const lines = String(csv.body).trimEnd().split('\r\n')
    assert.deepEqual([lines.length, lines[0], lines[20000]], [20001, 'i,t', '19999,"x,19999"'])
    const nd = await api.ask('SELECT 1 AS a', { query: '?format=ndjson' })
    assert.equal(nd.body, '{"a":1}\n')
  })

  it('that has more rows than it may says so, and as a stream ends in an error and not in silence', async () => {
    const { body } = await api.ask('SELECT * FROM range(100)', { query: '?max_rows=10' })
    assert.deepEqual([body.row_count, body.truncated, body.rows.length], [10, true, 10])
    await assert.rejects(api.ask('SELECT * FROM range(100)', { query: '?max_rows=10&format=csv' }))
    const large = await api.ask("SELECT repeat('x', 1000000) AS t FROM range(100)")
    assert.deepEqual([large.body.truncated, large.body.row_count < 40], [true, true])
  })

  it('that is wrong is told why in one line, with the place', async () => {
    for (const [sql, detail] of [
      ['SELEC 1', /syntax error at or near "SELEC"/],
      ['SELECT nope FROM gold_dim_book', /Referenced column "nope" not found/],
      ['SELECT * FROM gold_dim_books', /there is no table 'gold_dim_books'. SHOW TABLES lists them/],
      ['SELECT * FROM silver_authors', /silver_authors has nothing yet/],
      ['', /sql must not be empty/],
      ["SELECT 'a'::INTEGER", /Could not convert string 'a'/],
      ['SELECT footer FROM gold_dim_book', /Referenced column "footer" not found/],
      ["SELECT CAST('Footer' AS INTEGER)", /Could not convert string 'Footer'/],
      ['PIVOT gold_fact_rating ON rating USING count(*)', /a PIVOT is one where it names its values/],
      ['EXPLAIN (ANALYZE) COPY gold_fact_rating TO STDOUT', /only SELECT/],
    ] as const) {
      const { status, body } = await api.ask(sql)
      assert.equal(status, 400, sql)
      assert.match(body.detail, detail)
      assert.doesNotMatch(JSON.stringify(body), /\/tmp|parquet/)
    }
    assert.equal((await api.get('/v1/sql', { method: 'POST', body: 'SELECT 1' })).status, 415)
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } }
    assert.match((await api.get('/v1/sql', { ...json, body: '{' })).body.detail, /no valid JSON/)
    assert.equal((await api.get('/v1/sql', { ...json, body: JSON.stringify({ sql: 'SELECT 1', query: 1 }) })).status, 400)
    assert.equal((await api.get('/v1/sql', { ...json, body: JSON.stringify({ sql: 'x'.repeat(400_000) }) })).status, 413)
    assert.equal((await api.get('/v1/sql')).status, 405)
  })
})

describe('of what a query may take', () => {
  it('names of columns are a part, in each row that has them', async () => {
    const sql = `SELECT 1 AS "${'n'.repeat(60_000)}" FROM range(10000)`
    const { status, body } = await api.ask(sql)
    assert.deepEqual([status, body.truncated, body.row_count < 600, body.row_count > 500], [200, true, true, true])
    assert.equal((await api.ask(sql, { query: '?format=csv' })).status, 200)
  })

  it('wide rows come as they are made, and need no room together', async (t) => {
    const narrow = await startApi(t, { limits: { maxRssBytes: 400 * 1024 ** 2 } })
    const { status, body } = await narrow.ask("SELECT repeat('x', 50000) AS x FROM range(2048)", { query: '?format=csv&timeout_s=60' })
    assert.deepEqual([status, String(body).length], [200, 2048 * 50_002 + 3])
  })

  it('time ends all that is made ready for it, too', async (t) => {
    const slow = await startApi(t, { readDeadLetters: () => new Promise(() => undefined), limits: { workers: 1 } })
    const begunAt = performance.now()
    const { status, body } = await slow.ask('SELECT count(*) FROM dead_letters', { query: '?timeout_s=1' })
    assert.equal(status, 408)
    assert.match(body.detail, /longer than 1 s/)
    assert.ok(performance.now() - begunAt < 20_000)
    assert.equal((await slow.ask('SELECT 1')).status, 200, 'and its place is free')
  })

  it('a plan tells no folder of this machine', async () => {
    for (const how of ['EXPLAIN ANALYZE', 'EXPLAIN', 'EXPLAIN (ANALYZE, FORMAT JSON)'])
      for (const from of ['gold_fact_rating', 'gold_fact_rating f JOIN gold_dim_book b USING (book_sk)', 'dead_letters']) {
        const { status, body } = await api.ask(`${how} SELECT * FROM ${from}`)
        assert.equal(status, 200)
        // A plan is drawn, and wraps what is long.
        const text = JSON.stringify(body.rows).replaceAll(/[\s│]|\\n/g, '')
        assert.ok(!text.includes(api.folder.split('/').at(-1)!) && !text.includes('/tmp/'), text)
      }
  })
})

describe('of files only those are brought', () => {
  const planned = async (sql: string) => {
    const { body } = await api.ask(`EXPLAIN ANALYZE ${sql}`)
    return JSON.stringify(body.rows)
  }
  it('that partitions and statistics leave', async () => {
    const files = async (where: string) => {
      const text = await planned(`SELECT sum(rating) FROM gold_fact_rating f WHERE ${where}`)
      return Number(/Total Files Read: (\d+)/.exec(text)?.[1] ?? 0)
    }
    assert.equal(await files('true'), 2)
    assert.equal(await files("rated_month = '2026-02'"), 1)
    assert.equal(await files("f.rated_month >= '2026-02' AND rating > 0"), 1)
    assert.equal(await files("rated_month BETWEEN '2026-01' AND '2026-01'"), 1)
    assert.equal(await files("rated_at < TIMESTAMPTZ '2026-01-03'"), 1)
    assert.equal(await files("rated_month = '2026-02' OR rating = 5"), 2)
  })
  it('and the answer is that of all of them', async () => {
    for (const [where, n] of [
      ["rated_month = '2026-02'", 1],
      ["'2026-01' < rated_month", 1],
      ['rating = 5', 1],
      ['rating BETWEEN 4 AND 9', 1],
      ["rated_at >= '2026-01-02'", 2],
      ["rated_month = '2026-01' OR rating = 3", 2],
      ["NOT (rated_month = '2026-01')", 1],
      ['rated_month = (SELECT max(rated_month) FROM gold_fact_rating)', 1],
    ] as const) {
      const { body } = await api.ask(`SELECT count(*) AS n FROM gold_fact_rating WHERE ${where}`)
      assert.equal(body.rows[0].n, n, where)
    }
    const twice = await api.ask(
      "SELECT count(*) AS n FROM gold_fact_rating a, gold_fact_rating b WHERE a.rated_month = '2026-01' AND b.rated_month = '2026-02'",
    )
    assert.equal(twice.body.rows[0].n, 1)
    const outer = await api.ask(
      "SELECT count(*) AS n FROM gold_dim_book b LEFT JOIN gold_fact_rating f ON f.book_id = b.book_id AND f.rated_month = '2026-02'",
    )
    assert.equal(outer.body.rows[0].n, 1)
  })
})

describe('runaway queries', () => {
  it('of a text that is hard to look at keep nobody waiting but who asks', async () => {
    const hard = `(${'1+'.repeat(900)}1)`
    const delay = monitorEventLoopDelay({ resolution: 10 })
    for (const sql of [
      `SELECT ${Array(20).fill(hard).join(',')}`,
      `SELECT 1 FROM gold_fact_rating WHERE ${Array(15).fill(`rating < ${hard}`).join(' AND ')}`,
      `SELECT 1 WHERE ${'true AND '.repeat(11_000)}true`,
      `SELECT * FROM ${Array(3000).fill('gold_fact_rating').join(', ')} WHERE ${Array(1000).fill('rating = 5').join(' AND ')}`,
    ]) {
      delay.enable()
      const { status } = await api.ask(sql, { query: '?timeout_s=3' })
      delay.disable()
      assert.ok([200, 400, 408, 422].includes(status), `${status} for ${sql.slice(0, 40)}`)
      assert.ok(delay.max / 1e6 < 1500, `${sql.slice(0, 40)} kept all others waiting for ${Math.round(delay.max / 1e6)} ms`)
      delay.reset()
    }
    assert.deepEqual((await api.ask('SELECT 1e400 AS n')).body.rows, [{ n: 'Infinity' }])
  })

  it('keep no short one waiting, and the one too many says why', async (t) => {
    const crowd = await startApi(t, { limits: { workers: 1, long: { workers: 1, afterMs: 700 } } })
    const endless = 'SELECT count(*) FROM range(1000000000) a, range(1000000) b'
    const stop = new AbortController()
    const ask = (sql: string, signal?: AbortSignal) =>
      crowd.get('/v1/sql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sql }),
        ...(signal ? { signal } : {}),
      })
    const first = ask(endless, stop.signal)
    const second = ask(endless, stop.signal)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const short = await ask('SELECT 42 AS answer')
    assert.deepEqual([short.status, short.body.rows], [200, [{ answer: 42 }]])
    const crowded = await Promise.race([first, second])
    assert.equal(crowded.status, 429)
    assert.match(crowded.body.detail, /others wait, and 1 that take longer than 0.7 s run already/)
    stop.abort()
    await Promise.allSettled([first, second])
  })
})
