import { peekBatch, readHeader } from './records/batch-header.ts'

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
