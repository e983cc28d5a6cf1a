import { crc32c, createAPI, Reader, readRecordsBatch, Writer } from '@platformatic/kafka'

/*
 * Kafka's Fetch request, version 13: the first that names topics by their id, so that a topic made anew can't be taken
 * for the one before it. The library's own parser decodes a whole answer at once, checks no CRC, and its consumer lets
 * aborted records through where their transaction is not whole within one answer, or where one answer holds two of the
 * same producer. So the answer is taken apart here, and its records are decoded by the library, a batch at a time.
 */
const FETCH = 1
const VERSION = 13
const READ_COMMITTED = 1
const MAX_WAIT_MS = 1000

export interface AbortedTransaction {
  producerId: bigint
  firstOffset: bigint
}

export interface FetchAnswer {
  errorCode: number
  lastStableOffset: number
  aborted: AbortedTransaction[]
  /** Record batches, the last of which may be cut short. */
  bytes: Buffer
}

export interface FetchRequest {
  topicId: string
  partition: number
  offset: number
  maxBytes: number
}

const createRequest = ({ topicId, partition, offset, maxBytes }: FetchRequest): Writer =>
  Writer.create()
    .appendInt32(-1)
    .appendInt32(MAX_WAIT_MS)
    .appendInt32(1)
    .appendInt32(maxBytes)
    .appendInt8(READ_COMMITTED)
    // No session: every request says all.
    .appendInt32(0)
    .appendInt32(-1)
    .appendArray([topicId], (topics, id) => {
      topics.appendUUID(id).appendArray([partition], (partitions, index) => {
        partitions.appendInt32(index).appendInt32(-1).appendInt64(BigInt(offset)).appendInt32(-1).appendInt64(-1n).appendInt32(maxBytes)
      })
    })
    .appendArray([], () => undefined)
    .appendString('')
    .appendTaggedFields()

const parsePartition = (reader: Reader): FetchAnswer => {
  reader.readInt32()
  const errorCode = reader.readInt16()
  reader.readInt64()
  const lastStableOffset = Number(reader.readInt64())
  reader.readInt64()
  const aborted = reader.readNullableArray((each) => ({ producerId: each.readInt64(), firstOffset: each.readInt64() })) ?? []
  reader.readInt32()
  return { errorCode, lastStableOffset, aborted, bytes: reader.readNullableBytes() ?? Buffer.alloc(0) }
}

const parseAnswer = (_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): FetchAnswer => {
  reader.readInt32()
  const errorCode = reader.readInt16()
  reader.readInt32()
  const topics = reader.readArray((each) => {
    each.readUUID()
    return each.readArray(parsePartition)
  })
  return topics[0]?.[0] ?? { errorCode: errorCode || -1, lastStableOffset: -1, aborted: [], bytes: Buffer.alloc(0) }
}

export const fetchApi = createAPI<[FetchRequest], FetchAnswer>(FETCH, VERSION, createRequest, parseAnswer)

export interface RawBatch {
  baseOffset: number
  lastOffset: number
  producerId: bigint
  isTransactional: boolean
  isControl: boolean
  /** Whether the broker gave all records of the batch one time, `maxTimestampMs`; else each has its producer's. */
  isLogAppendTime: boolean
  firstTimestampMs: number
  maxTimestampMs: number
  bytes: Buffer
}

const AT = { length: 8, magic: 16, crc: 17, attributes: 21, lastOffsetDelta: 23, firstTimestamp: 27, maxTimestamp: 35, producerId: 43 }
const BEFORE_LENGTH_BYTES = 12
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

/** The whole record batches of an answer, not decoded yet. */
export function* batchesOf(bytes: Buffer): Generator<RawBatch> {
  for (let at = 0; at + BEFORE_LENGTH_BYTES <= bytes.length; ) {
    const end = at + BEFORE_LENGTH_BYTES + bytes.readInt32BE(at + AT.length)
    if (end > bytes.length || end <= at + AT.producerId) return
    const batch = bytes.subarray(at, end)
    const attributes = batch.readInt16BE(AT.attributes)
    const baseOffset = Number(batch.readBigInt64BE(0))
    yield {
      baseOffset,
      lastOffset: baseOffset + batch.readInt32BE(AT.lastOffsetDelta),
      producerId: batch.readBigInt64BE(AT.producerId),
      isTransactional: (attributes & TRANSACTIONAL) !== 0,
      isControl: (attributes & CONTROL) !== 0,
      isLogAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
      firstTimestampMs: Number(batch.readBigInt64BE(AT.firstTimestamp)),
      maxTimestampMs: Number(batch.readBigInt64BE(AT.maxTimestamp)),
      bytes: batch,
    }
    at = end
  }
}

export type BatchRecord = ReturnType<typeof readRecordsBatch>['records'][number]

/** The records of a batch. Throws where the bytes are not what a producer wrote. */
export const recordsOf = ({ bytes }: RawBatch): BatchRecord[] => {
  if (bytes[AT.magic] !== 2) throw new Error(`record format ${bytes[AT.magic]} is not read`)
  if (crc32c(bytes.subarray(AT.attributes)) !== bytes.readUInt32BE(AT.crc)) throw new Error('its CRC-32C is wrong')
  return readRecordsBatch(Reader.from(bytes)).records
}
