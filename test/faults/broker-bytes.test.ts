import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { constants, createGzip } from 'node:zlib'
import { fetchArtifacts } from '../../ops/stack/artifacts.ts'
import { findJava } from '../../ops/stack/java.ts'
import { type KafkaClient, openKafka } from '../../runtime/kafka/client.ts'
import { readHeader } from '../../runtime/kafka/records/batch-header.ts'
import { CorruptBatchError } from '../../runtime/kafka/records/corrupt-batch.ts'
import { createSocketFactory } from '../../runtime/kafka/watched-socket.ts'
import { createLog } from '../../runtime/log.ts'
import { stackSkip, startStackOn, type TestStack, tempDataDir } from '../helpers/stack.ts'
import { tool } from '../helpers/tool.ts'
import { startTcpProxy } from '../soak/proxy.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { lineOf, readPartition } from './helpers/read-partition.ts'
import { report } from './helpers/report.ts'

const run = promisify(execFile)
const python = process.env['READFLOW_TEST_PYTHON'] ?? 'python3'
const pythonMissing = tool(python, ['-c', 'import confluent_kafka'], 'pip install confluent-kafka')
const script = fileURLToPath(new URL('./foreign/records.py', import.meta.url))
const skip = await stackSkip()
const MAX_STDOUT_BYTES = 256 * 1024 * 1024

let stack: TestStack
let client: KafkaClient
let data: Awaited<ReturnType<typeof tempDataDir>>
const start = async () => {
  stack = await startStackOn(data.dir)
  client = await openKafka({ brokers: stack.brokers, clientId: 'test', log: createLog('test', 'error') })
}
const stop = async () => {
  await client.close()
  await stack.stop()
}
before(async () => {
  if (skip) return
  data = await tempDataDir()
  await start()
})
after(async () => {
  if (skip) return
  await stop()
  await data.remove()
})

const newTopic = (topic: string) => client.ensureTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }])
const foreign = async (...args: string[]) => {
  const { stdout } = await run(python, [script, args[0] ?? '', stack.brokers.join(','), ...args.slice(1)], { maxBuffer: MAX_STDOUT_BYTES })
  return stdout.trim().split('\n')
}
const linesOf = async (options: Omit<Parameters<typeof readPartition>[1], 'onChunk'>) => {
  const lines: string[] = []
  await readPartition(client, { ...options, onChunk: ({ records }) => void lines.push(...records.map(lineOf)) })
  return lines
}
const endOf = (lines: readonly string[]) => Number(lines.at(-1)?.split(' ')[1]) + 1
const from = (lines: readonly string[], offset: number) => lines.filter((line) => Number(line.split(' ')[1]) >= offset)

test('every codec as librdkafka writes it, cut anywhere', { skip: skip || pythonMissing }, async () => {
  await newTopic('codecs')
  await foreign('codecs', 'codecs')
  const want = await foreign('read', 'codecs')
  assert.equal(want.length, 7500)
  assert.deepEqual(await linesOf({ topic: 'codecs', until: 7500 }), want)
  const odd = { limits: { maxRecords: 77, maxBytes: 3000 }, maxBytesPerPartition: 20_000, from: 4321 }
  assert.deepEqual(await linesOf({ topic: 'codecs', until: 7500, ...odd }), from(want, 4321))
})

const javaMissing = tool('java', ['--list-modules', '--describe-module', 'jdk.compiler'], 'apt-get install openjdk-17-jdk-headless')
test('every codec as Kafka’s own producer writes it', { skip: skip || pythonMissing || javaMissing }, async () => {
  await newTopic('java')
  const { kafkaDir } = await fetchArtifacts({ env: process.env, onProgress: () => undefined })
  const source = fileURLToPath(new URL('./foreign/Produce.java', import.meta.url))
  await run(await findJava(process.env), ['-Xmx128m', '-cp', path.join(kafkaDir, '*'), source, stack.brokers.join(','), 'java'])
  const want = await foreign('read', 'java')
  assert.equal(want.length, 12_000)
  assert.deepEqual(await linesOf({ topic: 'java', until: 12_000 }), want)
})

