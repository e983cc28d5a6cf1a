import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createBronze } from '../../consumers/bronze/bronze.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { progressId } from '../../consumers/sink/ledger.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { emptyBook } from '../../producers/sources/empty.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue, dlqTopic } from '../../schemas/catalogue.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { readRows } from '../helpers/tables.ts'
import { until } from '../helpers/up.ts'

const log = createLog('test', 'error')
let bookSchemaId: number
const { client, producer, registry, lakeUrl, close } = await startTestPipeline()

before(async () => {
  bookSchemaId = await registry.register(catalogue.books.subject, catalogue.books.schema)
  for (const name of ['authors', 'reviews', 'ratings', 'raw'] as const)
    await registry.register(catalogue[name].subject, catalogue[name].schema)
})
after(close)

const drain = async (stage: 'bronze' | 'silver') => {
  const store = openStore(lakeUrl)
  const flush = { intervalMs: 60_000, maxRows: 100_000, maxBytes: 1 << 24 }
  try {
    return await runSink(
      {
        stage: stage === 'bronze' ? createBronze({ registry }) : createSilver({ registry, store }),
        store,
        client,
        producer,
        flush,
        isOnce: true,
        log,
      },
      new AbortController().signal,
    )
  } finally {
    await store.close()
  }
}
const bookCodec = compileAvro(catalogue.books.schema)
const bookRecord = (id: string, fields: object = {}): OutgoingRecord => ({
  topic: catalogue.books.topic,
  key: id,
  value: frameAvro(bookSchemaId, bookCodec.encode({ ...emptyBook(id), title: `Book ${id}`, ...fields })),
})
const raw = (key: string | null, value: Buffer | null): OutgoingRecord => ({ topic: catalogue.books.topic, key, value })

test('every kind of record has its place: rows, dead letters with a reason, deletions, repeats', async () => {
  await producer.send([
    bookRecord('1', { isbn: '439023483', isbn13: '9.78e12', language_code: 'en-US', description: '<b>Hi</b>' }),
    bookRecord('1', { isbn: '439023483', isbn13: '9.78e12', language_code: 'en-US', description: '<b>Hi</b>' }),
    bookRecord('2', { ratings_count: -5 }),
    raw('3', Buffer.from('not avro')),
    raw('4', frameAvro(999_999, Buffer.from('x'))),
    raw(null, bookRecord('5').value),
    raw('6', Buffer.alloc(0)),
    raw('other', bookRecord('7').value),
    bookRecord('8'),
  ])
  await producer.send([raw('8', null)])
  const bronze = await drain('bronze')
  assert.equal(bronze['books']?.['rows'], 10)
  const rows = await readRows(lakeUrl, 'bronze/books', ['book_id', '_key', '_raw', '_error', '_partition', '_offset'])
  assert.equal(rows.length, 10)
  assert.equal(new Set(rows.map(({ _partition, _offset }) => `${_partition}/${_offset}`)).size, 10)
  const broken = rows.filter(({ _error }) => _error !== null)
  assert.deepEqual(
    broken.map(({ _raw }) => Buffer.from(_raw as Uint8Array).length).sort((a, b) => a - b),
    [0, 6, 8],
  )

  const silver = await drain('silver')
  assert.deepEqual(silver['books'], {
    ...{ valid: 3, repeat: 1, dead: 6 },
    ...{ 'dead/not-avro': 2, 'dead/unknown-schema': 1, 'dead/null-key': 1, 'dead/key-mismatch': 1, 'dead/ratings_count-negative': 1 },
    ...{ 'flag/isbn-repaired': 1, 'flag/isbn13-repaired': 1 },
  })
  const kept = await readRows(lakeUrl, 'silver/books', ['_key', '_deleted', 'isbn', 'isbn13', 'language_code', 'description', '_flags'])
  const first = kept.find(({ _key }) => _key === '1')
  assert.deepEqual(
    { ...first, _flags: [...((first?.['_flags'] ?? []) as string[])].sort() },
    {
      _key: '1',
      _deleted: false,
      isbn: '0439023483',
      isbn13: '9780439023481',
      language_code: 'eng',
      description: 'Hi',
      _flags: ['isbn-repaired', 'isbn13-repaired'],
    },
  )
  assert.deepEqual(
    kept
      .filter(({ _key }) => _key === '8')
      .map(({ _deleted }) => _deleted)
      .sort(),
    [false, true],
  )
  assert.equal(
    (await client.topicOffsets(dlqTopic('books'))).reduce((total, { end }) => total + end, 0),
    6,
  )
})

