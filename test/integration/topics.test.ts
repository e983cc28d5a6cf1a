import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createEventStreams } from '../../api/http/event-stream.ts'
import { openRuleCounts } from '../../api/pipeline/contracts.ts'
import { deadLetterRoutes } from '../../api/topics/dead-letter-routes.ts'
import { deadLetterRows } from '../../api/topics/dead-letters.ts'
import { openTopicsKafka, type TopicsKafka } from '../../api/topics/kafka.ts'
import { letterActionRoutes } from '../../api/topics/letter-action-routes.ts'
import { openLetterBook } from '../../api/topics/letter-book.ts'
import { createLetterCommand } from '../../api/topics/letter-command.ts'
import { topicRoutes } from '../../api/topics/routes.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import { openStore } from '../../lake/store/open.ts'
import { emptyBook } from '../../producers/sources/empty.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { CompressionTypes, Kafka, logLevel } from '../../runtime/kafka/kafkajs.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { type Api, startApi } from '../api/helpers/api.ts'
import { openDocument } from '../api/helpers/document.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'

const log = createLog('test', 'error')
const { topic, schema, subject } = catalogue.books
const GOOD = 120
let kafka: TopicsKafka
let brokers: string[] | null
const streams = createEventStreams({ maxReaders: 2 })
const api = {} as Api
const releases: (() => Promise<void>)[] = []

const bookRecord = (id: number, n: number | string, more: object = {}) => ({
  topic,
  key: String(n),
  value: frameAvro(id, compileAvro(schema).encode({ ...emptyBook(String(n)), title: `Book ${n}`, ...more })),
})
let schemaId = 0
/** Another client, as people have them. */
const plainKafka = () => new Kafka({ brokers: stack.brokers, clientId: 'test-other', logLevel: logLevel.NOTHING })
const { stack, client, producer, registry, close } = await startTestPipeline({ partitions: 3 })

before(async () => {
  brokers = [...stack.brokers]
  schemaId = await registry.register(subject, schema)
  await producer.send(Array.from({ length: GOOD }, (_, n) => bookRecord(schemaId, n)))
  await producer.send([
    { topic, key: 'bad', value: Buffer.from('no Avro') },
    { topic, key: 'empty', value: null },
    { topic, key: Buffer.from([0, 255, 1]), value: Buffer.from([0, 0, 0, 0, 99, 1, 2]) },
    { ...bookRecord(schemaId, 'untitled', { title: null }) },
  ])
  kafka = openTopicsKafka({ brokers: () => brokers, registryUrl: () => stack.registryUrl })
  Object.assign(
    api,
    await startApi(
      { after: (release: () => Promise<void>) => void releases.push(release) },
      {
        readDeadLetters: deadLetterRows(kafka),
        moreModules: (store) => [
          letterActionRoutes({
            command: createLetterCommand({
              env: () => ({ KAFKA_BROKERS: brokers?.join() ?? '', SCHEMA_REGISTRY_URL: stack.registryUrl, LAKE_URL: `file:${api.folder}` }),
            }),
          }),
          topicRoutes({ kafka, streams }),
          deadLetterRoutes({ kafka, book: openLetterBook({ store }), ruleCounts: openRuleCounts({ store }) }),
        ],
      },
    ),
  )
  // Whatever these routes answer here is as the document has it.
  const { get } = api
  const { holdAt } = openDocument((await get('/v1/openapi.json')).body)
  api.get = async (route, init) => {
    const answer = await get(route, init)
    holdAt(init?.method ?? 'GET', route, answer)
    return answer
  }
  const store = openStore(`file:${api.folder}`)
  const flush = { intervalMs: 500, maxRows: 1000, maxBytes: 1 << 24 }
  await runSink(
    { stage: createSilver({ registry, store }), store, client, producer, flush, isOnce: true, log },
    new AbortController().signal,
  )
  await store.close()
})
after(async () => {
  streams.close()
  await kafka?.close()
  for (const release of releases.toReversed()) await release()
  await close()
})

// biome-ignore lint/suspicious/noExplicitAny: tests read deep into answers of many shapes
type Any = any

