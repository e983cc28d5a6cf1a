import type { KafkaRecord } from '../record-batch.ts'
import { type BatchHeader, HEADER_BYTES } from './batch-header.ts'
import { createByteWindow, malformed } from './byte-window.ts'
import { expand } from './expand.ts'
import { readOversized } from './oversized.ts'

/** Where records are put, until it is full. */
export interface RecordSink {
  /** Records before it are passed over. */
  fromOffset: number
  maxRecords: number
  maxBytes: number
  records: KafkaRecord[]
  decodedBytes: number
}

/**
 * Reads the records of one batch in offset order, as far as a sink has room; the next `readInto` goes on
 * behind the last. Only a part of what the batch expands to is in memory. Throws RangeError where the bytes are
 * not records.
 */
export const openBatchRecords = (
  batch: Buffer,
  header: BatchHeader,
  { maxRecordBytes, maxExpandedBytes }: { maxRecordBytes: number; maxExpandedBytes: number },
) => {
  const window = createByteWindow(expand(header.codec, batch.subarray(HEADER_BYTES), maxExpandedBytes))
  let left = header.count
  let lastOffset = header.baseOffset - 1

  const checkedOffset = (delta: number): number => {
    const offset = header.baseOffset + delta
    if (offset <= lastOffset || offset > header.lastOffset) throw malformed(`a record has offset ${offset}, out of order`)
    return offset
  }
  const timestampMs = (delta: number) => (header.isLogAppendTime ? header.maxTimestampMs : header.firstTimestampMs + delta)

  const readWhole = (end: number): KafkaRecord => {
    window.take(1)
    const timestampDelta = window.varint()
    const offset = checkedOffset(window.varint())
    const key = window.bytes()
    const value = window.bytes()
    const headers = window.headers()
    if (window.position() !== end) throw malformed(`the record at offset ${offset} is longer than its fields`)
    return { offset, timestampMs: timestampMs(timestampDelta), isLogAppendTime: header.isLogAppendTime, key, value, headers }
  }

  const add = (record: KafkaRecord, sink: RecordSink) => {
    lastOffset = record.offset
    if (record.offset < sink.fromOffset) return
    sink.records.push(record)
    sink.decodedBytes += decodedBytes(record)
  }

  /** Reads what lies whole in the window. Returns how many bytes the next record needs, or why it stopped. */
  const readWindow = (sink: RecordSink): { needs: number } | { oversized: number } | 'full' | 'end' => {
    for (; left > 0; left--) {
      const start = window.position()
      if (!window.hasVarint()) return { needs: window.available() + 1 }
      const length = window.varint()
      if (length < 0) throw malformed('a record has a negative length')
      const isFull = sink.records.length > 0 && (sink.records.length >= sink.maxRecords || sink.decodedBytes + length > sink.maxBytes)
      const isWhole = window.available() >= length
      if (isFull || (!isWhole && length <= maxRecordBytes)) {
        const needs = window.position() - start + length
        window.moveTo(start)
        return isFull ? 'full' : { needs }
      }
      if (length > maxRecordBytes) return { oversized: length }
      add(readWhole(window.position() + length), sink)
    }
    return 'end'
  }

  return {
    header,
    /** Next offset after what was read. */
    nextOffset: () => lastOffset + 1,
    /** Upper bound of the records that are left. */
    left: () => left,
    /** Returns whether the batch was read to its end; else the sink is full. */
    readInto: async (sink: RecordSink): Promise<boolean> => {
      for (;;) {
        const state = readWindow(sink)
        if (state === 'full') return false
        if (state === 'end') break
        if ('oversized' in state) {
          const { timestampDelta, offsetDelta, ...rest } = await readOversized(window, state.oversized, maxRecordBytes)
          left--
          const offset = checkedOffset(offsetDelta)
          add({ offset, timestampMs: timestampMs(timestampDelta), isLogAppendTime: header.isLogAppendTime, ...rest }, sink)
        } else if (!(await window.fill(state.needs))) throw malformed('it ends before its last record')
      }
      if (await window.fill(1)) throw malformed('it goes on after its last record')
      return true
    },
    close: window.close,
  }
}

export type BatchRecords = ReturnType<typeof openBatchRecords>

const decodedBytes = ({ key, value, headers }: KafkaRecord): number => {
  let sum = (key?.length ?? 0) + (value?.length ?? 0)
  for (const [name, bytes] of headers) sum += name.length + (bytes?.length ?? 0)
  return sum
}
