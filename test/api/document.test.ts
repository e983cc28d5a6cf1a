import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { createEventStreams } from '../../api/http/event-stream.ts'
import { addKey } from '../../api/keys/store.ts'
import { runbookRoutes } from '../../api/operate/runbook-routes.ts'
import { openRuleCounts } from '../../api/pipeline/contracts.ts'
import { retryRoutes } from '../../api/pipeline/retry-routes.ts'
import { openRunsReader } from '../../api/pipeline/runs.ts'
import { deadLetterRoutes } from '../../api/topics/dead-letter-routes.ts'
import { openTopicsKafka } from '../../api/topics/kafka.ts'
import { openLetterBook } from '../../api/topics/letter-book.ts'
import { topicRoutes } from '../../api/topics/routes.ts'
import { openTable } from '../../lake/delta/table.ts'
import { RUNS_ROOT } from '../../lineage/runs/read.ts'
import { openRecorder, withRun } from '../../lineage/runs/recorder.ts'
import { createLog } from '../../runtime/log.ts'
import { type Api, startApi } from './helpers/api.ts'
import { openDocument } from './helpers/document.ts'
import { publishGold, smallGold } from './helpers/gold-lake.ts'

type Options = NonNullable<Parameters<typeof startApi>[1]>
const releases: (() => Promise<void>)[] = []
const log = createLog('test', 'silent')
const kafka = openTopicsKafka({ brokers: () => null, registryUrl: () => null })

/** The API with every route that there is; Kafka is not there. test/integration/topics.test.ts holds those over Kafka. */
const start = (options: Options = {}) =>
  startApi(
    { after: (release) => void releases.push(release) },
    {
      moreModules: (store) => [
        retryRoutes({ runs: openRunsReader({ store }), upStatus: () => null, tell: null, isShelf: async () => false }),
        runbookRoutes(),
        topicRoutes({ kafka, streams: createEventStreams({ maxReaders: 1 }) }),
        deadLetterRoutes({ kafka, book: openLetterBook({ store }), ruleCounts: openRuleCounts({ store }) }),
      ],
      ...options,
    },
  )

const api = {} as Api
let document: ReturnType<typeof openDocument>
let runId = ''
before(async () => {
  Object.assign(api, await start())
  await publishGold(api.store, smallGold())
  await api.gold.refresh()
  const recorder = await openRecorder({ table: openTable(api.store, RUNS_ROOT), program: 'poll', publisher: null, log })
  await withRun(recorder, { kind: 'poll', job: 'books' }, async (run) => {
    await run.begin({})
    throw new Error('it failed')
  }).catch(() => undefined)
  await recorder.close()
  runId = (await api.get('/v1/runs')).body.runs[0].run_id
  document = openDocument((await api.get('/v1/openapi.json')).body)
})
after(async () => {
  for (const release of releases.toReversed()) await release()
  await kafka.close()
})

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const post = (type: string, body: string): RequestInit => ({ method: 'POST', headers: { 'content-type': type }, body })
const csv = 'Book Id,Title,Author,My Rating\n1,One,Ada,5\n'

