import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSilver } from '../../consumers/silver/silver.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { emptyBook } from '../../producers/sources/empty.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { ruleCounts } from '../../schemas/contracts/counts.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { readRows } from '../helpers/tables.ts'

const log = createLog('test', 'error')
const { topic, schema, subject } = catalogue.books
const RECORDS = 240

/** Of each eight records: two are good, three break a rule and are kept, two are refused, and one is no record at all. */
const faults: (object | null)[] = [
  ...[{}, { isbn: '439023483' }, { title: null }, { isbn: '439023483', language_code: 'xx-not' }, { average_rating: Number.NaN }],
  ...[{ ratings_1: 1, ratings_2: 1, ratings_3: 1, ratings_4: 1, ratings_5: 1, work_ratings_count: 6 }, null, {}],
]
const perFault = RECORDS / faults.length
const expected = {
  rejected: { 'title-missing': perFault, 'average_rating-out-of-range': perFault, 'not-avro': perFault },
  flagged: { 'isbn-repaired': 2 * perFault, 'language-unknown': perFault, 'ratings-sum-mismatch': perFault },
}
const { client, producer, registry, lakeUrl, close } = await startTestPipeline()

before(async () => {
  const codec = compileAvro(schema)
  const id = await registry.register(subject, schema)
  const records = Array.from({ length: RECORDS }, (_, index) => {
    const fault = faults[index % faults.length]!
    const key = String(index)
    const value = fault === null ? Buffer.from('no Avro') : frameAvro(id, codec.encode({ ...emptyBook(key), title: 'T', ...fault }))
    return { topic, key, value }
  })
  await producer.send(records)
  // What was there before is no row, and bears no flag a second time.
  await producer.send(records.slice(0, 40).filter((_, index) => [0, 1, 3].includes(index % faults.length)))
})
after(close)

const drain = async () => {
  const store = openStore(lakeUrl)
  const flush = { intervalMs: 500, maxRows: 37, maxBytes: 1 << 24 }
  try {
    const stage = createSilver({ registry, store })
    await runSink({ stage, store, client, producer, flush, isOnce: true, log }, new AbortController().signal)
  } finally {
    await store.close()
  }
}

const counts = async () => ruleCounts((await openTable(openStore(lakeUrl), 'silver/books').snapshot()).txns)

const flagsInRows = async () => {
  const found: Record<string, number> = {}
  for (const { _flags } of await readRows(lakeUrl, 'silver/books', ['_flags']))
    for (const flag of _flags as string[]) found[flag] = (found[flag] ?? 0) + 1
  return found
}

const resetTo = async (offsetOf: (end: number) => number) => {
  const admin = client.kafka.admin()
  await admin.connect()
  const bounds = await client.topicOffsets(topic)
  const partitions = bounds.map(({ partition, end }) => ({ partition, offset: String(offsetOf(end)) }))
  await admin.setOffsets({ groupId: 'readflow.silver', topic, partitions })
  await admin.disconnect()
}

test('each rule counts each record once, flush by flush, and the flags are those of the rows', async () => {
  await drain()
  assert.deepEqual(await counts(), expected)
  assert.deepEqual(await flagsInRows(), expected.flagged)
})

for (const [name, offsetOf] of [
  ['the start', () => 0],
  ['the middle', (end: number) => Math.floor(end / 2)],
  ['the last record', (end: number) => end - 1],
] as const)
  test(`a reset to ${name} counts nothing twice and loses no count`, async () => {
    const before = await openTable(openStore(lakeUrl), 'silver/books').snapshot()
    await resetTo(offsetOf)
    await drain()
    assert.notEqual((await openTable(openStore(lakeUrl), 'silver/books').snapshot()).version, before.version, 'it was a replay')
    assert.deepEqual(await counts(), expected)
    assert.deepEqual(await flagsInRows(), expected.flagged)
  })
