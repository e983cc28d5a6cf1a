import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createGoodreadsClient, type GoodreadsClientOptions, type RawAnswer } from '../../../producers/sources/goodreads/client.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { document, keepingLog, type Reply, serve } from './server.ts'

const KEY = 'S3cretKey/With+Signs'

const open = async (t: TestContext, answer: (path: string) => Reply | string, options: Partial<GoodreadsClientOptions> = {}) => {
  const { url, asked } = await serve(t, answer)
  const raws: RawAnswer[] = []
  const { log, lines } = keepingLog()
  const client = createGoodreadsClient({ baseUrl: url, apiKey: KEY, minIntervalMs: 0, firstDelayMs: 1, maxDelayMs: 2, log, ...options })
  const call = { signal: new AbortController().signal, onRaw: (raw: RawAnswer) => void raws.push(raw) }
  return { client, call, raws, asked, lines, url }
}
const textOf = ({ body }: RawAnswer) => Buffer.from(body).toString()
const fails =
  (code: string, pattern: RegExp, hint = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof ReadflowError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, pattern)
    assert.match(error.hint ?? '-', hint)
    assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack}`, /S3cretKey/)
    return true
  }

test('the methods ask for what they are named after', async (t) => {
  const { client, call, asked } = await open(t, () => document('<book><id>7</id></book>'), { apiKey: undefined })
  await client.recentReviews(call)
  const book = await client.bookShow('7', call)
  await client.authorShow('../8', call)
  await client.reviewList('9', { page: 2, perPage: 200 }, call)
  assert.deepEqual(asked, [
    '/review/recent_reviews.xml',
    '/book/show/7.xml',
    '/author/show/..%2F8.xml',
    '/review/list/9.xml?v=2&page=2&per_page=200&sort=date_updated&order=d',
  ])
  assert.equal(book?.parsed.books[0]?.value.book_id, '7')
})

test('a raw answer keeps the bytes, the status and the headers, and its id is that of the records', async (t) => {
  const body = document('<author><id>8</id><name>é</name></author>')
  const { client, call, raws, url } = await open(t, () => ({ body, headers: { 'X-Note': 'a' } }))
  const answer = await client.authorShow('8', call)
  const [raw] = raws
  assert.equal(raws.length, 1)
  assert.deepEqual(
    {
      method: raw?.method,
      url: raw?.url,
      status: raw?.status,
      type: raw?.content_type,
      note: raw?.headers['x-note'],
      body: textOf(raw!),
      id: raw?.request_id,
    },
    {
      method: 'author.show',
      url: `${url}/author/show/8.xml`,
      status: 200,
      type: 'application/xml',
      note: 'a',
      body,
      id: answer?.requestId,
    },
  )
})

test('the key is sent, and is in no raw answer: not in its URL, body, headers or redirects', async (t) => {
  const encoded = encodeURIComponent(KEY)
  const { client, call, raws, asked, lines } = await open(t, () => ({
    body: `<GoodreadsResponse><Request><key><![CDATA[${KEY}]]></key></Request><a>${KEY}</a><b>?key=${encoded}</b></GoodreadsResponse>`,
    headers: { location: `/x?key=${encoded}`, 'set-cookie': 'session=abc' },
  }))
  await client.bookShow('7', call)
  assert.match(asked[0]!, new RegExp(`key=${encoded}`))
  assert.equal(
    textOf(raws[0]!),
    '<GoodreadsResponse><Request><key><![CDATA[REDACTED]]></key></Request><a>REDACTED</a><b>?key=REDACTED</b></GoodreadsResponse>',
  )
  assert.doesNotMatch(JSON.stringify([raws[0]?.url, raws[0]?.headers, lines]), /S3cretKey|session=abc/)
})

test('a short key is cut out of its own element only', async (t) => {
  const { client, call, raws } = await open(t, () => '<GoodreadsResponse><Request><key>ab</key></Request><a>abab</a></GoodreadsResponse>', {
    apiKey: 'ab',
  })
  await client.bookShow('7', call)
  assert.equal(textOf(raws[0]!), '<GoodreadsResponse><Request><key>REDACTED</key></Request><a>abab</a></GoodreadsResponse>')
})

test('401 in HTML is a refusal that names the variable of the key', async (t) => {
  const { client, call, raws } = await open(t, () => ({ status: 401, type: 'text/html', body: `<p>Invalid API key.</p><i>${KEY}</i>` }))
  await assert.rejects(
    client.bookShow('7', call),
    fails('source-refused', /book\.show was refused \(401: Invalid API key/, /GOODREADS_API_KEY/),
  )
  assert.deepEqual(
    raws.map(({ status }) => status),
    [401],
  )
})

test('301 to HTML is a refusal, and is not followed', async (t) => {
  const { client, call, asked, raws } = await open(t, () => ({
    status: 301,
    type: 'text/html',
    headers: { location: `https://example.org/user/sign_in?key=${encodeURIComponent(KEY)}` },
  }))
  await assert.rejects(client.recentReviews(call), fails('source-refused', /sent away \(301 to \/user\/sign_in\)/, /GOODREADS_API_KEY/))
  assert.deepEqual([asked.length, raws.length], [1, 1])
})