test('drained again, nothing happens twice; more of the same is repeats', async () => {
  assert.deepEqual((await drain('bronze'))['books'], {})
  assert.deepEqual((await drain('silver'))['books'], {})
  await producer.send([bookRecord('1', { isbn: '439023483', isbn13: '9.78e12', language_code: 'en-US', description: '<b>Hi</b>' })])
  assert.deepEqual((await drain('silver'))['books'], { repeat: 1 })
})

test('the group offsets follow, so that any tool shows no lag', async () => {
  await drain('bronze')
  for (const group of ['readflow.bronze', 'readflow.silver']) {
    for (const { topic, partition, lag } of await client.groupLag(group, [catalogue.books.topic]))
      assert.equal(lag, 0, `${group} ${topic}/${partition}`)
  }
})

test('a schema with a new field: Bronze grows a column, Silver reads on', async () => {
  const schema = structuredClone(catalogue.books.schema)
  schema.fields.push({ name: 'mood', type: ['null', 'string'], doc: 'A field of tomorrow.', default: null })
  const schemaId = await registry.register(catalogue.books.subject, schema)
  await producer.send([
    {
      topic: catalogue.books.topic,
      key: '20',
      value: frameAvro(schemaId, compileAvro(schema).encode({ ...emptyBook('20'), title: 'New', mood: 'calm' })),
    },
  ])
  await drain('bronze')
  assert.deepEqual(
    (await readRows(lakeUrl, 'bronze/books', ['book_id', 'mood'])).filter(({ mood }) => mood !== null),
    [{ book_id: '20', mood: 'calm' }],
  )
  assert.deepEqual((await drain('silver'))['books'], { valid: 1 })
})

test('an incompatible schema is refused with the registry’s reason', async () => {
  const schema = structuredClone(catalogue.books.schema)
  schema.fields.push({ name: 'must', type: 'string', doc: 'A field that older records lack.' })
  await assert.rejects(registry.register(catalogue.books.subject, schema), { code: 'schema-incompatible' })
})

test('an aborted transaction reaches no table', async () => {
  const transactional = client.kafka.producer({ transactionalId: 'test', idempotent: true, maxInFlightRequests: 1 })
  await transactional.connect()
  const send = async (id: string, end: 'commit' | 'abort') => {
    const transaction = await transactional.transaction()
    const { topic, key, value } = bookRecord(id)
    await transaction.send({ topic, messages: [{ key, value }] })
    await transaction[end]()
  }
  await send('30', 'abort')
  await send('31', 'commit')
  await transactional.disconnect()
  await drain('bronze')
  const ids = (await readRows(lakeUrl, 'bronze/books', ['book_id'])).map(({ book_id }) => book_id)
  assert.ok(ids.includes('31') && !ids.includes('30'))
})

test('a value of 8 MB goes through', async () => {
  await producer.send([bookRecord('40', { description: 'x'.repeat(8 * 1024 * 1024) })])
  assert.deepEqual((await drain('bronze'))['books'], { rows: 1 })
  assert.deepEqual((await drain('silver'))['books'], { valid: 2 })
})

test('consumers of another Kafka cluster that write the same table are noticed', async () => {
  const store = openStore(lakeUrl)
  const table = openTable(store, 'silver/books')
  const controller = new AbortController()
  const told: (string | null)[] = []
  const flush = { intervalMs: 200, maxRows: 1000, maxBytes: 1 << 20 }
  const onRival = (clusterId: string | null) => void told.push(clusterId)
  const running = runSink(
    { stage: createSilver({ registry, store }), store, client, producer, flush, isOnce: false, onRival, log },
    controller.signal,
  )
  const flushed = async (id: string) => {
    const before = told.length
    await producer.send([bookRecord(id)])
    await until('its flush', async () => told.length > before)
  }
  try {
    await flushed('91')
    const appId = progressId({ stage: 'silver', clusterId: 'other', topicId: 'theirs', partition: 0 })
    await commit(table, { operation: 'WRITE', txns: [{ appId, version: 7 }] })
    await flushed('92')
    assert.deepEqual([told[0], told.at(-1)], [null, 'other'])
  } finally {
    controller.abort()
    await running
    await store.close()
  }
})