/** Of each operation, what is asked and what the answer's status is. `{run}` stands for a run that failed. */
const asks: Record<string, [path: string, status: number, init?: RequestInit][]> = {
  'GET /healthz': [['/healthz', 200]],
  'GET /readyz': [['/readyz', 200]],
  'GET /metrics': [['/metrics', 200]],
  'GET /docs': [['/docs', 200]],
  'GET /runbooks': [['/runbooks', 200]],
  'GET /runbooks/{name}': [
    ['/runbooks/gate-held', 200],
    ['/runbooks/..%2F..%2Fpackage', 404],
  ],
  'GET /v1': [['/v1', 200]],
  'GET /v1/status': [['/v1/status', 200]],
  'GET /v1/openapi.json': [['/v1/openapi.json', 200]],
  'GET /v1/books/{id}': [
    ['/v1/books/1', 200],
    ['/v1/books/none', 404],
  ],
  'GET /v1/books/{id}/history': [
    ['/v1/books/1/history', 200],
    ['/v1/books/none/history', 404],
  ],
  'GET /v1/books/{id}/ratings': [['/v1/books/1/ratings', 200]],
  'GET /v1/authors/{id}': [
    ['/v1/authors/a1', 200],
    ['/v1/authors/none', 404],
  ],
  'GET /v1/shelves/{id}/books': [
    ['/v1/shelves/export-ann/books', 200],
    ['/v1/shelves/none/books', 404],
  ],
  'GET /v1/shelves/{id}/stats': [
    ['/v1/shelves/export-ann/stats', 200],
    ['/v1/shelves/none/stats', 404],
  ],
  'GET /v1/shelves/{id}/by-month': [['/v1/shelves/export-ann/by-month', 200]],
  'GET /v1/shelves/{id}/by-year': [['/v1/shelves/export-ann/by-year', 200]],
  'GET /v1/shelves/{id}/stars': [['/v1/shelves/export-ann/stars', 200]],
  'GET /v1/shelves/{id}/genres': [['/v1/shelves/export-ann/genres', 200]],
  'GET /v1/versions': [['/v1/versions', 200]],
  'GET /v1/runs': [
    ['/v1/runs', 200],
    ['/v1/runs?cursor=x', 400],
  ],
  'GET /v1/runs/{id}': [
    ['/v1/runs/{run}', 200],
    ['/v1/runs/none', 404],
  ],
  'POST /v1/runs/{id}/retry': [
    ['/v1/runs/{run}/retry', 503, { method: 'POST' }],
    ['/v1/runs/none/retry', 404, { method: 'POST' }],
    ['/v1/runs/none/retry', 403, { method: 'POST', headers: { origin: 'https://evil.example' } }],
  ],
  'GET /v1/lineage/{table}/{key}': [
    ['/v1/lineage/gold.dim_book/none', 404],
    ['/v1/lineage/gold.none/1', 404],
  ],
  'GET /v1/gate': [['/v1/gate', 200]],
  'GET /v1/checks': [['/v1/checks', 200]],
  'GET /v1/checks/{id}': [['/v1/checks/none', 404]],
  'GET /v1/profiles': [['/v1/profiles', 200]],
  'GET /v1/profiles/{table}': [['/v1/profiles/none', 404]],
  'GET /v1/contracts': [['/v1/contracts', 200]],
  'GET /v1/contracts/{entity}': [
    ['/v1/contracts/books', 200],
    ['/v1/contracts/none', 404],
  ],
  'GET /v1/drift': [['/v1/drift', 200]],
  'POST /v1/sql': [
    ['/v1/sql', 200, json({ sql: 'SELECT count(*) AS books FROM gold_dim_book' })],
    ['/v1/sql?format=csv', 200, json({ sql: 'SELECT 1 AS a' })],
    ['/v1/sql?format=ndjson', 200, json({ sql: 'SELECT 1 AS a' })],
    ['/v1/sql', 400, json({ sql: 'DROP TABLE gold_dim_book' })],
    ['/v1/sql', 400, json('{')],
    ['/v1/sql?version=9', 404, json({ sql: 'SELECT 1' })],
    ['/v1/sql', 406, { ...json({ sql: 'SELECT 1' }), headers: { 'content-type': 'application/json', accept: 'image/png' } }],
    ['/v1/sql?timeout_s=1', 408, json({ sql: 'SELECT count(*) FROM range(10000000) a, range(10000000) b' })],
    ['/v1/sql?as_of=2001-01-01', 410, json({ sql: 'SELECT 1' })],
    ['/v1/sql', 413, json({ sql: `SELECT '${'x'.repeat(300_000)}'` })],
    ['/v1/sql', 415, post('text/plain', 'SELECT 1')],
    ['/v1/sql', 503, json({ sql: 'SELECT * FROM dead_letters' })],
  ],
  'GET /v1/sql/schema': [
    ['/v1/sql/schema', 200],
    ['/v1/sql/schema?version=9', 404],
    ['/v1/sql/schema?as_of=2001-01-01', 410],
  ],
  'GET /v1/events': [
    ['/v1/events', 200],
    ['/v1/events?last_event_id=x', 400],
  ],
  'GET /v1/export': [
    ['/v1/export', 200],
    ['/v1/export?format=parquet', 200],
    ['/v1/export?version=9', 404],
    ['/v1/export?as_of=2001-01-01', 410],
  ],
  'POST /v1/shelves': [
    ['/v1/shelves?name=bo', 201, post('text/csv', csv)],
    ['/v1/shelves?name=bo', 200, post('text/csv', csv)],
    ['/v1/shelves', 400, json({})],
    ['/v1/shelves', 403, { ...post('text/csv', csv), headers: { 'content-type': 'text/csv', origin: 'https://evil.example' } }],
    ['/v1/shelves', 413, json({ feed: 'x'.repeat(20_000) })],
    ['/v1/shelves', 415, post('text/plain', csv)],
  ],
  'GET /v1/shelves': [['/v1/shelves', 200]],
  'GET /v1/shelves/{id}': [
    ['/v1/shelves/export-bo', 200],
    ['/v1/shelves/none', 404],
  ],
  'DELETE /v1/shelves/{id}': [
    ['/v1/shelves/export-bo', 204, { method: 'DELETE' }],
    ['/v1/shelves/none', 404, { method: 'DELETE' }],
  ],
  'GET /v1/session': [['/v1/session', 200]],
  'POST /v1/session': [
    ['/v1/session', 401, json({ key: 'rf_none' })],
    ['/v1/session', 400, json({})],
    ['/v1/session', 413, json({ key: 'x'.repeat(2000) })],
    ['/v1/session', 415, post('application/json; charset=none', '{}')],
  ],
  'DELETE /v1/session': [['/v1/session', 200, { method: 'DELETE' }]],
  'GET /v1/topics': [['/v1/topics', 503]],
  'GET /v1/topics/{topic}': [['/v1/topics/x', 503]],
  'GET /v1/topics/{topic}/schemas': [['/v1/topics/x/schemas', 503]],
  'GET /v1/topics/{topic}/records': [
    ['/v1/topics/x/records', 503],
    ['/v1/topics/x/records?limit=0', 400],
  ],
  'GET /v1/topics/{topic}/tail': [['/v1/topics/x/tail', 503]],
  'GET /v1/groups': [['/v1/groups', 503]],
  'GET /v1/groups/{group}': [['/v1/groups/x', 503]],
  'GET /v1/dead-letters': [['/v1/dead-letters', 503]],
  'GET /v1/dead-letters/{entity}': [
    ['/v1/dead-letters/books', 503],
    ['/v1/dead-letters/none', 400],
  ],
}

