import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { startTestPipeline, type TestPipeline } from '../helpers/pipeline.ts'
import { stackSkip } from '../helpers/stack.ts'
import { readRows } from '../helpers/tables.ts'
import { lastJson, readflow } from '../helpers/up.ts'

const skip = await stackSkip()
let pipeline: TestPipeline
let common: string[]

const xml = (title: string) =>
  Buffer.from(`<?xml version="1.0"?><GoodreadsResponse><Request><method>book_show</method></Request>
    <book><id>77</id><title>${title}</title><authors><author><id>5</id><name>A B</name></author></authors></book></GoodreadsResponse>`)
/** A review as a list has it, whose body each list cuts elsewhere. */
const reviewXml = (id: string, body: string) =>
  Buffer.from(`<?xml version="1.0"?><GoodreadsResponse><Request><method>review_list</method></Request>
    <reviews start="1" end="1" total="1"><review><id>${id}</id><user><id>9</id><name>R</name></user><book><id>77</id><title>T</title></book>
    <rating>4</rating><date_added>Mon Nov 23 08:00:00 +0000 2026</date_added>
    <date_updated>Mon Nov 23 09:00:00 +0000 2026</date_updated><body>${body}</body></review></reviews></GoodreadsResponse>`)
const run = async (name: string, ...args: string[]) => lastJson(await readflow([name, ...args, ...common]))
const consume = () => run('consume', '--once')
const titles = async () =>
  (await readRows(pipeline.lakeUrl, 'silver/books', ['_key', 'title', '_order']))
    .filter(({ _key }) => _key === '77')
    .sort((a, b) => Number(a['_order']) - Number(b['_order']))
    .map(({ title }) => title)

before(async () => {
  if (skip) return
  pipeline = await startTestPipeline()
  const { stack, lakeUrl } = pipeline
  common = ['--brokers', stack.brokers.join(','), '--registry', stack.registryUrl, '--lake', lakeUrl, '--data', stack.dataDir]
})
after(() => pipeline?.close())

test('what was published as it is now is left alone; what the parser now reads otherwise is mended, before what came later', {
  skip,
}, async () => {
  // A book whose title an older parser got wrong, and a later version of it.
  const raw = {
    request_id: 'r-77',
    ...{ poll_id: 'p-77', source: 'goodreads-api', method: 'book.show', url: 'https://x/book/show/77.xml', status: 200, headers: {} },
    ...{ content_type: 'application/xml', body: xml('Right'), requested_at: Date.now(), duration_ms: 1 },
  }
  const encoded = async (name: 'raw' | 'books' | 'reviews' | 'ratings', value: unknown) =>
    frameAvro(
      await pipeline.registry.register(catalogue[name].subject, catalogue[name].schema),
      compileAvro(catalogue[name].schema).encode(value),
    )
  const { parseResponse } = await import('../../producers/sources/goodreads/parse/response.ts')
  const book = (title: string) => parseResponse({ method: 'book.show', status: 200, contentType: null, body: xml(title) }).books[0]!.value
  const headersOf = (request: string) => ({
    'readflow.source': 'goodreads-api',
    'readflow.poll-id': 'p-77',
    'readflow.request-id': request,
  })
  const publish = async (title: string, request: string) =>
    pipeline.producer.send([
      { topic: catalogue.books.topic, key: '77', value: await encoded('books', book(title)), headers: headersOf(request) },
    ])
  // Two more responses say what was published already: one of what was made of itself, one that the poller left out.
  const right = { ...raw, body: xml('Newest') }
  for (const each of [raw, { ...right, request_id: 'r-78' }, { ...right, request_id: 'r-79' }])
    await pipeline.producer.send([{ topic: catalogue.raw.topic, key: each.request_id, value: await encoded('raw', each) }])
  // A review that one list brought and another repeated in its own form; and one that an older parser let fall.
  const list = (id: string, request: string, body: string) => ({
    ...raw,
    ...{ method: 'review.list', url: 'https://x/review/list/9.xml', request_id: request, body: reviewXml(id, body) },
  })
  for (const each of [list('900', 'r-80', 'All of it'), list('900', 'r-81', 'All'), list('901', 'r-82', 'Lost')])
    await pipeline.producer.send([{ topic: catalogue.raw.topic, key: each.request_id, value: await encoded('raw', each) }])
  const review = parseResponse({ method: 'review.list', status: 200, contentType: null, body: reviewXml('900', 'All of it'), userId: '9' })
    .reviews[0]!
  const { ratingOf } = await import('../../producers/sources/goodreads/parse/review.ts')
  await pipeline.producer.send([
    { topic: catalogue.reviews.topic, key: '900', value: await encoded('reviews', review), headers: headersOf('r-80') },
    { topic: catalogue.ratings.topic, key: '9:77', value: await encoded('ratings', ratingOf(review)), headers: headersOf('r-80') },
  ])
  await publish('Wrong', 'r-77')
  await new Promise((resolve) => setTimeout(resolve, 50))
  await publish('Newest', 'r-78')
  await consume()
  assert.deepEqual(await titles(), ['Wrong', 'Newest'])

  const dry = await run('reparse', '--from', 'earliest', '--dry-run', '--json')
  assert.deepEqual([dry.records.books.different, dry.published, dry.failed], [1, 0, 0], JSON.stringify(dry))
  assert.deepEqual([dry.records.books.same, dry.records.books.new], [2, 0], JSON.stringify(dry))
  assert.deepEqual(dry.records.reviews, { same: 1, different: 0, new: 1 }, JSON.stringify(dry))
  assert.deepEqual(dry.records.ratings, { same: 1, different: 0, new: 1 }, JSON.stringify(dry))
  assert.ok(
    dry.samples.some(({ key, state }: { key: string; state: string }) => key === '77' && state === 'different'),
    JSON.stringify(dry),
  )

  const done = await run('reparse', '--from', 'earliest', '--json')
  assert.ok(done.published >= 1)
  await consume()
  assert.deepEqual(await titles(), ['Wrong', 'Right', 'Newest'], 'the newest version stays the current one')
  const again = await run('reparse', '--from', 'earliest', '--json')
  assert.equal(again.published, 0, JSON.stringify(again))
  assert.equal((await readflow(['verify', ...common])).code, 0)
  const later = await run('reparse', '--from', '2100-01-01', '--json')
  assert.equal(later.responses, 0)
  const wrong = await readflow(['reparse', '--from', 'then', ...common])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /^reparse: --from: 'then' is no time, [^\n]*\n$/)
})
