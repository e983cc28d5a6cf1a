import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createWarming } from '../../../api/http/answer.ts'
import { routes, warmed } from '../../../api/routes/routes.ts'
import { startApi } from '../helpers/api.ts'
import { book, publishGold, rating } from '../helpers/gold-lake.ts'

const books = (count: number) => Array.from({ length: count }, (_, index) => book(String(index + 1), { ratings_count: 100 - index }))

/** An API with two published versions: of 2 books, then of 3. */
const withTwo = async (t: Parameters<typeof startApi>[0]) => {
  const api = await startApi(t)
  await publishGold(api.store, { dim_book: books(2), fact_rating: [rating('1', 5, '2026-01-02')] })
  await api.gold.refresh()
  const between = new Date().toISOString()
  await new Promise((resolve) => setTimeout(resolve, 5))
  await publishGold(api.store, { dim_book: books(3), fact_rating: [rating('1', 5, '2026-01-02'), rating('2', 1, '2026-02-03')] })
  await api.gold.refresh()
  return { ...api, between }
}

describe('a version', () => {
  it('is asked by its number or by a time, and is the newest otherwise', async (t) => {
    const { get, between } = await withTwo(t)
    for (const [query, version, total] of [
      ['', 1, 3],
      ['?version=0', 0, 2],
      ['?version=1', 1, 3],
      [`?as_of=${between}`, 0, 2],
      ['?as_of=2999-01-01', 1, 3],
    ] as const) {
      const { body, headers } = await get(`/v1/books${query}`)
      assert.deepEqual([body.version, body.total], [version, total], query)
      assert.equal(headers.get('readflow-version'), String(version))
    }
  })

  it('that can not be had is refused in words that help', async (t) => {
    const { get } = await withTwo(t)
    for (const [query, status, detail] of [
      ['version=2', 404, /no Gold version 2 yet: the newest is 1/],
      ['version=x', 400, /^version must be a whole number/],
      ['as_of=yesterday', 400, /^as_of must be a time in ISO 8601/],
      ['as_of=2020-01-01', 410, /as old as 2020-01-01T00:00:00.000Z/],
      ['as_of=2020-01-01&version=1', 400, /^as_of can not be given together with version/],
    ] as const) {
      const { status: given, body } = await get(`/v1/books?${query}`)
      assert.equal(given, status, query)
      assert.match(body.detail, detail)
    }
  })

  it('that a cursor pages through is the one that is asked', async (t) => {
    const { get } = await withTwo(t)
    const { body } = await get('/v1/books?version=0&limit=1')
    const next = await get(`/v1/books?limit=1&cursor=${body.next_cursor}`)
    assert.deepEqual([next.body.version, next.body.books[0].book_id], [0, '2'])
    const other = await get(`/v1/books?version=1&limit=1&cursor=${body.next_cursor}`)
    assert.equal(other.status, 400)
    assert.match(other.body.detail, /^cursor pages through Gold version 0/)
  })

  it('is listed with those that are kept, newest first', async (t) => {
    const { get } = await withTwo(t)
    const { body } = await get('/v1/versions')
    assert.deepEqual(
      body.versions.map(({ version }: { version: number }) => version),
      [1, 0],
    )
    const older = await get('/v1/versions?before=1&limit=1')
    assert.equal(older.body.versions[0].version, 0)
    assert.equal(older.body.next_before, null)
  })
})