/** An answer, and of a stream its beginning. */
const ask = async (of: Api, path: string, init: RequestInit = {}) => {
  const leaving = new AbortController()
  const response = await fetch(new URL(path, of.url), { ...init, signal: leaving.signal })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  const text = isStream ? 'a stream' : await response.text()
  leaving.abort()
  const isJson = /^application\/(json|problem\+json)/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}
const isOfGold = ({ responses }: { responses: object }) => '304' in responses
const filled = (path: string) => path.replaceAll(/\{\w+\}/g, 'x')

describe('every operation of the document', () => {
  it('is asked here', () => {
    const known = document.operations.map(({ method, path, operation }) =>
      isOfGold(operation) && !path.includes('{') ? null : `${method} ${path}`,
    )
    assert.deepEqual(known.filter((each) => each !== null).toSorted(), Object.keys(asks).toSorted())
  })

  it('answers as it says, and fails as it says', async () => {
    for (const [name, questions] of Object.entries(asks)) {
      const [method, path] = name.split(' ') as [string, string]
      for (const [asked, status, init] of questions) {
        const given = await ask(api, asked.replace('{run}', runId), init)
        const what = `${method} ${asked}`
        assert.equal(given.status, status, `${what}: ${JSON.stringify(given.body).slice(0, 300)}`)
        document.hold(method, path, given, what)
      }
    }
  })

  it('over Gold answers in each format, to who has it already, and of no version that there is not', async () => {
    for (const { path, operation } of document.operations.filter((each) => isOfGold(each.operation))) {
      const known = asks[`GET ${path}`]?.[0]?.[0] ?? path
      const check = async (query: string, status: number, headers: Record<string, string> = {}) => {
        const given = await ask(api, `${known}${query}`, { headers })
        assert.equal(given.status, status, `${known}${query}: ${JSON.stringify(given.body).slice(0, 300)}`)
        document.hold('GET', path, given, `${known}${query}`)
        return given
      }
      const { headers } = await check('', 200)
      await check('', 304, { 'if-none-match': headers.get('etag')! })
      for (const type of Object.keys(operation.responses[200].content)) await check('', 200, { accept: type })
      await check('?nothing=1', 400)
      await check('?version=9', 404)
      await check('?as_of=2001-01-01', 410)
      await check('', 406, { accept: 'image/png' })
    }
  })

  it('has parameters of their real types', () => {
    const typed = document.operations.flatMap(({ path, operation }) =>
      ((operation.parameters ?? []) as { name: string; schema: Record<string, unknown> }[]).map(({ name, schema }) => ({
        path,
        name,
        schema,
      })),
    )
    const of = (path: string, name: string) => typed.find((each) => each.path === path && each.name === name)?.schema
    const picked = (schema: Record<string, unknown> | undefined, ...names: string[]) => names.map((name) => schema?.[name])
    assert.deepEqual(picked(of('/v1/books', 'limit'), 'type', 'minimum', 'maximum', 'default'), ['integer', 1, 1_000_000, 50])
    assert.deepEqual(picked(of('/v1/books', 'version'), 'type', 'minimum'), ['integer', 0])
    assert.deepEqual(picked(of('/v1/books', 'genre'), 'type', 'minLength', 'maxLength'), ['string', 1, 200])
    assert.match(String(of('/v1/books', 'sort')?.['enum']), /relevance/)
    const matches = (path: string, name: string, text: string) => new RegExp(String(of(path, name)?.['pattern']), 'u').test(text)
    assert.deepEqual([matches('/v1/books', 'fields', 'title, book_id'), matches('/v1/books', 'fields', 'price')], [true, false])
    assert.deepEqual([matches('/v1/ratings', 'from', '2026-01'), matches('/v1/ratings', 'from', '2026')], [true, false])
    assert.deepEqual([matches('/v1/books', 'as_of', '2026-01-01T08:00:00+01:00'), matches('/v1/books', 'as_of', 'now')], [true, false])
    assert.deepEqual([matches('/v1/events', 'types', 'gold,run'), matches('/v1/events', 'types', 'x')], [true, false])
    for (const { path, name, schema } of typed) {
      const isTyped = ['integer', 'string', 'number', 'boolean'].includes(String(schema['type']))
      assert.ok(isTyped, `${path} ${name}: ${JSON.stringify(schema)}`)
    }
  })

  it('is not answered by another method, or under another Host', async () => {
    const paths = new Set(document.operations.map(({ path }) => path))
    for (const path of paths) {
      const { status, headers, body } = await ask(api, filled(path), { method: 'PUT' })
      assert.equal(status, 405, path)
      assert.ok(headers.get('allow'))
      // Of no operation of that path: the document has it once, for all.
      document.hold('GET', '/v1/books', { status: 404, headers, body }, path)
    }
    for (const { method, path } of document.operations) {
      const given = await new Promise<Parameters<typeof document.hold>[2]>((resolve, reject) => {
        const asking = request(
          new URL(filled(path), api.url),
          { method, headers: { host: 'evil.example' }, agent: false },
          async (response) => {
            const chunks = await response.toArray()
            const headers = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]))
            resolve({ status: response.statusCode ?? 0, headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
          },
        )
        asking.on('error', reject).end()
      })
      assert.equal(given.status, 421, path)
      document.hold(method, path, given)
    }
  })
})