describe('topics', () => {
  it('are listed with partitions, offsets and settings', async () => {
    const { body } = await api.get('/v1/topics')
    const found = body.topics.find((each: Any) => each.topic === topic)
    assert.equal(found.partitions.length, 3)
    assert.equal(found.records, GOOD + 4)
    assert.equal(found.configs['cleanup.policy'], 'delete')
    assert.ok(body.topics.every((each: Any) => !each.topic.startsWith('__')))
  })

  it('are told one by one with the groups that read them', async () => {
    const { body } = await api.get(`/v1/topics/${topic}`)
    const [silver] = body.groups.filter((each: Any) => each.group === 'readflow.silver')
    assert.deepEqual([silver.lag_records, silver.partitions.length], [0, 3])
    assert.ok(Date.now() - Date.parse(body.newest_record_at) < 600_000)
    assert.equal((await api.get('/v1/topics/nope')).status, 404)
    const group = (await api.get('/v1/groups/readflow.silver')).body
    assert.equal(group.lag_records, 0)
    assert.equal((await api.get('/v1/groups/nope')).status, 404)
    assert.ok((await api.get('/v1/groups')).body.groups.some((each: Any) => each.group === 'readflow.silver'))
  })

  it('have the versions of their schema', async () => {
    const { body } = await api.get(`/v1/topics/${topic}/schemas`)
    assert.deepEqual([body.subject, body.versions.length, body.versions[0].id], [subject, 1, schemaId])
    assert.equal(body.versions[0].changes, null)
  })
})

describe('records', () => {
  const records = async (query: string) => (await api.get(`/v1/topics/${topic}/records?${query}`)).body

  it('are the newest ones, decoded, newest first', async () => {
    const { records: found, order } = await records('limit=10')
    assert.equal(order, 'newest first')
    assert.equal(found.length, 10)
    const good = found.find((each: Any) => each.value?.title)
    assert.match(good.value.title, /^Book /)
    assert.deepEqual([good.value_format, good.schema_id, good.timestamp_type], ['avro', schemaId, 'LogAppendTime'])
    const times = found.map(({ timestamp }: Any) => Date.parse(timestamp))
    assert.deepEqual(
      times,
      times.toSorted((a: number, b: number) => b - a),
    )
  })

  it('are each given once over all pages, forwards and backwards', async () => {
    for (const query of ['from=beginning', 'from=end']) {
      const seen = new Set<string>()
      for (let next = ''; ; ) {
        const body = await records(`limit=17&${next === '' ? query : `cursor=${next}`}`)
        for (const { partition, offset } of body.records) {
          assert.ok(!seen.has(`${partition}/${offset}`), `${partition}/${offset} twice`)
          seen.add(`${partition}/${offset}`)
        }
        if (body.next === null) break
        next = body.next
      }
      assert.equal(seen.size, GOOD + 4, query)
    }
  })

  it('are found by offset, time, key and group', async () => {
    const [first] = (await records('partition=1&offset=3&limit=2')).records
    assert.deepEqual([first.partition, first.offset], [1, 3])
    const byKey = await records('key=42')
    assert.deepEqual([byKey.records.length, byKey.records[0].value.title, byKey.scanned], [1, 'Book 42', GOOD + 4])
    assert.equal((await records(`timestamp=${new Date(Date.now() + 60_000).toISOString()}`)).records.length, 0)
    assert.equal((await records('timestamp=2020-01-01&limit=500')).records.length, GOOD + 4)
    assert.equal((await records('group=readflow.silver')).records.length, 0)
  })

  it('that can not be decoded are shown with their bytes and the reason', async () => {
    const bad = (await records('key=bad')).records[0]
    assert.deepEqual([bad.value, bad.value_format, Buffer.from(bad.raw, 'base64').toString()], ['no Avro', 'text', 'no Avro'])
    const found = (await records('limit=500')).records
    const odd = found.find((each: Any) => each.key_encoding === 'base64')
    assert.deepEqual([odd.key, odd.schema_id], [Buffer.from([0, 255, 1]).toString('base64'), 99])
    assert.match(odd.error, /no schema 99/)
    const empty = found.find((each: Any) => each.key === 'empty')
    assert.deepEqual([empty.value, empty.raw, empty.size_bytes, empty.error], [null, null, null, null])
  })

  it('are refused where the question makes no sense', async () => {
    for (const [query, status] of [
      ['offset=3', 400],
      ['partition=9', 400],
      ['timestamp=noon', 400],
      ['group=nobody', 404],
      ['from=end&group=x', 400],
      ['cursor=zzz', 400],
      ['limit=501', 400],
    ] as const) {
      assert.equal((await api.get(`/v1/topics/${topic}/records?${query}`)).status, status, query)
    }
  })
})