describe('an ETag', () => {
  it('is strong, the same for the same question, and answered with 304 and no body', async (t) => {
    const { get } = await withTwo(t)
    const first = await get('/v1/books?limit=2&sort=title')
    const tag = first.headers.get('etag') ?? ''
    assert.match(tag, /^"1-[\w-]+"$/)
    assert.equal(first.headers.get('cache-control'), 'no-cache')
    const again = await get('/v1/books?sort=title&limit=2', { headers: { 'if-none-match': `"x", ${tag}` } })
    assert.equal(again.status, 304)
    assert.equal(again.body, '')
    assert.equal(again.headers.get('etag'), tag)
    assert.equal(again.headers.get('readflow-version'), '1')
  })

  it('differs by question, format and version', async (t) => {
    const { get } = await withTwo(t)
    const asked = [
      '/v1/books',
      '/v1/books?limit=1',
      '/v1/books?format=csv',
      '/v1/books?version=0',
      '/v1/genres',
      '/v1/books/1',
      '/v1/books/2',
    ]
    const tags = await Promise.all(asked.map(async (route) => (await get(route)).headers.get('etag')))
    assert.equal(new Set(tags).size, asked.length)
  })

  it('of the version before does not hold for the next', async (t) => {
    const { get, store, gold } = await withTwo(t)
    const tag = (await get('/v1/books')).headers.get('etag') ?? ''
    await publishGold(store, { dim_book: books(1) })
    await gold.refresh()
    const next = await get('/v1/books', { headers: { 'if-none-match': tag } })
    assert.deepEqual([next.status, next.body.total], [200, 1])
  })

  it('comes with leave to keep the answer where the version is an older one, and not where the question may mean another soon', async (t) => {
    const { get, between } = await withTwo(t)
    const caching = async (query: string) => (await get(`/v1/books?${query}`)).headers.get('cache-control') ?? ''
    for (const query of ['version=0', `as_of=${between}`]) assert.match(await caching(query), /immutable/, query)
    for (const query of ['version=1', 'as_of=2999-01-01', `as_of=${new Date().toISOString()}`])
      assert.equal(await caching(query), 'no-cache')
  })

  it('is not that of another lake which has the same version, question and format', async (t) => {
    const [one, other] = [await withTwo(t), await withTwo(t)]
    const tag = (await one.get('/v1/books')).headers.get('etag') ?? ''
    const { status, body } = await other.get('/v1/books', { headers: { 'if-none-match': tag } })
    assert.deepEqual([status, body.version], [200, 1])
  })

  it('of any kind holds for If-None-Match: * where there is an answer', async (t) => {
    const { get } = await withTwo(t)
    for (const [route, status] of [
      ['/v1/books', 304],
      ['/v1/books?format=csv', 304],
      ['/v1/genres?format=ndjson', 304],
      ['/v1/books/404', 404],
      ['/v1/ratings?from=2026-02&to=2026-01&format=csv', 400],
    ] as const) {
      assert.equal((await get(route, { headers: { 'if-none-match': '*' } })).status, status, route)
    }
  })

  it('is not given with what is not there', async (t) => {
    const { get } = await withTwo(t)
    const { status, headers } = await get('/v1/books/404', { headers: { 'if-none-match': '*' } })
    assert.deepEqual([status, headers.get('etag')], [404, null])
  })
})