test('two producers’ transactions, interleaved and aborted, wherever a fetch begins', { skip: skip || pythonMissing }, async () => {
  const seed = seedOfRun()
  console.log(`seed ${seed}`)
  await newTopic('transactions')
  await foreign('transactions', 'transactions', String(seed))
  const want = await foreign('read', 'transactions')
  const until = endOf(want)
  assert.ok(want.length > 50 && want.length < until - 50, `${want.length} of ${until} records are delivered`)
  const random = createRandom(seed)
  const starts = [0, ...Array.from({ length: 6 }, () => random.below(until))]
  for (const start of starts) {
    // A few batches a fetch, so that transactions begin in one and end in another.
    const lines = await linesOf({ topic: 'transactions', from: start, until, maxBytesPerPartition: 300 + random.below(2000) })
    assert.deepEqual(lines, from(want, start), `seed ${seed}, from offset ${start}`)
  }
  report({ fault: 'transactions interleaved and aborted, fetches of a few batches', tried: starts.length, held: starts.length, seed })
})

test('large, empty and null values', { skip: skip || pythonMissing }, async () => {
  await newTopic('large')
  await foreign('large', 'large')
  const want = await foreign('read', 'large')
  assert.equal(want.length, 12)
  // A record larger than what is asked for a fetch comes all the same.
  assert.deepEqual(await linesOf({ topic: 'large', until: 12, maxBytesPerPartition: 100_000 }), want)
})

const segmentOf = (topic: string) => path.join(data.dir, 'kafka', 'log', `${topic}-0`, '00000000000000000000.log')

test('one batch of 300,000 tiny records', { skip: skip || pythonMissing }, async () => {
  await newTopic('tiny')
  const COUNT = 300_000
  await foreign('tiny', 'tiny')
  assert.equal(readHeader(readFileSync(segmentOf('tiny')), 0).count, COUNT)
  let next = 0
  await readPartition(client, {
    topic: 'tiny',
    until: COUNT,
    onChunk: ({ records }) => {
      assert.ok(records.length <= 1000)
      for (const { offset, value } of records) assert.deepEqual([offset, value?.toString()], [next, String(next++)])
    },
  })
  assert.equal(next, COUNT)
})

test('one batch of 1 MB that expands a thousand times', { skip }, async () => {
  await newTopic('bomb')
  const COUNT = 1000
  const value = Buffer.alloc(1_000_000)
  const compressed = await gzipRecords(COUNT, value)
  assert.ok(compressed.length < 1_100_000, `${compressed.length} bytes`)
  await sendPrepared('bomb', COUNT, compressed)
  let count = 0
  let bytes = 0
  let most = 0
  const beforeBytes = process.memoryUsage().rss
  let peakBytes = 0
  await readPartition(client, {
    topic: 'bomb',
    until: COUNT,
    limits: { maxRecords: 10_000, maxBytes: 8_000_000 },
    onChunk: ({ records, decodedBytes }) => {
      count += records.length
      bytes += decodedBytes
      most = Math.max(most, decodedBytes)
      for (const record of records) assert.ok(record.value?.equals(value))
      peakBytes = Math.max(peakBytes, process.memoryUsage().rss - beforeBytes)
    },
  })
  assert.deepEqual([count, bytes], [COUNT, COUNT * value.length])
  assert.ok(most <= 8_000_000)
  console.log(
    `expanded ${(bytes / 1e6).toFixed(0)} MB from ${(compressed.length / 1e6).toFixed(1)} MB, holding at most ${(peakBytes / 1e6).toFixed(0)} MB more`,
  )
  assert.ok(peakBytes < 250_000_000)
})

test('a byte that flipped on the broker’s disk is found, and what lies around it is read', { skip }, async () => {
  await newTopic('flipped')
  const producer = client.kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  for (const name of ['first', 'second', 'third'])
    await producer.send({ topic: 'flipped', messages: Array.from({ length: 10 }, (_, index) => ({ value: `${name} ${index}` })) })
  await producer.disconnect()
  await stop()
  const segment = segmentOf('flipped')
  const bytes = readFileSync(segment)
  const at = bytes.indexOf('second 4')
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(segment, bytes)
  await start()

  const values: (string | undefined)[] = []
  const onChunk: Parameters<typeof readPartition>[1]['onChunk'] = ({ records }) =>
    void values.push(...records.map((record) => record.value?.toString()))
  const error = await readPartition(client, { topic: 'flipped', until: 30, onChunk }).catch((reason) => reason)
  assert.ok(error instanceof CorruptBatchError, String(error))
  assert.deepEqual([error.code, error.topic, error.partition, error.fromOffset, error.toOffset], ['kafka-corrupt', 'flipped', 0, 10, 20])
  assert.deepEqual(
    values,
    Array.from({ length: 10 }, (_, index) => `first ${index}`),
  )
  await readPartition(client, { topic: 'flipped', from: error.toOffset, until: 30, onChunk })
  assert.deepEqual(
    values.slice(10),
    Array.from({ length: 10 }, (_, index) => `third ${index}`),
  )
  if (!pythonMissing) await assert.rejects(foreign('read', 'flipped'), /CRC/i)
})

