import { decompress } from './compression.ts'
import { peekBatch, readHeader } from './records/batch-header.ts'

/**
 * Kafka's record batch format, magic 2, as described in Kafka's own protocol documentation
 * ("Record Batch", "Record", "Control Batches").
 */
const HEADER_BYTES = 61
const AT = { length: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, firstTimestamp: 27, maxTimestamp: 35, producerId: 43, count: 57 }
const LOG_OVERHEAD_BYTES = 12
const CODEC_MASK = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const CONTROL_ABORT = 0
const MAX_EXPANDED_BYTES = 256 * 1024 * 1024

export interface AbortedTransaction {
  producerId: string
  firstOffset: string
}

/** What framing alone tells of a run of record batches. */
export interface Frame {
  baseOffset: number
  lastOffset: number
  count: number
  bytes: number
}

/** A record as it lies in the batch; key and value are views that live as long as the buffer. */
export interface KafkaRecord {
  offset: number
  timestampMs: number
  isLogAppendTime: boolean
  key: Buffer | null
  value: Buffer | null
  headers: [string, Buffer | null][]
  /** Set where the record was too large to be held: bytes of its value, which is null here. */
  oversizedBytes?: number
  /** SHA-256 of that value, in hex. */
  oversizedHash?: string
}

const offsetAt = (bytes: Buffer, at: number) => Number(bytes.readBigInt64BE(at))

/**
 * Finds the whole batches at the start of `bytes`; a batch that is cut short (as a fetch may end) is left out.
 * One that can't be a batch is the last of the frame: who reads it says why. Returns null where there is no
 * whole batch.
 */
export const frameBatches = (bytes: Buffer): Frame | null => {
  let frame: Frame | null = null
  for (let batch = peekBatch(bytes, 0); batch; batch = peekBatch(bytes, frame.bytes)) {
    const { baseOffset } = batch
    const at: number = frame?.bytes ?? 0
    frame ??= { baseOffset, lastOffset: baseOffset, count: 0, bytes: 0 }
    frame.bytes = at + batch.bytes
    const { lastOffset, count } = batch.problem === null ? readHeader(bytes, at) : { lastOffset: baseOffset, count: 1 }
    frame.lastOffset = Math.max(frame.lastOffset, baseOffset, lastOffset)
    frame.count += Math.max(0, count)
  }
  return frame
}

/** Which batches belong to aborted transactions, as the broker's list for this fetch says. */
const abortFilter = (aborted: readonly AbortedTransaction[]) => {
  const waiting = aborted
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
    .sort((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<string>()
  return {
    isAborted: (producerId: string, lastOffset: number) => {
      while (waiting[0] && waiting[0].firstOffset <= lastOffset) open.add(waiting.shift()!.producerId)
      return open.has(producerId)
    },
    end: (producerId: string) => void open.delete(producerId),
  }
}

/**
 * Walks the records of whole batches in offset order. Gives what a read_committed consumer gets from
 * `fromOffset` on: no control records, nothing of an aborted transaction. Returns the next offset to fetch.
 */
export const decodeBatches = (
  bytes: Buffer,
  options: { fromOffset: number; aborted?: readonly AbortedTransaction[]; onRecord: (record: KafkaRecord) => void },
): number => {
  const filter = abortFilter(options.aborted ?? [])
  let nextOffset = options.fromOffset
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const end = at + LOG_OVERHEAD_BYTES + bytes.readInt32BE(at + AT.length)
    if (end > bytes.length) break
    const batch = bytes.subarray(at, end)
    const attributes = batch.readInt16BE(AT.attributes)
    const lastOffset = offsetAt(batch, 0) + batch.readInt32BE(AT.lastOffsetDelta)
    const producerId = batch.readBigInt64BE(AT.producerId).toString()
    const isAborted = filter.isAborted(producerId, lastOffset)
    if (attributes & CONTROL) {
      if (isAbortMarker(batch)) filter.end(producerId)
    } else if (!(isAborted && attributes & TRANSACTIONAL) && lastOffset >= options.fromOffset) {
      decodeRecords(batch, attributes, options.fromOffset, options.onRecord)
    }
    nextOffset = Math.max(nextOffset, lastOffset + 1)
    at = end
  }
  return nextOffset
}

const isAbortMarker = (batch: Buffer): boolean => {
  let abort = false
  decodeRecords(batch, batch.readInt16BE(AT.attributes), 0, ({ key }) => {
    abort = key !== null && key.length >= 4 && key.readInt16BE(2) === CONTROL_ABORT
  })
  return abort
}

const decodeRecords = (batch: Buffer, attributes: number, fromOffset: number, onRecord: (record: KafkaRecord) => void) => {
  const baseOffset = offsetAt(batch, 0)
  const firstTimestampMs = offsetAt(batch, AT.firstTimestamp)
  const maxTimestampMs = offsetAt(batch, AT.maxTimestamp)
  const isLogAppendTime = (attributes & LOG_APPEND_TIME) !== 0
  const reader = createReader(decompress(attributes & CODEC_MASK, batch.subarray(HEADER_BYTES), MAX_EXPANDED_BYTES))
  const count = batch.readInt32BE(AT.count)
  for (let index = 0; index < count; index++) {
    const length = reader.varint()
    const end = reader.position() + length
    reader.skip(1)
    const timestampDelta = reader.varint()
    const offset = baseOffset + reader.varint()
    const key = reader.bytes()
    const value = reader.bytes()
    const headers = readHeaders(reader)
    reader.moveTo(end)
    if (offset >= fromOffset) {
      onRecord({
        offset,
        timestampMs: isLogAppendTime ? maxTimestampMs : firstTimestampMs + timestampDelta,
        isLogAppendTime,
        key,
        value,
        headers,
      })
    }
  }
}

type Reader = ReturnType<typeof createReader>

const readHeaders = (reader: Reader): KafkaRecord['headers'] => {
  const headers: KafkaRecord['headers'] = []
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.bytes()
    headers.push([name === null ? '' : name.toString('utf8'), reader.bytes()])
  }
  return headers
}

const createReader = (buffer: Buffer) => {
  let at = 0
  /** Zigzag varint; sums of floats because timestamps go beyond 32 bits. */
  const varint = (): number => {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = buffer[at++]
      if (byte === undefined) throw new RangeError('record batch ends in the middle of a record')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  return {
    varint,
    bytes: (): Buffer | null => {
      const length = varint()
      if (length < 0) return null
      if (at + length > buffer.length) throw new RangeError('record batch ends in the middle of a record')
      at += length
      return buffer.subarray(at - length, at)
    },
    skip: (count: number) => {
      at += count
    },
    position: () => at,
    moveTo: (position: number) => {
      at = position
    },
  }
}