describe('a format', () => {
  it('is asked by parameter or by Accept', async (t) => {
    const { get } = await withTwo(t)
    for (const [query, accept, type] of [
      ['', '*/*', 'application/json'],
      ['', 'text/html, */*;q=0.1', 'application/json'],
      ['', 'text/csv', 'text/csv'],
      ['', 'application/x-ndjson, application/json;q=0.5', 'application/x-ndjson'],
      ['?format=ndjson', 'text/csv', 'application/x-ndjson'],
    ] as const) {
      const { headers } = await get(`/v1/books${query}`, { headers: { accept } })
      assert.ok(headers.get('content-type')?.startsWith(type), `${query} ${accept}: ${headers.get('content-type')}`)
      assert.equal(headers.get('vary'), 'Accept')
    }
    assert.equal((await get('/v1/books', { headers: { accept: 'image/png' } })).status, 406)
    assert.equal((await get('/v1/books?format=xml')).status, 400)
    assert.equal((await get('/v1/books/1?format=csv')).status, 400)
  })

  it('as CSV has a line of names, quotes what needs it, and leaves out nothing', async (t) => {
    const { get, store, gold } = await withTwo(t)
    await publishGold(store, {
      dim_book: [book('1', { title: 'A "quoted", title\nin two lines' }), book('2', { title: null, ratings_count: 7 })],
    })
    await gold.refresh()
    const { body } = await get('/v1/books?format=csv&fields=book_id,title,author_names,ratings_count')
    assert.equal(
      body,
      'book_id,title,author_names,ratings_count\r\n1,"A ""quoted"", title\nin two lines","[""Ada Ahl"",""Second Hand""]",100\r\n2,,"[""Ada Ahl"",""Second Hand""]",7\r\n',
    )
  })

  it('as NDJSON has the rows of the JSON answer, a line each', async (t) => {
    const { get } = await withTwo(t)
    for (const route of ['/v1/books', '/v1/ratings', '/v1/genres', '/v1/charts/ratings-over-time', '/v1/books/1/history']) {
      const { body } = await get(route)
      const list = Object.values(body).find(Array.isArray)
      const lines = String((await get(route, { headers: { accept: 'application/x-ndjson' } })).body)
      assert.deepEqual(
        lines
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
        list,
        route,
      )
    }
  })

  it('of a list tells how many rows there are, and where the next ones are, until there are none', async (t) => {
    const { get, store, gold } = await startApi(t)
    const ratings = Array.from({ length: 2300 }, (_, index) => ({
      ...rating('1', (index % 5) + 1, index % 3 === 0 ? null : '2026-01-02'),
      rating_key: `u${String(index).padStart(5, '0')}:1`,
    }))
    await publishGold(store, { dim_book: books(1), fact_rating: ratings })
    await gold.refresh()
    for (const limit of [700, 1100]) {
      const seen: string[] = []
      let pages = 0
      for (let next: string | undefined = `/v1/ratings?format=csv&fields=rating_key&limit=${limit}&as_of=2999-01-01`; next; pages++) {
        const { status, headers, body } = await get(next)
        assert.deepEqual([status, headers.get('readflow-total-rows')], [200, '2300'])
        seen.push(...String(body).trimEnd().split('\r\n').slice(1))
        next = /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1]
        // What comes next is of the same version, whatever is published meanwhile.
        if (pages === 0) await publishGold(store, { dim_book: books(1) }).then(gold.refresh)
      }
      assert.deepEqual([pages, seen.length, new Set(seen).size], [Math.ceil(2300 / limit), 2300, 2300])
      await publishGold(store, { dim_book: books(1), fact_rating: ratings }).then(gold.refresh)
    }
  })

  it('refuses a cursor whose keys were changed, as rows too', async (t) => {
    const { get } = await withTwo(t)
    const { body } = await get('/v1/books?limit=1')
    const cursor = JSON.parse(Buffer.from(body.next_cursor, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...cursor, k: ['x', 1] })).toString('base64url')
    for (const query of ['limit=1', 'limit=1&format=csv', 'limit=5000&format=ndjson']) {
      const { status, body: said } = await get(`/v1/books?${query}&cursor=${forged}`)
      assert.equal(status, 400, `${query}: ${JSON.stringify(said)}`)
    }
  })

  it('as CSV has its line of names where there are no rows', async (t) => {
    const { get, store, gold } = await startApi(t)
    await publishGold(store, {})
    await gold.refresh()
    for (const [route, line] of [
      ['/v1/genres', 'genre,name,is_other,books,ratings'],
      ['/v1/charts/ratings-over-time', 'period,key,name,ratings,average'],
      ['/v1/books?fields=book_id,title', 'book_id,title'],
    ]) {
      const { body } = await get(route!, { headers: { accept: 'text/csv' } })
      assert.equal(body, `${line}\r\n`, route)
    }
  })

  it('json may be named where there is no other', async (t) => {
    const { get } = await withTwo(t)
    assert.equal((await get('/v1/books/1?format=json')).status, 200)
  })

  it('that streams takes more rows than a JSON page has', async (t) => {
    const { get, store, gold } = await startApi(t).then(async (api) => api)
    const ratings = Array.from({ length: 5000 }, (_, index) => ({
      ...rating('1', (index % 5) + 1, '2026-01-02'),
      rating_key: `u${index}:1`,
    }))
    await publishGold(store, { dim_book: books(1), fact_rating: ratings })
    await gold.refresh()
    assert.equal((await get('/v1/ratings?limit=5000')).status, 400)
    const { body } = await get('/v1/ratings?limit=100000&format=csv')
    const lines = String(body).trimEnd().split('\r\n')
    assert.equal(lines.length, 5001)
    assert.equal(new Set(lines.map((line) => line.split(',')[0])).size, 5001)
  })
})

