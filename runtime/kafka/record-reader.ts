import type { FetchedBytes } from './group-consumer.ts'
import type { KafkaRecord } from './record-batch.ts'
import { type AbortFilter, createAbortFilter } from './records/abort-filter.ts'
import { type BatchHeader, checkedHeader, endOfBatch, peekBatch } from './records/batch-header.ts'
import { type BatchRecords, openBatchRecords, type RecordSink } from './records/batch-records.ts'
import { CorruptBatchError } from './records/corrupt-batch.ts'

export interface RecordChunk {
  /** Delivered records (read_committed) in offset order. Their buffers are views of a piece of the batch. */
  records: KafkaRecord[]
  /** First offset that this chunk covers. */
  fromOffset: number
  /** Progress after it: everything in [fromOffset, nextOffset) is either in `records` or was not delivered. */
  nextOffset: number
  /** Bytes of keys, values and headers held by it. */
  decodedBytes: number
}

export interface RecordReader {
  /** Whole record batches as fetched, each fetch where the one before it ended. */
  push: (fetched: FetchedBytes) => void
  /**
   * The next records, within the limits or one record, however large; null when nothing is buffered. A chunk
   * holds a record or moves `nextOffset` on. It may end in the middle of a batch; the next one goes on there.
   * Throws CorruptBatchError when it begins at a corrupt batch. One call at a time.
   */
  take: (limits: { maxRecords: number; maxBytes: number }) => Promise<RecordChunk | null>
  /** Bytes held as fetched, from the batch that is being read on. */
  bufferedBytes: () => number
  /** Upper bound of the records held. */
  bufferedCount: () => number
  /** Next offset to fetch; null when nothing is buffered. */
  fetchedTo: () => number | null
  /** Drops everything. */
  clear: () => void
}

interface Fetch extends FetchedBytes {
  /** Where the next batch begins in `bytes`. */
  at: number
  /** Least offset that the next batch may begin at. */
  nextBase: number
  /** Upper bound of the records from `at` on. */
  left: number
  filter: AbortFilter
}

const MAX_RECORD_BYTES = 32 * 1024 * 1024
const MAX_EXPANDED_BYTES = 1024 * 1024
const CONTROL_ABORT = 0

/**
 * Reads the records of one partition from what was fetched of it, a bounded part at a time. Every batch's
 * CRC-32C is checked, and no more than about `maxExpandedBytes` of a batch are expanded at once; a single record
 * of more than `maxRecordBytes` is delivered without its value (`oversizedBytes`).
 */
