import type { Position, SourceBatch, SourceRecord } from '../source.ts'

/** A batch is due when it has as much as this, or is this old. */
const MAX_RECORDS = 2000
const MAX_RAW_BYTES = 4 * 1024 * 1024
const MAX_AGE_MS = 5000

/** Collects records until they are worth a batch. Arrays that were handed out are not touched again. */
export const createBatcher = ({ positionNow, nowMs }: { positionNow: () => Position; nowMs: () => number }) => {
  let records: SourceRecord[] = []
  let rawBytes = 0
  let sinceMs = nowMs()
  return {
    add: (more: SourceRecord[]): void => {
      for (const record of more) {
        if (record.entity === 'raw') rawBytes += record.value.body.length
        records.push(record)
      }
    },
    isEmpty: () => records.length === 0,
    isDue: () => records.length >= MAX_RECORDS || rawBytes >= MAX_RAW_BYTES || (records.length > 0 && nowMs() - sinceMs >= MAX_AGE_MS),
    /** What was collected, with the position that covers it. */
    flush: (): SourceBatch => {
      const batch = { records, position: positionNow() }
      records = []
      rawBytes = 0
      sinceMs = nowMs()
      return batch
    },
  }
}
