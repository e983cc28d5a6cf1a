import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import pino from 'pino'
import { STEP_MS } from '../../../producers/sandbox/catalogue.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../../producers/sandbox/server.ts'
import { cdata, errorXml, escapeXml, goodreadsDate } from '../../../producers/sandbox/xml.ts'
import { ReadflowError } from '../../../runtime/errors.ts'

const startMs = Date.UTC(2026, 9, 1)
let nowMs = startMs
const opened: Sandbox[] = []
const open = async (options: Partial<SandboxOptions> = {}) => {
  const sandbox = await startSandbox({ seed: 11, startMs, nowMs: () => nowMs, log: pino({ level: 'silent' }), ...options })
  opened.push(sandbox)
  return sandbox
}
after(() => Promise.all(opened.map((sandbox) => sandbox.close())))

const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', isArray: (name) => name === 'review' })
const get = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers, redirect: 'manual' })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const parse = (xml: string) => {
  assert.equal(XMLValidator.validate(xml), true)
  return parser.parse(xml).GoodreadsResponse
}
const sandbox = await open()
const list = async (user: string, query: string) => parse((await get(`${sandbox.url}/review/list/${user}.xml?v=2&${query}`)).text).reviews
const recent = async () => parse((await get(`${sandbox.url}/review/recent_reviews.xml`)).text).reviews.review

test('recent reviews are a page of the newest, with reader and book', async () => {
  const reviews = await recent()
  assert.ok(reviews.length >= 100 && reviews.length <= 110)
  for (const review of reviews) assert.ok(review.user.id > 0 && review.book && Number.isInteger(review.rating))
})

test('the recent reviews change with every step and not within one', async () => {
  const before = (await get(`${sandbox.url}/review/recent_reviews.xml`)).text
  nowMs += STEP_MS - 1
  assert.equal((await get(`${sandbox.url}/review/recent_reviews.xml`)).text, before)
  nowMs += 1
  const known = new Set(parse(before).reviews.review.map(({ id }: { id: number }) => id))
  assert.ok((await recent()).filter(({ id }: { id: number }) => !known.has(id)).length >= 20)
})

test('a review list has pages of 20 by default and 200 at most, which hold each review', async () => {
  const user = (
    await Promise.all(sandbox.userIds.slice(0, 300).map(async (id) => ({ id, total: Number((await list(id, 'per_page=1'))['@total']) })))
  ).sort((a, b) => b.total - a.total)[0]!
  assert.ok(user.total > 60)
  const first = await list(user.id, '')
  assert.deepEqual([first['@start'], first['@end'], first['@total']], ['1', '20', String(user.total)])
  const whole = await list(user.id, 'per_page=9999')
  assert.equal(whole['@end'], String(Math.min(200, user.total)))
  const ids = new Set<number>()
  for (let page = 1; page <= Math.ceil(user.total / 30); page++)
    for (const { id } of (await list(user.id, `page=${page}&per_page=30`)).review) ids.add(id)
  assert.equal(ids.size, user.total)
})

test('past its end a review list says 0 to 0 with the real total', async () => {
  const { '@start': start, '@end': end, '@total': total, review } = await list(sandbox.userIds[0]!, 'page=999')
  assert.deepEqual([start, end, review], ['0', '0', undefined])
  assert.ok(Number(total) > 0)
})

test('a book has its work, ratings that add up, shelves and authors who can be asked for', async () => {
  const [{ book: embedded }] = await recent()
  const { book } = parse((await get(`${sandbox.url}/book/show/${embedded.id['#text']}.xml`)).text)
  assert.equal(book.id, embedded.id['#text'])
  const parts: string[] = book.work.rating_dist.split('|')
  const counts = parts.map((part) => Number(part.split(':')[1]))
  assert.equal(
    counts.slice(0, 5).reduce((sum, count) => sum + count, 0),
    counts[5],
  )
  assert.equal(counts[5], book.work.ratings_count['#text'])
  assert.ok(book.popular_shelves.shelf.length > 5)
  const author = [book.authors.author].flat()[0]
  const shown = parse((await get(`${sandbox.url}/author/show/${author.id}.xml`)).text).author
  assert.equal(shown.name, author.name)
  assert.equal((await get(`${sandbox.url}/book/show.xml?id=${book.id}`)).status, 200)
})

