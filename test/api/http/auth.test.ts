import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { scopeOf } from '../../../api/http/auth.ts'
import { addKey, readKeys, revokeKey } from '../../../api/keys/store.ts'
import { until } from '../../helpers/up.ts'
import { startApi } from '../helpers/api.ts'
import { book, publishGold } from '../helpers/gold-lake.ts'

const json = { 'content-type': 'application/json' }

test('where keys are asked for, each route wants one of its scope, and health and the page none', async (t) => {
  const api = await startApi(t, { dataKeys: true })
  await publishGold(api.store, { dim_book: [book('1')] })
  await api.gold.refresh()
  const reader = await addKey(api.folder, { name: 'dashboard', scopes: ['read'] })
  const analyst = await addKey(api.folder, { name: 'analyst', scopes: ['read', 'sql'] })
  const as = (text: string) => ({ headers: { authorization: `Bearer ${text}` } })

  for (const route of ['/healthz', '/readyz', '/', '/docs']) assert.ok([200, 503].includes((await api.get(route)).status), route)
  for (const route of [
    '/v1/books',
    '/V1/books',
    '/v1/books/',
    '/v1',
    '/v1/status',
    '/metrics',
    '/v1/openapi.json',
    '/v1/export',
    '/v1/events',
  ]) {
    const { status, headers, body } = await api.get(route)
    assert.equal(status, 401, route)
    assert.match(headers.get('www-authenticate') ?? '', /^Bearer/)
    assert.match(body.detail, /readflow keys add/)
  }
  assert.equal((await api.get('/v1/books', as(reader.text))).status, 200)
  assert.equal((await api.get('/v1/books', { headers: { 'x-api-key': reader.text } })).status, 200)
  for (const wrong of [`${reader.text}x`, reader.text.slice(0, -1), `rf_${reader.key.id}_${'A'.repeat(43)}`, 'rf_', "' OR 1=1"]) {
    assert.equal((await api.get('/v1/books', as(wrong))).status, 401, wrong)
  }
  const sql = (text: string, route = '/v1/sql') =>
    api.get(route, {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${text}` },
      body: JSON.stringify({ sql: 'SELECT 1 AS a' }),
    })
  for (const route of ['/v1/sql', '/V1/SQL', '/v1/sql/']) {
    assert.equal((await sql(reader.text, route)).status, 403, route)
    assert.ok([200, 404].includes((await sql(analyst.text, route)).status))
  }
})

test('a key that was taken back is refused within a second or so', async (t) => {
  const api = await startApi(t, { dataKeys: true })
  const { key, text } = await addKey(api.folder, { name: 'x', scopes: ['read'] })
  const ask = async () => (await api.get('/v1/status', { headers: { authorization: `Bearer ${text}` } })).status
  assert.equal(await ask(), 200)
  await revokeKey(api.folder, key.id)
  await new Promise((resolve) => setTimeout(resolve, 1100))
  assert.equal(await ask(), 401)
})

test('a stream ends soon after its key was taken back, and no other', async (t) => {
  const api = await startApi(t, { dataKeys: true })
  await publishGold(api.store, {})
  await api.gold.refresh()
  const [first, second] = [
    await addKey(api.folder, { name: 'a', scopes: ['read'] }),
    await addKey(api.folder, { name: 'b', scopes: ['read'] }),
  ]
  const leaving = new AbortController()
  t.after(() => leaving.abort())
  const listen = async (text: string) => {
    const { status, body } = await fetch(new URL('/v1/events', api.url), {
      headers: { authorization: `Bearer ${text}` },
      signal: leaving.signal,
    })
    assert.equal(status, 200)
    return { ended: body!.pipeTo(new WritableStream()) }
  }
  const [one, other] = [await listen(first.text), await listen(second.text)]
  other.ended.catch(() => undefined)
  await revokeKey(api.folder, first.key.id)
  await one.ended
  assert.equal(api.streams.size(), 1)
})

test('of a key nothing is kept that it could be made of, and only its owner may read the file', async (t) => {
  const api = await startApi(t)
  const { text } = await addKey(api.folder, { name: 'x', scopes: ['read'] })
  const secret = text.split('_').slice(2).join('_')
  assert.ok(!JSON.stringify(await readKeys(api.folder)).includes(secret))
  assert.equal((await stat(path.join(api.folder, 'api-keys.json'))).mode & 0o777, 0o600)
})

test('keys that are made and taken back at once are all kept so', async (t) => {
  const api = await startApi(t)
  const made = await Promise.all(Array.from({ length: 8 }, (_, index) => addKey(api.folder, { name: String(index), scopes: ['read'] })))
  await Promise.all([
    ...made.map(({ key }) => revokeKey(api.folder, key.id)),
    ...Array.from({ length: 8 }, (_, index) => addKey(api.folder, { name: `more ${index}`, scopes: ['read'] })),
  ])
  const keys = await readKeys(api.folder)
  assert.deepEqual([keys.length, keys.filter(({ revoked_at }) => revoked_at !== null).length], [16, 8])
})

test('a browser signs in with a key and is kept by a cookie that no script and no other site has', async (t) => {
  const api = await startApi(t, { dataKeys: true })
  const { text } = await addKey(api.folder, { name: 'me', scopes: ['read'] })
  const signIn = (key: string, headers = {}) =>
    api.get('/v1/session', { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify({ key }) })
  assert.equal((await signIn('rf_nope')).status, 401)
  assert.equal((await signIn(text, { 'sec-fetch-site': 'cross-site' })).status, 403)
  const { headers } = await signIn(text)
  const cookie = headers.get('set-cookie') ?? ''
  assert.match(cookie, /HttpOnly; SameSite=Strict/)
  const signedIn = { headers: { cookie: cookie.split(';')[0]! } }
  assert.equal((await api.get('/v1/status', signedIn)).status, 200)
  const { id, ...of } = (await api.get('/v1/session', signedIn)).body.key
  assert.deepEqual(of, { name: 'me', scopes: ['read'] })
  assert.deepEqual((await api.get('/v1/session')).body, { asks_for_keys: true, signed_in: false, key: null })
  const { headers: left } = await api.get('/v1/session', { method: 'DELETE', ...signedIn })
  assert.match(left.get('set-cookie') ?? '', /^readflow_key=;.*Max-Age=0/)
  await revokeKey(api.folder, id)
  await until('the revoked key to be none', async () => !(await api.get('/v1/session', signedIn)).body.signed_in)
})

test('what changes something comes from the page itself, or from no page', async (t) => {
  const api = await startApi(t)
  const change = async (headers: Record<string, string>) => (await api.get('/v1/anything', { method: 'POST', headers })).status
  assert.equal(await change({}), 404)
  assert.equal(await change({ 'sec-fetch-site': 'same-origin' }), 404)
  assert.equal(await change({ origin: new URL(api.url).origin }), 404)
  assert.equal(await change({ origin: 'https://evil.example' }), 403)
  assert.equal(await change({ origin: 'null' }), 403)
  assert.equal(await change({ 'sec-fetch-site': 'cross-site' }), 403)
  assert.equal(await change({ 'sec-fetch-site': 'same-site', origin: new URL(api.url).origin }), 403)
})

test('every route of the API has a scope', () => {
  const at = (method: string, route: string) => scopeOf({ method, path: route })
  assert.deepEqual(
    [at('GET', '/v1/books'), at('POST', '/v1/sql'), at('GET', '/v1/sql/schema'), at('GET', '/v1/export'), at('DELETE', '/v1/shelves/x')],
    ['read', 'sql', 'sql', 'sql', 'write'],
  )
  assert.deepEqual([at('GET', '/'), at('GET', '/healthz'), at('GET', '/assets/app.js')], [null, null, null])
})

test('CORS is off unless an origin is named, and then is for that one', async (t) => {
  const closed = await startApi(t)
  const origin = 'https://board.example'
  assert.equal((await closed.get('/v1/status', { headers: { origin } })).headers.get('access-control-allow-origin'), null)
  const open = await startApi(t, { appOptions: { corsOrigins: [origin] } })
  assert.equal((await open.get('/v1/status', { headers: { origin } })).headers.get('access-control-allow-origin'), origin)
  assert.equal(
    (await open.get('/v1/status', { headers: { origin: 'https://other.example' } })).headers.get('access-control-allow-origin'),
    null,
  )
})

test('more requests than a minute may have are refused, with how many are left said before', async (t) => {
  const api = await startApi(t, { appOptions: { requestsPerMinute: 3 } })
  const answers = []
  for (let count = 0; count < 4; count++) answers.push(await api.get('/v1/status'))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 429],
  )
  assert.match(answers[0]?.headers.get('ratelimit') ?? '', /r=2/)
  assert.match(answers[0]?.headers.get('ratelimit-policy') ?? '', /q=3/)
  assert.ok(Number(answers[3]?.headers.get('retry-after')) > 0)
  assert.equal((await api.get('/healthz')).status, 200)
})
