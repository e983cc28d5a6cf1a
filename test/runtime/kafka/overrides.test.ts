import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { type AnsweredFetch, onFetchAnswered, onOffsetOutOfRange } from '../../../runtime/kafka/kafkajs.ts'
import { encodeBatch } from '../../helpers/record-batches.ts'

const require = createRequire(import.meta.url)

/** A fetch response of version 11 with one partition, as the broker would send it. */
const fetchResponse = (records: Buffer, abortedProducer: number): Buffer => {
  const Encoder = require('kafkajs/src/protocol/encoder') as new () => { [method: string]: (...values: unknown[]) => never }
  const body = new Encoder() as unknown as Record<string, (value: unknown) => typeof body> & { buffer: Buffer }
  body['writeInt32']!(0)
  body['writeInt16']!(0)
  body['writeInt32']!(0)
  body['writeInt32']!(1)
  body['writeString']!('topic')
  body['writeInt32']!(1)
  body['writeInt32']!(0)
  body['writeInt16']!(0)
  body['writeInt64']!(10)
  body['writeInt64']!(10)
  body['writeInt64']!(0)
  body['writeInt32']!(1)
  body['writeInt64']!(abortedProducer)
  body['writeInt64']!(0)
  body['writeInt32']!(-1)
  body['writeInt32']!(records.length)
  return Buffer.concat([body.buffer, records])
}

test('kafkajs hands on a partition as bytes, with the broker’s list of aborted transactions', async () => {
  const response = require('kafkajs/src/protocol/requests/fetch/v11/response') as {
    decode: (raw: Buffer) => Promise<{ responses: { partitions: object[] }[] }>
  }
  const Batch = require('kafkajs/src/consumer/batch') as new (
    topic: string,
    offset: string,
    data: object,
  ) => { messages: { bytes: Buffer; lastOffset: number; aborted: object[] }[]; lastOffset: () => string }
  const records = Buffer.concat([
    await encodeBatch([{ value: 'a' }, { value: 'b' }], { baseOffset: 4 }),
    await encodeBatch([{ value: 'c' }], { baseOffset: 6 }),
  ])
  const { responses } = await response.decode(fetchResponse(records, 99))
  const batch = new Batch('topic', '4', responses[0]?.partitions[0] ?? {})
  assert.equal(batch.messages.length, 1)
  assert.deepEqual(batch.messages[0]?.bytes, records)
  assert.deepEqual(batch.messages[0]?.aborted, [{ producerId: '99', firstOffset: '0' }])
  assert.equal(batch.lastOffset(), '6')
})

test('a small part of a response does not keep all of it in memory', async () => {
  const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (
    decoder: object,
  ) => Promise<{ bytes: Buffer }[]>
  const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
  const records = await encodeBatch([{ value: 'a' }])
  const size = Buffer.alloc(4)
  size.writeInt32BE(records.length)
  const response = Buffer.concat([size, records, Buffer.alloc(1_000_000)])
  const [part] = await decodeMessages(new Decoder(response))
  assert.deepEqual(part?.bytes, records)
  assert.ok((part?.bytes.buffer.byteLength ?? 0) < 100_000)
})

test('metadata are asked for in version 10 where the broker has it, and no topic is made by it', async () => {
  const { lookup, requests } = require('kafkajs/src/protocol/requests') as {
    lookup: (versions: object) => (
      apiKey: number,
      definition: object,
    ) => (options: object) => {
      request: { apiVersion: number; encode: () => Promise<{ buffer: Buffer }> }
    }
    requests: { Metadata: object }
  }
  const asked = (maxVersion: number) => lookup({ 3: { maxVersion } })(3, requests.Metadata)({ topics: ['ab'] }).request
  assert.deepEqual(
    [13, 10, 9, 6, 1].map((version) => asked(version).apiVersion),
    [10, 10, 6, 6, 1],
  )
  assert.deepEqual(
    (await asked(13).encode()).buffer,
    Buffer.from(['00', '02', '00'.repeat(16), '03', '6162', '00', '00', '00', '00', '00'].join(''), 'hex'),
  )
})