describe('a publish', () => {
  /** What the page asks before anybody has chosen anything (api/web/books). */
  const ofThePage = [
    '/v1/genres',
    '/v1/languages',
    '/v1/charts/rating-distribution',
    '/v1/charts/ratings-over-time?by=genre&bucket=month',
    '/v1/charts/ratings-over-time?by=language&bucket=month',
    '/v1/charts/review-trends?bucket=month',
    '/v1/charts/top-books?limit=10',
    '/v1/charts/author-performance?limit=12&min_ratings=5',
  ]

  it('makes what the page asks, and what was asked most, before it answers', async (t) => {
    const { get, store, gold } = await startApi(t, { warm: createWarming(routes, warmed) })
    await publishGold(store, { dim_book: books(20) })
    await gold.refresh()
    const asksDuckDb = async (route: string) => {
      const version = gold.current()!
      const { rows } = version
      let asked = 0
      version.rows = (...question) => {
        asked++
        return rows(...question)
      }
      assert.equal((await get(route)).status, 200)
      version.rows = rows
      return asked
    }
    for (const route of ofThePage) assert.equal(await asksDuckDb(route), 0, route)
    // Figures of our own, and pages after the first, take no place of what readers ask.
    const popular = Array.from({ length: 30 }, (_, index) => `/v1/books?q=book+${index}`)
    for (const route of popular) assert.ok((await asksDuckDb(route)) > 0)
    for (const route of popular) assert.equal(await asksDuckDb(route), 0)
    for (let cursor = ''; ; ) {
      const { body } = await get(`/v1/books?limit=1${cursor}`)
      await get(`/v1/books?limit=1${cursor}`)
      await get(`/v1/books?limit=1${cursor}`)
      if (body.next_cursor === null) break
      cursor = `&cursor=${body.next_cursor}`
    }
    await publishGold(store, { dim_book: books(21) })
    await gold.refresh()
    const cold = []
    for (const route of popular.slice(0, -1)) if ((await asksDuckDb(route)) > 0) cold.push(route)
    assert.deepEqual(cold, [])
  })
})

describe('a reader who goes', () => {
  it('ends its query, before the first row too, and gives its place on', async (t) => {
    const { get, store, gold, url } = await startApi(t)
    const ratings = Array.from({ length: 300 }, (_, index) => ({ ...rating('1', 1, '2026-01-02'), rating_key: `u${index}` }))
    await publishGold(store, { dim_book: books(1), fact_rating: ratings })
    await gold.refresh()
    const version = gold.current()!
    let begun = 0
    const ended: unknown[] = []
    const { stream } = version
    // As a query that takes for ever: what it is asked for is beside the point.
    version.stream = (_sql, _params, options) => {
      begun++
      const running = stream('SELECT count(*) FROM range(1000000) a, range(1000000) b', undefined, options)
      running.catch((error) => ended.push(error))
      return running.then(async (rows) => {
        const { next } = rows.batches
        rows.batches.next = () =>
          next().catch((error) => {
            ended.push(error)
            throw error
          })
        return rows
      })
    }
    const readers = Array.from({ length: 6 }, () => new AbortController())
    const asking = readers.map(({ signal }) => fetch(new URL('/v1/ratings?format=csv&limit=2000', url), { signal }).catch(() => null))
    while (begun < 4) await new Promise((resolve) => setTimeout(resolve, 10))
    for (const reader of readers) reader.abort()
    await Promise.all(asking)
    while (ended.length < 4) await new Promise((resolve) => setTimeout(resolve, 10))
    version.stream = stream
    const { status, body } = await get('/v1/ratings?format=csv&limit=2000')
    assert.deepEqual([status, String(body).trimEnd().split('\r\n').length], [200, 301])
  })
})