describe('records of other producers', () => {
  it('are shown where they are committed, however they are compressed', async () => {
    const kafkajs = plainKafka()
    const [admin, sender] = [
      kafkajs.admin(),
      kafkajs.producer({ transactionalId: 'test-topics', maxInFlightRequests: 1, idempotent: true }),
    ]
    await Promise.all([admin.connect(), sender.connect()])
    await admin.createTopics({ topics: [{ topic: 'test.transactions', numPartitions: 1 }], waitForLeaders: true })
    const send = async (key: string, end: 'commit' | 'abort', compression = CompressionTypes.None) => {
      const transaction = await sender.transaction()
      await transaction.send({ topic: 'test.transactions', compression, messages: [{ key, value: `value of ${key}` }] })
      await transaction[end]()
    }
    await send('kept', 'commit')
    await send('aborted', 'abort')
    await send('squeezed', 'commit', CompressionTypes.GZIP)
    await send('aborted too', 'abort', CompressionTypes.GZIP)
    await Promise.all([admin.disconnect(), sender.disconnect()])
    const { status, body } = await api.get('/v1/topics/test.transactions/records?from=beginning')
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(
      body.records.map(({ key }: Any) => key),
      ['kept', 'squeezed'],
    )
    const newest = await api.get('/v1/topics/test.transactions/records?limit=1')
    assert.deepEqual(
      newest.body.records.map(({ key }: Any) => key),
      ['squeezed'],
    )
  })
})