test('who waited too long for a connection tries again', async () => {
  const Lock = require('kafkajs/src/utils/lock') as new (options: object) => { acquire: () => Promise<void>; release: () => Promise<void> }
  const lock = new Lock({ timeout: 5, description: 'connect' })
  await lock.acquire()
  await assert.rejects(lock.acquire(), { name: 'KafkaJSLockTimeout', retriable: true })
  await lock.release()
  await lock.acquire()
})

test('who found no broker that knows the coordinator tries again; who may not ask does not', async () => {
  const { prototype } = require('kafkajs/src/cluster') as {
    prototype: { findGroupCoordinatorMetadata: (this: object, of: object) => Promise<unknown> }
  }
  const asking = (withBroker: () => Promise<unknown>) =>
    prototype.findGroupCoordinatorMetadata.call({ brokerPool: { withBroker } }, { groupId: 'g' })
  await assert.rejects(
    asking(async () => null),
    { name: 'KafkaJSGroupCoordinatorNotFound', retriable: true },
  )
  const refused = Object.assign(new Error('not authorized'), { retriable: false })
  await assert.rejects(
    asking(() => Promise.reject(refused)),
    { message: 'not authorized', retriable: false },
  )
})

test('an offset out of range pauses the partition and is reported; nothing is committed', async () => {
  const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup') as {
    prototype: { recoverFromOffsetOutOfRange: (this: object, error: object) => Promise<void> }
  }
  const paused: object[] = []
  const seen: object[] = []
  const stop = onOffsetOutOfRange((event) => seen.push(event))
  await ConsumerGroup.prototype.recoverFromOffsetOutOfRange.call(
    { groupId: 'g', pause: (list: object[]) => paused.push(...list) },
    { topic: 't', partition: 3 },
  )
  stop()
  assert.deepEqual(paused, [{ topic: 't', partitions: [3] }])
  assert.deepEqual(seen, [{ topic: 't', partition: 3, groupId: 'g' }])
})

test('each answer to a fetch is reported, also of partitions that it has nothing of', async () => {
  const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup') as {
    prototype: { fetch: (this: object, nodeId: number) => Promise<object[]> }
  }
  const bytes = Buffer.from('a batch')
  const message = { offset: '6', bytes, lastOffset: 6, count: 1 }
  const answered = (partition: number, highWatermark: string, messages: object[]) => ({
    partition,
    highWatermark,
    messages,
    abortedTransactions: [],
  })
  const partitions = [answered(0, '7', [message]), answered(1, '9', [])]
  const group = {
    groupId: 'g',
    cluster: {
      refreshMetadataIfNecessary: async () => undefined,
      findBroker: async () => ({ fetch: async () => ({ responses: [{ topicName: 't', partitions }] }) }),
    },
    checkForStaleAssignment: () => undefined,
    seekOffsets: async () => undefined,
    seekOffset: { has: () => false },
    subscriptionState: { assigned: () => [{ topic: 't', partitions: [0, 1] }], isPaused: () => false },
    filterPartitionsByNode: (_: number, list: object[]) => list,
    getActiveTopicPartitions: () => ({ t: new Set([0, 1]) }),
    offsetManager: { committedOffsets: () => ({ t: { 0: '6', 1: '9' } }), nextOffset: (_: string, partition: number) => [6, 9][partition] },
    preferredReadReplicasPerTopicPartition: {},
    recoverFromFetch: (error: unknown) => Promise.reject(error),
  }
  const seen: AnsweredFetch[] = []
  const stop = onFetchAnswered((fetch) => seen.push(fetch))
  const startedMs = Date.now()
  const batches = await ConsumerGroup.prototype.fetch.call(group, 4)
  stop()
  assert.equal(batches.length, 2)
  const [fetch] = seen
  assert.ok(fetch && startedMs <= fetch.startedMs && fetch.startedMs <= fetch.answeredMs)
  assert.deepEqual(
    { groupId: fetch.groupId, nodeId: fetch.nodeId, answers: fetch.answers },
    {
      groupId: 'g',
      nodeId: 4,
      answers: [
        { topic: 't', partition: 0, fetchedOffset: 6, highWatermark: 7, bytes },
        { topic: 't', partition: 1, fetchedOffset: 9, highWatermark: 9, bytes: null },
      ],
    },
  )
})
