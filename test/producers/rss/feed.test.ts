import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { parseShelfAddress } from '../../../lineage/shelves/address.ts'
import { startSandbox } from '../../../producers/sandbox/server.ts'
import { type FeedSourceOptions, openFeed } from '../../../producers/sources/rss/feed.ts'
import type { Position, SourceBatch } from '../../../producers/sources/source.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import type { Records } from '../../../schemas/records.ts'

const KEY = 'S3cretKey-of-a-private_shelf'
const startMs = Date.UTC(2026, 9, 1)
const lines: string[] = []
const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
const quick = { requestTimeoutMs: 2000, minIntervalMs: 0, firstDelayMs: 1, maxAttempts: 2, log }

const item = (id: number, more = '') => `<item><guid><![CDATA[https://www.goodreads.com/review/show/${id}?utm_medium=api]]></guid>
<title><![CDATA[Tides & <i>more</i>]]></title><book_id>${id + 1000}</book_id><book id="${id + 1000}"><num_pages>210</num_pages></book>
<author_name>Ann   Author</author_name><isbn>0465023932</isbn><user_name>Reader</user_name><user_rating>4</user_rating>
<user_read_at><![CDATA[Mon, 06 Mar 2017 12:02:40 -0800]]></user_read_at><user_date_added><![CDATA[Tue, 7 Mar 2017 00:00:00 +0000]]></user_date_added>
<user_shelves></user_shelves><user_review><![CDATA[Good.<br/>Very.]]></user_review><average_rating>3.9</average_rating><book_published>-750</book_published>${more}</item>`
const feed = (...items: string[]) =>
  `<?xml version="1.0"?><rss version="2.0"><channel><title>x</title><ttl>60</ttl>${items.join('')}</channel></rss>`