describe('every operation of the document, elsewhere,', () => {
  const held = async (
    of: Api,
    status: number,
    headers: Record<string, string>,
    isMeant: (operation: { method: string; path: string }) => boolean,
  ) => {
    for (const { method, path } of document.operations.filter(isMeant)) {
      const given = await ask(of, filled(path), { method, headers })
      assert.equal(given.status, status, `${method} ${path}: ${JSON.stringify(given.body).slice(0, 300)}`)
      document.hold(method, path, given)
    }
  }
  const isGuarded = ({ path }: { path: string }) => (path === '/metrics' || path.startsWith('/v1')) && path !== '/v1/session'

  it('asks for a key, and for one that is for it', async () => {
    const closed = await start({ dataKeys: true })
    await held(closed, 401, {}, isGuarded)
    const { text } = await addKey(closed.folder, { name: 'none', scopes: [] })
    await held(closed, 403, { authorization: `Bearer ${text}` }, isGuarded)
  })

  it('is refused where more is asked than may be', async () => {
    const slow = await start({ appOptions: { requestsPerMinute: 1 } })
    await slow.get('/v1')
    await held(slow, 429, {}, ({ path }) => path.startsWith('/v1'))
  })

  it('over Gold is a 503 before there is one', async () => {
    const empty = await start()
    const isGold = ({ method, path }: { method: string; path: string }) =>
      document.operations.some((each) => each.method === method && each.path === path && isOfGold(each.operation))
    await held(empty, 503, {}, (each) => isGold(each) || each.path === '/readyz' || each.path === '/v1/export')
  })

  it('that breaks is a 500', async () => {
    const broken = await start({
      lag: () => {
        throw new Error('broken')
      },
    })
    await held(broken, 500, {}, ({ path }) => path === '/v1/status' || path === '/readyz')
  })
})