describe('a live tail', () => {
  const listen = async (query = '', lastId?: string, of: string = topic) => {
    const leaving = new AbortController()
    const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId }
    const response = await fetch(new URL(`/v1/topics/${of}/tail${query}`, api.url), { signal: leaving.signal, headers })
    assert.equal(response.status, 200)
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk
    })()
    reading.catch(() => undefined)
    const events = () =>
      text
        .split('\n\n')
        .filter((block) => block.includes('event: record'))
        .map((block) => ({ id: /^id: (.*)$/m.exec(block)?.[1] ?? '', data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}') }))
    const until = async (count: number) => {
      for (let tries = 0; events().length < count; tries++) {
        assert.ok(tries < 200, `only ${text}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      return events()
    }
    return { until, leave: () => leaving.abort(), reading, text: () => text }
  }

  it('has what comes from then on, and goes on where it was left', async () => {
    const first = await listen()
    await producer.send([bookRecord(schemaId, 'live-1')])
    const [event] = await first.until(1)
    assert.equal(event?.data.value.title, 'Book live-1')
    first.leave()
    await producer.send([bookRecord(schemaId, 'live-2'), bookRecord(schemaId, 'live-3')])
    const second = await listen('', event!.id)
    const titles = (await second.until(2)).map(({ data }) => data.value.title)
    assert.deepEqual(titles.toSorted(), ['Book live-2', 'Book live-3'])
    second.leave()
    const keyed = await listen('?key=live-5')
    await producer.send([bookRecord(schemaId, 'live-4'), bookRecord(schemaId, 'live-5')])
    assert.equal((await keyed.until(1))[0]?.data.value.title, 'Book live-5')
    keyed.leave()
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(streams.size(), 0, 'nobody listens any more')
  })

  it('ends, and says why, when its topic is deleted', async () => {
    const admin = plainKafka().admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'test.deleted', numPartitions: 1 }], waitForLeaders: true })
    const tail = await listen('', undefined, 'test.deleted')
    await admin.deleteTopics({ topics: ['test.deleted'] })
    await admin.disconnect()
    await tail.reading
    assert.match(tail.text(), /event: gone\ndata: .*test\.deleted/)
  })
})

describe('dead letters', () => {
  it('are counted by reason, as the ledger has them, with when they came', async () => {
    const { body } = await api.get('/v1/dead-letters')
    const books = body.entities.find(({ entity }: Any) => entity === 'books')
    assert.deepEqual([books.count, books.open, books.in_topic], [3, 3, 3])
    assert.deepEqual(books.reasons.map(({ reason }: Any) => reason).toSorted(), ['not-avro', 'title-missing', 'unknown-schema'])
    assert.ok(Date.parse(books.first_at) <= Date.parse(books.last_at))
    assert.deepEqual(body.entities.find(({ entity }: Any) => entity === 'ratings').count, 0)
  })

  it('are shown with why, from where, their bytes, and what could be done', async () => {
    const { body } = await api.get('/v1/dead-letters/books?reason=title-missing')
    assert.equal(body.letters.length, 1)
    const [letter] = body.letters
    assert.equal(letter.key, 'untitled')
    assert.equal(letter.value.book_id, 'untitled')
    assert.deepEqual([letter.origin.topic, letter.origin.attempt], [topic, 1])
    assert.match(letter.redrive, /goodreads\.books again.*attempt 2.*title-missing/)
    assert.match(letter.discard, /stays in bronze\.books/)
    assert.equal((await api.get('/v1/dead-letters/books?to=2020-01-01')).body.letters.length, 0)
    assert.equal((await api.get('/v1/dead-letters/books?from=x')).status, 400)
    assert.equal((await api.get('/v1/dead-letters/nope')).status, 400)
  })

  it('are judged anew and discarded on request, and what was done is told', async () => {
    const post = async (action: string, sent: object, headers: Record<string, string> = {}) => {
      const answer = await fetch(new URL(`/v1/dead-letters/books/${action}`, api.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(sent),
      })
      return { status: answer.status, body: (await answer.json()) as Any }
    }
    const rehearsed = await post('redrive', { all: true, dry_run: true })
    assert.deepEqual(
      [rehearsed.status, rehearsed.body.letters, rehearsed.body.outcomes],
      [200, 3, { refused: 3 }],
      JSON.stringify(rehearsed),
    )
    const [letter] = (await api.get('/v1/dead-letters/books?reason=not-avro')).body.letters
    const discarded = await post('discard', { letters: [letter.letter], why: '--all of it was a test' })
    assert.deepEqual([discarded.status, discarded.body.letters], [200, 1], JSON.stringify(discarded))
    assert.equal((await api.get('/v1/dead-letters/books?reason=not-avro')).body.letters.length, 0)
    const [gone] = (await api.get('/v1/dead-letters/books?state=discarded')).body.letters
    assert.deepEqual(
      [gone.letter, gone.state, gone.discarded.why, gone.discarded.by],
      [letter.letter, 'discarded', '--all of it was a test', 'api'],
    )
    const books = (await api.get('/v1/dead-letters')).body.entities.find(({ entity }: Any) => entity === 'books')
    assert.deepEqual([books.count, books.open], [3, 2])
    for (const [action, sent, status] of [
      ['redrive', {}, 400],
      ['redrive', { all: true, reason: 'x' }, 400],
      ['redrive', { letters: ['ratings/x/0/1'] }, 400],
      ['discard', { all: true }, 400],
      ['redrive', { letters: ['books/x/0/1'] }, 422],
    ] as const) {
      const refused = await post(action, sent)
      assert.equal(refused.status, status, JSON.stringify(refused))
      assert.doesNotMatch(refused.body.detail, /\n/)
    }
    assert.equal((await post('redrive', { all: true }, { origin: 'http://elsewhere.example' })).status, 403)
  })

  it('can be asked with SQL', async () => {
    const { body } = await api.ask("SELECT reason, count(*) AS n FROM dead_letters WHERE entity = 'books' GROUP BY reason ORDER BY reason")
    assert.deepEqual(body.rows, [
      { reason: 'not-avro', n: 1 },
      { reason: 'title-missing', n: 1 },
      { reason: 'unknown-schema', n: 1 },
    ])
  })
})

describe('without Kafka', () => {
  it('each route says so in one line within some seconds, and answers again once it is back', async () => {
    const known = brokers
    try {
      brokers = null
      assert.match((await api.get('/v1/topics')).body.detail, /no broker is known/)
      brokers = ['127.0.0.1:1']
      for (const route of ['/v1/topics', `/v1/topics/${topic}/records`, '/v1/groups', '/v1/dead-letters']) {
        const { status, body } = await api.get(route)
        assert.equal(status, 503, route)
        assert.doesNotMatch(body.detail, /\n/)
      }
    } finally {
      brokers = known
    }
    assert.equal((await api.get('/v1/topics')).status, 200)
  })
})
