import { type AbortedTransaction, type BatchRecord, batchesOf, recordsOf } from './fetch.ts'

const CONTROL_ABORT = 0

/** A run of offsets and what a read_committed consumer receives of them. */
export interface CommittedBatch {
  /** First offset after the batch. */
  nextOffset: number
  baseOffset: number
  isLogAppendTime: boolean
  /** Time of a record of the batch, epoch milliseconds. */
  timestampOf: (record: BatchRecord) => number
  /** Null where the batch can't be read. */
  records: BatchRecord[] | null
}

/**
 * Walks the batches of one answer as the protocol asks of a consumer: a transactional batch is left out while the
 * broker's list has its producer's transaction as aborted, until that transaction's marker. Control batches deliver
 * nothing. On purpose not the code that the sinks use: it is there to check what they did.
 */
export function* committedBatches(bytes: Buffer, aborted: readonly AbortedTransaction[]): Generator<CommittedBatch> {
  const waiting = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const open = new Set<bigint>()
  for (const batch of batchesOf(bytes)) {
    const { producerId, baseOffset, lastOffset, isControl, isTransactional, isLogAppendTime } = batch
    while (waiting[0] && waiting[0].firstOffset <= BigInt(lastOffset)) open.add(waiting.shift()!.producerId)
    const timestampOf = ({ timestampDelta }: BatchRecord) =>
      isLogAppendTime ? batch.maxTimestampMs : batch.firstTimestampMs + Number(timestampDelta)
    const base = { baseOffset, nextOffset: lastOffset + 1, isLogAppendTime, timestampOf }
    if (!isControl && isTransactional && open.has(producerId)) {
      yield { ...base, records: [] }
      continue
    }
    let records: BatchRecord[]
    try {
      records = recordsOf(batch)
    } catch {
      yield { ...base, nextOffset: Math.max(baseOffset, lastOffset) + 1, records: null }
      continue
    }
    if (isControl && records[0]?.key?.readInt16BE(2) === CONTROL_ABORT) open.delete(producerId)
    yield { ...base, records: isControl ? [] : records }
  }
}
