import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import { type Decoder, type Encoder, type ProtocolVersions, withTopicIds } from './metadata.ts'
import { type AbortedTransaction, frameBatches } from './record-batch.ts'

/**
 * kafkajs, with what it does wrong replaced before it loads; the only file that imports it.
 * - Fetched record batches are framed here and handed on as bytes, one pseudo-message a partition.
 *   kafkajs' own decoding delivers aborted records and dies of large batches.
 * - Metadata are asked for in a version that tells topic ids.
 * - An offset out of range is reported; kafkajs would commit offset -2 and carry on.
 * - What each fetch found of the ends of partitions is reported, also where it brought nothing.
 * - Heartbeats go by a clock that nobody sets. kafkajs goes by the time of day: set back by hours, a member sends none for hours, is
 *   put out of its group, and does not hear of it.
 * - A connection that is opened again begins with nothing read. kafkajs keeps the half of an answer that the old one was cut
 *   in, takes all that comes for the rest of it, and is deaf, or dies, until the program is started again.
 * - Who waited too long for a connection that another one opens, or found no broker that knows the group's coordinator, tries
 *   again. kafkajs ends the consumer: a network that takes a connection and says nothing, or cuts it, was enough.
 * kafkajs 2.2.4 is frozen upstream, so the internal modules named here stay put; a test shows that each
 * override applies.
 */
const require = createRequire(import.meta.url)
const SMALL_PART = 4

interface ProtocolDecoder {
  readInt32: () => number
  canReadBytes: (length: number) => boolean
  readBytes: (length: number) => Buffer
}

/** The pseudo-message that stands for all bytes of a partition in one fetch. */
export interface PartitionBytes {
  offset: string
  isControlRecord: false
  batchContext: Record<string, never>
  bytes: Buffer
  baseOffset: number
  lastOffset: number
  count: number
  aborted: readonly AbortedTransaction[]
}

/** A small part of a response is copied, lest it keep all of the response in memory for as long as it waits. */
const kept = (bytes: Buffer): Buffer => (bytes.length * SMALL_PART < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes)

const decodeMessages = async (decoder: ProtocolDecoder): Promise<PartitionBytes[]> => {
  const size = decoder.readInt32()
  if (size <= 0 || !decoder.canReadBytes(size)) return []
  const bytes = decoder.readBytes(size)
  const frame = frameBatches(bytes)
  if (!frame) return []
  const { baseOffset, lastOffset, count } = frame
  return [
    {
      offset: String(lastOffset),
      isControlRecord: false,
      batchContext: {},
      bytes: kept(bytes.subarray(0, frame.bytes)),
      baseOffset,
      lastOffset,
      count,
      aborted: [],
    },
  ]
}

const keepAbortedList = ({
  messages,
  abortedTransactions,
}: {
  messages: PartitionBytes[]
  abortedTransactions: AbortedTransaction[] | null
}) => messages.map((message) => ({ ...message, aborted: abortedTransactions ?? [] }))

const replaceModule = (path: string, exports: unknown) => {
  const id = require.resolve(path)
  require(path)
  const cached = require.cache[id]
  if (!cached) throw new Error(`kafkajs has no module ${path}: its override no longer applies`)
  cached.exports = exports
}

replaceModule('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js', decodeMessages)
replaceModule('kafkajs/src/consumer/filterAbortedMessages.js', keepAbortedList)

const EncoderClass = require('kafkajs/src/protocol/encoder.js') as new () => Encoder
const DecoderClass = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => Decoder
const { parse } = require('kafkajs/src/protocol/requests/metadata/v6/response.js') as { parse: (data: unknown) => Promise<unknown> }
replaceModule(
  'kafkajs/src/protocol/requests/metadata/index.js',
  withTopicIds(require('kafkajs/src/protocol/requests/metadata/index.js') as ProtocolVersions, {
    createEncoder: () => new EncoderClass(),
    createDecoder: (bytes) => new DecoderClass(bytes),
    parse,
  }),
)

export interface OutOfRange {
  topic: string
  partition: number
  groupId: string
}
const outOfRangeListeners = new Set<(event: OutOfRange) => void>()
/** Calls `listener` when a fetch found its offset gone; the partition is paused by then. Returns how to stop. */
export const onOffsetOutOfRange = (listener: (event: OutOfRange) => void) => {
  outOfRangeListeners.add(listener)
  return () => void outOfRangeListeners.delete(listener)
}

/** What one fetch of a group member found of a partition. */
export interface FetchAnswer {
  topic: string
  partition: number
  fetchedOffset: number
  /** Next offset of the partition, records of open transactions counted. */
  highWatermark: number
  /** Whole record batches; null where nothing came. */
  bytes: Buffer | null
}

