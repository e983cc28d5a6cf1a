import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Admin, Consumer } from '@platformatic/kafka'
import { type KafkaClient, openKafka } from '../../runtime/kafka/client.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { createLog } from '../../runtime/log.ts'
import { eventually, stackSkip, startTestStack, type TestStack } from '../helpers/stack.ts'
import { tool } from '../helpers/tool.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'

const run = promisify(execFile)
const python = process.env['READFLOW_TEST_PYTHON'] ?? 'python3'
const skip = (await stackSkip()) || tool(python, ['-c', 'import confluent_kafka'], 'pip install confluent-kafka')
const script = fileURLToPath(new URL('./foreign/records.py', import.meta.url))

let stack: TestStack
let client: KafkaClient
before(async () => {
  if (skip) return
  stack = await startTestStack()
  client = await openKafka({ brokers: stack.brokers, clientId: 'test', log: createLog('test', 'error') })
})
after(async () => {
  await client?.close()
  await stack?.stop()
})

const newTopic = (topic: string) => client.ensureTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }])
const foreign = async (...args: string[]) => {
  const { stdout } = await run(python, [script, args[0] ?? '', stack.brokers.join(','), ...args.slice(1)], { maxBuffer: 1 << 28 })
  return stdout.trim().split('\n')
}
const sha256 = (bytes: Buffer | null) => (bytes === null ? '-' : createHash('sha256').update(bytes).digest('hex'))

/** Lines as records.py gives them, and every offset covered once. */
const read = async (topic: string, { from = 0, to, most = 4_000_000 }: { from?: number; to: number; most?: number }) => {
  const reader = await openSecondReader({ brokers: stack.brokers, clientId: 'test', fetchBytes: { least: Math.min(most, 65_536), most } })
  const lines: string[] = []
  const lost: string[] = []
  try {
    const state = await reader.topic(topic)
    let next = from
    for await (const batch of reader.read({ topic, topicId: state?.id ?? '', partition: 0, from, to })) {
      assert.equal(batch.fromOffset, next)
      next = batch.nextOffset
      if (batch.lost) lost.push(`${batch.lost} ${batch.fromOffset} ${batch.nextOffset}`)
      for (const { offset, key, value } of batch.records) lines.push(`0 ${offset} ${sha256(key)} ${sha256(value)}`)
    }
    assert.equal(next, to)
    return { lines, lost, state }
  } finally {
    await reader.close()
  }
}
const endOf = (lines: readonly string[]) => Number(lines.at(-1)?.split(' ')[1]) + 1
const since = (lines: readonly string[], offset: number) => lines.filter((line) => Number(line.split(' ')[1]) >= offset)

test('two producers’ transactions, interleaved and aborted: as librdkafka delivers them, wherever a fetch begins', { skip }, async () => {
  const seed = seedOfRun()
  console.log(`seed ${seed}`)
  await newTopic('transactions')
  await foreign('transactions', 'transactions', String(seed))
  const want = await foreign('read', 'transactions')
  const to = endOf(want)
  const random = createRandom(seed)
  for (const from of [0, ...Array.from({ length: 5 }, () => random.below(to))]) {
    const { lines, lost } = await read('transactions', { from, to, most: 300 + random.below(3000) })
    assert.deepEqual(lines, since(want, from), `seed ${seed}, from offset ${from}`)
    assert.deepEqual(lost, [])
  }
  const { lines, state, lost } = await read('transactions', { to: to + 1000 })
  assert.deepEqual(lines, want)
  assert.ok(
    (state?.partitions[0]?.end ?? 0) <= to + 1000 && lost[0]?.startsWith('beyond-end '),
    'an open transaction ends what is delivered',
  )
})

test('the library’s own consumer lets aborted records through, which is why it is not used', { skip }, async () => {
  const consumer = new Consumer({ groupId: 'unused', clientId: 'test', bootstrapBrokers: stack.brokers, autocreateTopics: false })
  try {
    const { topics } = await consumer.metadata({ topics: ['transactions'] })
    const partition = { partition: 0, currentLeaderEpoch: -1, lastFetchedEpoch: -1, fetchOffset: 0n, partitionMaxBytes: 10_000_000 }
    const topicId = topics.get('transactions')?.id ?? ''
    consumer.topics.track('transactions')
    const node = topics.get('transactions')?.partitions[0]?.leader ?? 0
    const { responses } = await consumer.fetch({ node, topics: [{ topicId, partitions: [partition] }] })
    const records = (responses[0]?.partitions[0]?.records ?? [])
      .filter(({ attributes }) => (attributes & 0x20) === 0)
      .flatMap((batch) => batch.records)
    assert.ok(records.length > (await foreign('read', 'transactions')).length)
  } finally {
    await consumer.close(true)
  }
})

test('every codec, and values of any size', { skip }, async () => {
  for (const topic of ['codecs', 'large']) {
    await newTopic(topic)
    await foreign(topic, topic)
    const want = await foreign('read', topic)
    assert.deepEqual((await read(topic, { to: endOf(want) })).lines, want, topic)
  }
})

test('what was deleted from a topic is expired; a topic made anew is another', { skip }, async () => {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: stack.brokers, autocreateTopics: false })
  await admin.deleteRecords({ topics: [{ name: 'codecs', partitions: [{ partition: 0, offset: 3333n }] }] })
  const { lines, lost, state } = await read('codecs', { to: 7500 })
  assert.deepEqual(lost, ['expired 0 3333'])
  assert.equal(lines.length, 7500 - 3333)
  assert.equal(state?.partitions[0]?.logStart, 3333)
  await admin.deleteTopics({ topics: ['codecs'] })
  // The name is free again a moment after the deletion.
  await eventually(() => newTopic('codecs').then(() => true))
  await admin.close()
  const reader = await openSecondReader({ brokers: stack.brokers, clientId: 'test' })
  const reasons: unknown[] = []
  for await (const batch of reader.read({ topic: 'codecs', topicId: state?.id ?? '', partition: 0, from: 0, to: 10 }))
    reasons.push(batch.lost)
  assert.deepEqual(reasons, ['gone'])
  assert.equal(await reader.topic('no such topic'), null)
  await reader.close()
})

test('no broker: one clear line', async () => {
  await assert.rejects(openSecondReader({ brokers: ['127.0.0.1:1'], clientId: 'test' }), {
    code: 'kafka-unavailable',
    message: 'No Kafka broker answers at 127.0.0.1:1.',
  })
})