export const openRecordReader = ({
  maxRecordBytes = MAX_RECORD_BYTES,
  maxExpandedBytes = MAX_EXPANDED_BYTES,
}: {
  maxRecordBytes?: number
  maxExpandedBytes?: number
} = {}): RecordReader => {
  const limits = { maxRecordBytes, maxExpandedBytes }
  let fetches: Fetch[] = []
  let current: BatchRecords | null = null
  let position = 0
  /** Raised by `clear`, so that a `take` that waits for bytes gives nothing. */
  let generation = 0

  const corrupt = ({ topic, partition, bytes, at }: Fetch, cause: Error) => {
    const baseOffset = peekBatch(bytes, at)?.baseOffset ?? position
    const toOffset = Math.max(position + 1, endOfBatch(bytes, at) ?? 0)
    return new CorruptBatchError({ topic, partition, baseOffset, fromOffset: position, toOffset }, cause)
  }

  const nextHeader = ({ bytes, at, nextBase }: Fetch): BatchHeader => {
    const header = checkedHeader(bytes, at)
    if (header.baseOffset < nextBase) throw new RangeError(`it begins before offset ${nextBase}, where the batch before it ended`)
    return header
  }

  /** Ends the batch that stands at the head. */
  const passBatch = (fetch: Fetch, { lastOffset, bytes, count }: BatchHeader) => {
    current?.close()
    current = null
    position = Math.max(position, lastOffset + 1)
    fetch.at += bytes
    fetch.nextBase = lastOffset + 1
    fetch.left -= count
  }

  /** Reads on in the first batch of `fetch`. Returns whether it was read to its end. */
  const readBatch = async (fetch: Fetch, sink: RecordSink): Promise<boolean> => {
    const mine = generation
    const header = current?.header ?? nextHeader(fetch)
    const batch = fetch.bytes.subarray(fetch.at, fetch.at + header.bytes)
    if (!current) {
      const isAborted = fetch.filter.isAborted(header)
      if (header.isControl && (await isAbortMarker(batch, header, limits))) fetch.filter.end(header.producerId)
      if (mine !== generation) return false
      if (header.isControl || isAborted || header.count === 0 || header.lastOffset < position) {
        passBatch(fetch, header)
        return true
      }
      current = openBatchRecords(batch, header, limits)
    }
    const records = current
    const isEnd = await records.readInto(sink)
    if (mine !== generation) return false
    if (isEnd) passBatch(fetch, header)
    else position = Math.max(position, records.nextOffset())
    return isEnd
  }

  /** Reads from the fetches until the sink is full or nothing is left. Throws RangeError at a corrupt batch. */
  const readFetches = async (sink: RecordSink) => {
    const mine = generation
    while (mine === generation && sink.records.length < sink.maxRecords && sink.decodedBytes < sink.maxBytes) {
      const fetch = fetches[0]
      if (!fetch) return
      if (position > fetch.lastOffset) fetches.shift()
      else if (!(await readBatch(fetch, sink))) return
    }
  }

  const take: RecordReader['take'] = async ({ maxRecords, maxBytes }) => {
    if (fetches.length === 0) return null
    const mine = generation
    const fromOffset = position
    const sink: RecordSink = {
      fromOffset,
      maxRecords: Math.max(1, maxRecords),
      maxBytes: Math.max(1, maxBytes),
      records: [],
      decodedBytes: 0,
    }
    try {
      await readFetches(sink)
    } catch (error) {
      if (mine === generation) {
        // What comes before the corrupt batch, or before the corrupt part of it, is delivered first.
        if (current) position = Math.max(position, current.nextOffset())
        current?.close()
        current = null
        const fetch = fetches[0]
        if (!(error instanceof RangeError) || !fetch) throw error
        if (position === fromOffset) throw corrupt(fetch, error)
      }
    }
    if (mine !== generation || (position === fromOffset && fetches.length === 0)) return null
    return { records: sink.records, fromOffset, nextOffset: position, decodedBytes: sink.decodedBytes }
  }

  return {
    take,
    push: (fetched) => {
      const last = fetches.at(-1)
      if (last && fetched.fetchedOffset !== last.lastOffset + 1)
        throw new Error(`fetched from offset ${fetched.fetchedOffset}, but ${last.lastOffset + 1} is next`)
      if (!last) position = fetched.fetchedOffset
      fetches.push({ ...fetched, at: 0, nextBase: 0, left: fetched.count, filter: createAbortFilter(fetched.aborted) })
    },
    bufferedBytes: () => fetches.reduce((sum, { bytes, at }) => sum + bytes.length - at, 0),
    bufferedCount: () =>
      fetches.reduce((sum, { left }) => sum + Math.max(0, left), 0) - (current ? current.header.count - current.left() : 0),
    fetchedTo: () => {
      const last = fetches.at(-1)
      return last ? last.lastOffset + 1 : null
    },
    clear: () => {
      generation++
      current?.close()
      current = null
      fetches = []
    },
  }
}

/** Whether a control batch says that its producer's transaction was aborted. A compacted one may be empty. */
const isAbortMarker = async (
  batch: Buffer,
  header: BatchHeader,
  limits: { maxRecordBytes: number; maxExpandedBytes: number },
): Promise<boolean> => {
  const sink: RecordSink = { fromOffset: 0, maxRecords: header.count, maxBytes: Number.POSITIVE_INFINITY, records: [], decodedBytes: 0 }
  await openBatchRecords(batch, header, limits).readInto(sink)
  const key = sink.records[0]?.key
  return key != null && key.length >= 4 && key.readInt16BE(2) === CONTROL_ABORT
}