/** One fetch that was answered, by the clock of this process. */
export interface AnsweredFetch {
  groupId: string
  nodeId: number
  startedMs: number
  answeredMs: number
  answers: readonly FetchAnswer[]
}
const fetchListeners = new Set<(fetch: AnsweredFetch) => void>()
/** Calls `listener` when a fetch is answered, before its data are handled. Returns how to stop. */
export const onFetchAnswered = (listener: (fetch: AnsweredFetch) => void) => {
  fetchListeners.add(listener)
  return () => void fetchListeners.delete(listener)
}

interface FetchedBatch {
  topic: string
  partition: number
  fetchedOffset: string
  highWatermark: string
  rawMessages: readonly PartitionBytes[]
}

interface ConsumerGroupInternals {
  groupId: string
  fetch: (nodeId: number) => Promise<FetchedBatch[]>
  heartbeat: (options: { interval: number }) => Promise<void>
  pause: (topicPartitions: { topic: string; partitions: number[] }[]) => void
  recoverFromOffsetOutOfRange: (error: { topic: string; partition: number }) => Promise<void>
}
const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as { prototype: ConsumerGroupInternals }
ConsumerGroup.prototype.recoverFromOffsetOutOfRange = async function (this: ConsumerGroupInternals, { topic, partition }) {
  this.pause([{ topic, partitions: [partition] }])
  for (const listener of outOfRangeListeners) listener({ topic, partition, groupId: this.groupId })
}

const { fetch } = ConsumerGroup.prototype
ConsumerGroup.prototype.fetch = async function (this: ConsumerGroupInternals, nodeId) {
  const startedMs = Date.now()
  const batches = await fetch.call(this, nodeId)
  const answers = batches.map(({ topic, partition, fetchedOffset, highWatermark, rawMessages }) => ({
    topic,
    partition,
    fetchedOffset: Number(fetchedOffset),
    highWatermark: Number(highWatermark),
    bytes: rawMessages[0]?.bytes ?? null,
  }))
  for (const listener of fetchListeners) listener({ groupId: this.groupId, nodeId, startedMs, answeredMs: Date.now(), answers })
  return batches
}

const heartbeatsMs = new WeakMap<ConsumerGroupInternals, number>()
const { heartbeat } = ConsumerGroup.prototype
ConsumerGroup.prototype.heartbeat = async function (this: ConsumerGroupInternals, { interval }) {
  const nowMs = performance.now()
  if (nowMs - (heartbeatsMs.get(this) ?? Number.NEGATIVE_INFINITY) < interval) return
  // Whatever the time of day was at the last one, it is due.
  await heartbeat.call(this, { interval: Number.NEGATIVE_INFINITY })
  heartbeatsMs.set(this, nowMs)
}

interface ConnectionInternals {
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  isConnected: () => boolean
  connect: () => Promise<boolean>
}
const Connection = require('kafkajs/src/network/connection.js') as { prototype: ConnectionInternals }
const { connect } = Connection.prototype
Connection.prototype.connect = function (this: ConnectionInternals) {
  // An answer begins with its length.
  if (!this.isConnected()) Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: 4 })
  return connect.call(this)
}

const asRetriable = (error: Error): never => {
  throw Object.assign(error, { retriable: true })
}
const Lock = require('kafkajs/src/utils/lock.js') as { prototype: { acquire: () => Promise<void> } }
const { acquire } = Lock.prototype
Lock.prototype.acquire = function () {
  return acquire.call(this).catch(asRetriable)
}

interface ClusterInternals {
  findGroupCoordinatorMetadata: (of: object) => Promise<unknown>
}
const Cluster = require('kafkajs/src/cluster/index.js') as { prototype: ClusterInternals }
const { findGroupCoordinatorMetadata } = Cluster.prototype
Cluster.prototype.findGroupCoordinatorMetadata = function (this: ClusterInternals, of) {
  return findGroupCoordinatorMetadata
    .call(this, of)
    .catch((error: Error) => (error.name === 'KafkaJSGroupCoordinatorNotFound' ? asRetriable(error) : Promise.reject(error)))
}

const kafkajs = require('kafkajs') as typeof import('kafkajs')
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
  compress: async (encoder: { buffer: Buffer }) => zlib.zstdCompressSync(encoder.buffer),
  decompress: async () => {
    throw new Error('fetched batches are expanded by our own decoder')
  },
})

export const { AssignerProtocol, Kafka, CompressionTypes, Partitioners, logLevel } = kafkajs
export type {
  Admin,
  Consumer,
  ISocketFactory,
  ITopicConfig,
  Kafka as KafkaJs,
  Message,
  PartitionAssigner,
  Producer,
  Transaction,
} from 'kafkajs'
