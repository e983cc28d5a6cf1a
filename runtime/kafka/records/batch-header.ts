import { checksum } from './crc32c.ts'

/**
 * Kafka's record batch format, magic 2, as described in Kafka's own protocol documentation
 * ("Record Batch", "Record", "Control Batches").
 */
export const HEADER_BYTES = 61
const LOG_OVERHEAD_BYTES = 12
const AT = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
}
const CODEC_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20

export interface BatchHeader {
  /** Bytes of the whole batch, header included. */
  bytes: number
  baseOffset: number
  lastOffset: number
  count: number
  codec: number
  firstTimestampMs: number
  maxTimestampMs: number
  producerId: bigint
  isLogAppendTime: boolean
  isTransactional: boolean
  isControl: boolean
}

const FORMAT = 2
const MAGIC_END = AT.magic + 1

const offsetAt = (bytes: Buffer, at: number) => Number(bytes.readBigInt64BE(at))

/** The header of the batch at `at`, unchecked. Throws RangeError where fewer bytes than a header are left. */
export const readHeader = (bytes: Buffer, at: number): BatchHeader => {
  const attributes = bytes.readInt16BE(at + AT.attributes)
  const baseOffset = offsetAt(bytes, at)
  return {
    bytes: LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + AT.length),
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(at + AT.lastOffsetDelta),
    count: bytes.readInt32BE(at + AT.count),
    codec: attributes & CODEC_MASK,
    firstTimestampMs: offsetAt(bytes, at + AT.firstTimestamp),
    maxTimestampMs: offsetAt(bytes, at + AT.maxTimestamp),
    producerId: bytes.readBigInt64BE(at + AT.producerId),
    isLogAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
  }
}

/** What can be told of the batch at `at` by its frame; null where it is cut short, as the end of a fetch may be. */
export const peekBatch = (bytes: Buffer, at: number): { baseOffset: number; bytes: number; problem: string | null } | null => {
  if (at + MAGIC_END > bytes.length) return null
  const baseOffset = offsetAt(bytes, at)
  const size = LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + AT.length)
  const magic = bytes.readInt8(at + AT.magic)
  const refuse = (problem: string) => ({ baseOffset, bytes: bytes.length - at, problem })
  if (magic !== FORMAT) return refuse(`it has format ${magic}, and only format ${FORMAT} (Kafka 0.11 and later) is read`)
  if (size < HEADER_BYTES) return refuse(`it states a size of ${size} bytes`)
  return at + size > bytes.length ? null : { baseOffset, bytes: size, problem: null }
}

/** Whether the whole batch at `at` is as it was written, by its CRC-32C. */
export const isIntact = (bytes: Buffer, at: number, size: number): boolean =>
  bytes.readUInt32BE(at + AT.crc) === checksum(bytes.subarray(at + AT.attributes, at + size))

/** The header of the batch at `at`. Throws RangeError where the batch is not one, or not as it was written. */
export const checkedHeader = (bytes: Buffer, at: number): BatchHeader => {
  const frame = peekBatch(bytes, at)
  if (!frame) throw new RangeError('it is cut short')
  if (frame.problem !== null) throw new RangeError(frame.problem)
  if (!isIntact(bytes, at, frame.bytes)) throw new RangeError('its CRC-32C is wrong')
  const header = readHeader(bytes, at)
  if (header.lastOffset < header.baseOffset || header.count < 0 || header.count > header.lastOffset - header.baseOffset + 1)
    throw new RangeError(`it states ${header.count} records up to offset ${header.lastOffset}`)
  return header
}

/**
 * The offset after a batch that can't be read: never beyond its records, as far as anything tells it. Where its
 * own fields can't be trusted, the batch behind it says where it ends, else the more modest of its two counts.
 */
export const endOfBatch = (bytes: Buffer, at: number): number | null => {
  const frame = peekBatch(bytes, at)
  if (!frame) return null
  if (frame.problem !== null) return frame.baseOffset + 1
  const { lastOffset, count } = readHeader(bytes, at)
  if (isIntact(bytes, at, frame.bytes)) return lastOffset + 1
  const next = peekBatch(bytes, at + frame.bytes)
  if (next) return next.baseOffset
  return Math.min(lastOffset + 1, frame.baseOffset + count)
}