const require = createRequire(import.meta.url)
const Encoder = require('kafkajs/src/protocol/encoder') as new () => { writeEncoder: (encoder: object) => void; buffer: Buffer }
const Record = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object

/** `count` encoded records of one value, as gzip, without ever holding them all. */
const gzipRecords = async (count: number, value: Buffer): Promise<Buffer> => {
  const gzip = createGzip({ level: constants.Z_BEST_COMPRESSION })
  const parts: Buffer[] = []
  gzip.on('data', (part: Buffer) => parts.push(part))
  for (let offsetDelta = 0; offsetDelta < count; offsetDelta++) {
    const encoder = new Encoder()
    encoder.writeEncoder(Record({ offsetDelta, timestampDelta: 0, key: null, value, headers: {} }))
    if (!gzip.write(encoder.buffer)) await new Promise((resolve) => gzip.once('drain', resolve))
  }
  await new Promise<void>((resolve) => {
    gzip.once('end', resolve)
    gzip.end()
  })
  return Buffer.concat(parts)
}

/** Sends one batch whose compressed records are given: kafkajs makes the rest of it, by a codec that returns them. */
const sendPrepared = async (topic: string, count: number, compressed: Buffer) => {
  const { CompressionCodecs, CompressionTypes } = require('kafkajs') as typeof import('kafkajs')
  const original = CompressionCodecs[CompressionTypes.GZIP]
  CompressionCodecs[CompressionTypes.GZIP] = () => ({ compress: async () => compressed, decompress: async (bytes: Buffer) => bytes })
  const producer = client.kafka.producer({ allowAutoTopicCreation: false })
  try {
    await producer.connect()
    await producer.send({ topic, compression: CompressionTypes.GZIP, messages: Array.from({ length: count }, () => ({ value: '' })) })
  } finally {
    await producer.disconnect()
    CompressionCodecs[CompressionTypes.GZIP] = original
  }
}

interface Versions {
  apiVersions: { apiKey: number }[]
}
interface ConnectionClass {
  new (options: object): { connect: () => Promise<void>; disconnect: () => Promise<void>; send: (protocol: object) => Promise<Versions> }
}

test('a connection that was cut in the middle of an answer is whole when it is opened again', { skip, timeout: 30_000 }, async () => {
  const require = createRequire(import.meta.url)
  const Connection = require('kafkajs/src/network/connection') as ConnectionClass
  const versions = require('kafkajs/src/protocol/requests/apiVersions') as { protocol: (of: { version: number }) => () => object }
  const silent = { namespace: () => silent, debug: () => undefined, error: () => undefined, warn: () => undefined }
  const proxy = await startTcpProxy(Number(stack.brokers[0]?.split(':')[1]), { cutAfterBytes: 0 })
  const openSocket = createSocketFactory()
  let opened = 0
  const connection = new Connection({
    ...{ host: '127.0.0.1', port: proxy.port, logger: silent, connectionTimeout: 3000, requestTimeout: 3000 },
    socketFactory: (to: Parameters<typeof openSocket>[0]) => {
      opened++
      return openSocket(to)
    },
  })
  const ask = async () => {
    await connection.connect()
    return connection.send(versions.protocol({ version: 1 })())
  }
  proxy.break('cut')
  // An odd number: two halves would make a whole.
  for (let cut = 1; cut <= 3; cut++) {
    await assert.rejects(ask(), /Closed connection/)
    assert.equal(opened, cut)
  }
  proxy.mend()
  for (let asked = 0; asked < 3; asked++) assert.ok((await ask()).apiVersions.length > 20)
  assert.equal(opened, 4)
  await connection.disconnect()
  await proxy.close()
})