test('404 with an error is nothing, and no failure', async (t) => {
  const { client, call, raws } = await open(t, () => ({ status: 404, body: '<error>book not found</error>' }))
  assert.equal(await client.bookShow('7', call), null)
  assert.equal(raws[0]?.status, 404)
})

test('406 with an empty body is one clear line', async (t) => {
  const { client, call, raws } = await open(t, () => ({ status: 406, body: '' }))
  await assert.rejects(client.bookShow('7', call), fails('source-invalid', /^book\.show answered 406 with an empty body\.$/, /-/))
  assert.equal(raws[0]?.body.length, 0)
})

test('HTML and truncated XML with status 200 are invalid, and are kept', async (t) => {
  for (const [body, pattern] of [
    ['<!DOCTYPE html><html></html>', /HTML instead of XML/],
    [document('<book>').slice(0, -9), /broken at line 2/],
  ] as const) {
    const { client, call, raws } = await open(t, () => body)
    await assert.rejects(client.bookShow('7', call), fails('source-invalid', pattern))
    assert.equal(textOf(raws[0]!), body)
  }
})

test('every attempt leaves a raw answer', async (t) => {
  let nth = 0
  const { client, call, raws } = await open(t, () => (++nth < 3 ? { status: 503, body: 'later' } : document('')))
  await client.bookShow('7', call)
  assert.deepEqual(
    raws.map(({ status }) => status),
    [503, 503, 200],
  )
})

test('each method is asked once an interval, attempts that are repeated included, methods do not wait for each other, and a clock that is set back holds none', async (t) => {
  let elapsedMs = 0
  let wallMs = 1_000_000
  const waits: number[] = []
  const sleep = async (delayMs: number) => {
    waits.push(delayMs)
    elapsedMs += delayMs
    wallMs -= 600_000
  }
  let nth = 0
  const { client, call } = await open(t, () => (++nth === 2 ? { status: 503 } : document('')), {
    minIntervalMs: 1000,
    nowMs: () => wallMs,
    monotonicMs: () => elapsedMs,
    sleep,
  })
  await client.bookShow('1', call)
  assert.deepEqual(waits, [])
  await client.bookShow('2', call)
  assert.deepEqual(waits, [1000, 1000])
  await client.authorShow('3', call)
  assert.equal(waits.length, 2)
})

test('an address that is none, or that holds a password, is a fault of the configuration', () => {
  for (const baseUrl of ['goodreads', 'ftp://example.org', 'https://me:S3cretKey@example.org']) {
    assert.throws(() => createGoodreadsClient({ baseUrl, log: keepingLog().log }), fails('config', /not a plain http\(s\) URL/))
  }
})