test('the counts of a book move as it is reviewed', async () => {
  const before = await recent()
  nowMs += 6 * STEP_MS
  const moved = (await recent()).map(({ book }: { book: { id: { '#text': number }; ratings_count: number } }) => book)
  const old = new Map(
    before.map(({ book }: { book: { id: { '#text': number }; ratings_count: number } }) => [book.id['#text'], book.ratings_count]),
  )
  assert.ok(
    moved.some(
      (book: { id: { '#text': number }; ratings_count: number }) =>
        old.has(book.id['#text']) && old.get(book.id['#text']) !== book.ratings_count,
    ),
  )
})

test('every answer is well-formed XML', async () => {
  const reviews = await recent()
  const lists = sandbox.userIds.slice(0, 150).map((id) => `/review/list/${id}.xml?v=2&per_page=200`)
  const books = reviews
    .map(({ book }: { book: { id: { '#text': number } } }) => book.id?.['#text'])
    .filter(Boolean)
    .map((id: number) => `/book/show/${id}.xml`)
  for (const path of [...lists, ...books]) {
    const { status, text } = await get(sandbox.url + path)
    assert.equal(status, 200)
    assert.equal(XMLValidator.validate(text), true, path)
  }
})

test('what does not exist is 404 with an error', async () => {
  for (const what of ['book', 'author']) {
    const { status, text } = await get(`${sandbox.url}/${what}/show/3.xml`)
    assert.equal(status, 404)
    assert.match(text, new RegExp(`<error>${what} not found</error>`))
  }
  assert.equal((await get(`${sandbox.url}/review/list/3.xml?v=2`)).status, 404)
  assert.equal((await get(`${sandbox.url}/nothing`)).status, 404)
})

test('a wrong or missing key is 401 in HTML where a key is required', async () => {
  const { url } = await open({ apiKey: 'right' })
  for (const query of ['', '?key=wrong']) {
    const { status, headers, text } = await get(`${url}/review/recent_reviews.xml${query}`)
    assert.deepEqual([status, text], [401, 'Invalid API key.'])
    assert.match(headers.get('content-type')!, /text\/html/)
  }
  assert.equal((await get(`${url}/review/recent_reviews.xml?key=right`)).status, 200)
})

test('a fault can be asked for by query and by header', async () => {
  const path = `${sandbox.url}/review/recent_reviews.xml`
  const limited = await get(`${path}?fault=429`)
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '1'])
  assert.equal((await get(path, { 'x-sandbox-fault': '503' })).status, 503)
  assert.deepEqual([(await get(`${path}?fault=406`)).text, (await get(`${path}?fault=301`)).status], ['', 301])
  assert.notEqual(XMLValidator.validate((await get(`${path}?fault=truncated`)).text), true)
  assert.match((await get(`${path}?fault=html`)).headers.get('content-type')!, /html/)
})

test('faults come by their share, the same for the same seed', async () => {
  const statuses = async () => {
    const { url } = await open({ faults: { status429Share: 0.3, status5xxShare: 0.2, retryAfterSeconds: 3 } })
    const seen: number[] = []
    for (let i = 0; i < 60; i++) seen.push((await get(`${url}/book/show/3.xml`)).status)
    return seen
  }
  const seen = await statuses()
  assert.deepEqual(new Set(seen), new Set([404, 429, 500, 503]))
  assert.deepEqual(await statuses(), seen)
})

test('a port that is taken is one clear error', async () => {
  const port = Number(new URL(sandbox.url).port)
  await assert.rejects(open({ port }), (error) => error instanceof ReadflowError && error.code === 'port-taken' && error.hint !== undefined)
})

test('text is escaped, end marks in CDATA are split, dates carry their zone', () => {
  assert.equal(escapeXml('a<b & "c"'), 'a&lt;b &amp; &quot;c&quot;')
  assert.deepEqual(parser.parse(`<a>${cdata('x]]>y')}</a>`), { a: 'x]]>y' })
  assert.equal(XMLValidator.validate(errorXml('<&>')), true)
  assert.equal(goodreadsDate(Date.UTC(2020, 1, 20, 2, 36, 17)), 'Wed Feb 19 18:36:17 -0800 2020')
  assert.equal(goodreadsDate(Date.UTC(2011, 4, 6, 23, 15, 12)), 'Fri May 06 16:15:12 -0700 2011')
  assert.equal(goodreadsDate(null), '')
})