interface Answer {
  status?: number
  type?: string
  headers?: Record<string, string>
  body?: string
}
/** A server that answers page by page; `asked` are the paths with their headers. */
const serve = async (t: TestContext, answer: (page: number, request: IncomingMessage, origin: string) => Answer) => {
  const asked: { url: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    asked.push({ url: request.url ?? '', headers: request.headers })
    const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page'))
    const { status = 200, type = 'application/rss+xml', headers, body = '' } = answer(page, request, url)
    response.writeHead(status, { 'content-type': type, ...headers }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked }
}

const poll = async (options: Partial<FeedSourceOptions> & { sandboxUrl: string }, position: Position | null = null, nowMs = startMs) => {
  const source = openFeed({ address: `5?shelf=read&key=${KEY}`, ...quick, ...options })
  const batches: SourceBatch[] = []
  const failure = await (async () => {
    for await (const batch of source.poll(position, { pollId: 'p', signal: new AbortController().signal, log, nowMs: () => nowMs }))
      batches.push(batch)
    return null
  })().catch((error: unknown) => error)
  const of = <N extends keyof Records>(entity: N) =>
    batches.flatMap(({ records }) => records.filter((record) => record.entity === entity).map(({ value }) => value as Records[N]))
  return { source, batches, failure, of, position: batches.at(-1)?.position ?? null }
}
const isRefusal = (error: unknown, code: string, message: RegExp) => {
  assert.ok(error instanceof ReadflowError, String(error))
  assert.equal(error.code, code)
  assert.match(`${error.message} ${error.hint ?? ''}`, message)
  assert.doesNotMatch(`${error.message} ${error.hint ?? ''}`, /S3cret/)
}

test('an address is taken as people paste it, and only of GoodReads', () => {
  for (const [text, expected] of [
    ['123', { userId: '123', shelf: null, key: null }],
    ['123-ann?shelf=to-read', { userId: '123', shelf: 'to-read', key: null }],
    [`https://www.goodreads.com/review/list_rss/123?key=${KEY}&shelf=%23ALL%23`, { userId: '123', shelf: '#ALL#', key: KEY }],
    ['http://goodreads.com/review/list/123-ann-b?shelf=read&page=2', { userId: '123', shelf: 'read', key: null }],
    ['www.goodreads.com/user/show/123-ann', { userId: '123', shelf: null, key: null }],
  ] as const)
    assert.deepEqual(parseShelfAddress(text), expected)
  for (const text of [
    '',
    'ann',
    'https://www.goodreads.com.evil.example/review/list_rss/1',
    'https://evil.example/review/list_rss/1?x=www.goodreads.com',
    'https://www.goodreads.com@evil.example/review/list_rss/1',
    'https://user:word@www.goodreads.com/review/list_rss/1',
    'https://www.goodreads.com:8443/review/list_rss/1',
    'http://127.0.0.1/review/list_rss/1',
    'file:///review/list_rss/1',
    'https://www.goodreads.com/book/show/1',
    'https://www.goodreads.com/review/list_rss/1/../../../x',
    '1?key=short',
  ])
    assert.throws(() => parseShelfAddress(text), { code: 'config' }, text)
})

test('an item is a book, its author by name, a review and a rating', async (t) => {
  const { url } = await serve(t, (page) => ({ body: page === 1 ? feed(item(1), item(2, '<new_thing>7</new_thing>')) : feed() }))
  const { of, failure, source } = await poll({ sandboxUrl: url })
  assert.equal(failure, null)
  assert.equal(source.id, 'goodreads-rss:5?shelf=read')
  const [book] = of('books')
  assert.deepEqual([book?.book_id, book?.title, book?.num_pages, book?.isbn], ['1001', 'Tides & <i>more</i>', 210, '0465023932'])
  assert.deepEqual([book?.average_rating, book?.original_publication_year], [3.9, -750])
  assert.deepEqual(book?.authors, [{ author_id: 'name:ann-author', name: 'Ann Author', role: null }])
  const [review, second] = of('reviews')
  assert.deepEqual([review?.review_id, review?.user_id, review?.user_name, review?.rating], ['1', '5', 'Reader', 4])
  assert.deepEqual([review?.read_at, review?.date_added], [Date.UTC(2017, 2, 6, 20, 2, 40), Date.UTC(2017, 2, 7)])
  assert.deepEqual([review?.shelves, review?.body, review?.url], [['read'], 'Good.<br/>Very.', 'https://www.goodreads.com/review/show/1'])
  assert.deepEqual([review?.extra, second?.extra], [{}, { new_thing: '7' }])
  assert.deepEqual(of('ratings')[0], { user_id: '5', book_id: '1001', rating: 4, rated_at: null, review_id: '1', extra: {} })
})

test('the sandbox serves whole shelves; unchanged pages are asked for by their ETag, and not before the feed allows it', async (t) => {
  const sandbox = await startSandbox({ seed: 11, startMs, nowMs: () => startMs, log: pino({ level: 'silent' }), feedKey: KEY })
  t.after(() => sandbox.close())
  const options = { sandboxUrl: sandbox.url, address: `${sandbox.userIds[3]}?key=${KEY}` }
  const first = await poll(options)
  assert.equal(first.failure, null)
  const ids = new Set(first.of('reviews').map(({ review_id }) => review_id))
  assert.ok(ids.size > 0 && ids.size === first.of('reviews').length)
  const listed = await (await fetch(`${sandbox.url}/review/list/${sandbox.userIds[3]}.xml?v=2&per_page=200`)).text()
  assert.ok(ids.size >= Math.min(200, Number(/total="(\d+)"/.exec(listed)?.[1])) - 2)

  assert.deepEqual((await poll(options, first.position, startMs + 59 * 60_000)).batches, [])
  const again = await poll(options, first.position, startMs + 61 * 60_000)
  assert.deepEqual(new Set(again.of('raw').map(({ status }) => status)), new Set([304]))
  assert.deepEqual(again.of('reviews'), [])
  isRefusal((await poll({ ...options, address: sandbox.userIds[3]! })).failure, 'source-refused', /is private/)
  isRefusal((await poll({ ...options, address: `7?key=${KEY}` })).failure, 'source-refused', /is not there \(404\)/)
})

test('pages are read to an empty one, whatever each holds', async (t) => {
  const sizes = [3, 1, 5, 0, 4]
  const { url, asked } = await serve(t, (page) => ({
    body: feed(...Array.from({ length: sizes[page - 1] ?? 0 }, (_, i) => item(page * 10 + i))),
  }))
  assert.equal((await poll({ sandboxUrl: url })).of('books').length, 9)
  assert.equal(asked.length, 4)
})

test('the key is sent, and is in no position, raw answer or log line', async (t) => {
  const { url, asked } = await serve(t, (page) => ({
    body: feed(page === 1 ? `${item(1)}<link>https://www.goodreads.com/review/list_rss/5?key=${KEY}</link>` : ''),
    headers: { 'x-self': `/review/list_rss/5?key=${KEY}`, etag: '"e"' },
  }))
  lines.length = 0
  const { batches } = await poll({ sandboxUrl: url })
  assert.match(asked[0]!.url, /key=S3cret/)
  assert.match(asked[0]!.headers['user-agent'] ?? '', /^readflow/)
  const kept = batches.map(({ records, position }) => [
    position,
    records.map(({ value }) => ('body' in value && value.body instanceof Uint8Array ? [value, Buffer.from(value.body).toString()] : value)),
  ])
  assert.doesNotMatch(JSON.stringify([kept, lines]), /S3cret/)
})

test('a feed that never ends is left', async (t) => {
  const same = await serve(t, () => ({ body: feed(item(1), item(2)) }))
  const repeated = await poll({ sandboxUrl: same.url })
  assert.deepEqual([repeated.failure, repeated.of('books').length, same.asked.length], [null, 2, 2])
  const growing = await serve(t, (page) => ({ body: feed(item(page)) }))
  const endless = await poll({ sandboxUrl: growing.url, maxPages: 5 })
  isRefusal(endless.failure, 'source-invalid', /has no end: 5 pages were read/)
  assert.equal(endless.of('books').length, 5)
  assert.equal(endless.position?.['nextPage'], 1)
})

test('what is no feed, or a private one, is one clear error', async (t) => {
  for (const [answer, code, message] of [
    [
      { type: 'text/html', body: '<!DOCTYPE html><html>Sign in</html>' },
      'source-refused',
      /a web page instead of a feed, as a private shelf does/,
    ],
    [{ body: '<html><body/></html>' }, 'source-refused', /a web page instead of a feed/],
    [{ status: 302, headers: { location: `/user/sign_in?key=${KEY}` } }, 'source-refused', /is private, .* RSS link/],
    [
      { status: 302, headers: { location: `https://evil.example/${KEY}/review/list_rss/5` } },
      'source-refused',
      /sent away \(302 to https:\/\/evil/,
    ],
    [{ status: 301, headers: { location: 'http://169.254.169.254/review/list_rss/5' } }, 'source-refused', /is not followed there/],
    [{ status: 301, headers: { location: '/review/list_rss/5?shelf=read' } }, 'source-refused', /redirected more than 3 times/],
    [{ status: 403, body: 'no' }, 'source-refused', /is private/],
    [{ status: 503 }, 'source-unavailable', /could not be had: it answered 503/],
    [{ body: feed(item(1)).slice(0, 300) }, 'source-invalid', /XML that is broken/],
    [{ body: '<?xml version="1.0"?><GoodreadsResponse/>' }, 'source-invalid', /no feed: its root is <GoodreadsResponse>/],
    [{ body: '' }, 'source-invalid', /answered nothing/],
    [{ body: '<!DOCTYPE rss [<!ENTITY a "b">]><rss><channel>&a;</channel></rss>' }, 'source-invalid', /document type, which is refused/],
  ] as [Answer, string, RegExp][]) {
    const { url } = await serve(t, () => answer)
    const { failure, of } = await poll({ sandboxUrl: url })
    isRefusal(failure, code, message)
    assert.ok(of('raw').length > 0, 'what was answered is kept')
  }
})

test('only GoodReads is asked, over https, and a redirect within it is followed', async () => {
  const asked: string[] = []
  const fetchOf = (answers: Response[]) =>
    (async (url: string) => {
      asked.push(url)
      return answers.shift() ?? new Response(feed(), { headers: { 'content-type': 'text/xml' } })
    }) as unknown as typeof fetch
  const redirect = (location: string) => new Response(null, { status: 301, headers: { location } })
  const read = async (address: string, answers: Response[]) => {
    asked.length = 0
    const source = openFeed({ address, ...quick, fetch: fetchOf(answers) })
    for await (const _ of source.poll(null, { pollId: 'p', signal: new AbortController().signal, log, nowMs: () => startMs }));
  }
  await read('http://goodreads.com/review/list/5-x?shelf=read', [redirect('https://goodreads.com/review/list_rss/5?shelf=read&page=1')])
  assert.deepEqual(asked, [
    'https://www.goodreads.com/review/list_rss/5?shelf=read&page=1',
    'https://goodreads.com/review/list_rss/5?shelf=read&page=1',
  ])
  await assert.rejects(read('5', [redirect('http://www.goodreads.com/review/list_rss/5')]), { code: 'source-refused' })
  await assert.rejects(read('5', [redirect('https://www.goodreads.com.example/review/list_rss/5')]), { code: 'source-refused' })
  assert.equal(asked.length, 1)
})

test('a read that broke off goes on at its page, and a source that has answered before is only away', async (t) => {
  let isDown = true
  const { url, asked } = await serve(t, (page) =>
    page === 2 && isDown ? { body: '<rss>' } : { body: page <= 3 ? feed(item(page)) : feed() },
  )
  const broken = await poll({ sandboxUrl: url })
  isRefusal(broken.failure, 'source-invalid', /page 2, answered XML that is broken/)
  isDown = false
  asked.length = 0
  const rest = await poll({ sandboxUrl: url }, broken.position)
  assert.equal(rest.failure, null)
  assert.deepEqual(
    asked.map((each) => /page=(\d)/.exec(each.url)?.[1]),
    ['2', '3', '4'],
  )
  isDown = true
  const later = await poll({ sandboxUrl: url }, rest.position, startMs + 3_600_000)
  isRefusal(later.failure, 'source-unavailable', /page 2, answered XML that is broken/)
})

test('a character that XML forbids, or an entity of HTML, costs no page', async (t) => {
  const odd = item(1, '<user_name>A\u000b&nbsp;B &bogus; &#11;&amp; C & D</user_name>').replace('Good.<br/>', 'Go\u000bod&nbsp;')
  const server = await serve(t, (page) => ({ body: page === 1 ? feed(odd, item(2)) : page === 2 ? feed(item(3)) : feed() }))
  const { of, failure } = await poll({ sandboxUrl: server.url })
  assert.equal(failure, null)
  assert.deepEqual(
    of('reviews').map(({ review_id }) => review_id),
    ['1', '2', '3'],
  )
  assert.equal(of('reviews')[0]?.body, 'Go od&nbsp;Very.', 'what is HTML in CDATA stays as it is')
})

test('a feed that a person adds again is read at once, and whole', async (t) => {
  const server = await serve(t, (page) => ({ headers: { etag: `"${page}"` }, body: page === 1 ? feed(item(1)) : feed() }))
  const first = await poll({ sandboxUrl: server.url, revision: 'a' })
  assert.equal((await poll({ sandboxUrl: server.url, revision: 'a' }, first.position)).batches.length, 0, 'the feed asks for an hour')
  const again = await poll({ sandboxUrl: server.url, revision: 'b' }, first.position)
  assert.equal(again.of('reviews').length, 1)
  assert.equal(server.asked.at(-1)?.headers['if-none-match'], undefined)
})
