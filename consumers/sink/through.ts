import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { PartitionEnd } from '../../runtime/kafka/partition-ends.ts'
import type { RecordChunk } from '../../runtime/kafka/record-reader.ts'
import { partitionCountId, throughId } from '../../schemas/through.ts'
import type { SinkPartition } from './partition.ts'

/** What is known of a partition when a commit moves it. */
interface ThroughInput {
  /** What the table says. */
  throughMs: number | null
  /** Where the last fetch found the partition's end. */
  end: PartitionEnd | null
  nowMs: number
}

/**
 * Epoch ms before which all that Kafka got for a partition is in the table once a chunk is committed: when its last record
 * was appended, and where it reaches the partition's end, when that was looked for. A producer's time says nothing of
 * what is to come. It goes back only where a record, or our own clock, shows that it was wrong. Pure.
 */
export const throughAfter = (
  { throughMs, end, nowMs }: ThroughInput,
  { records, nextOffset }: Pick<RecordChunk, 'records' | 'nextOffset'>,
): number | null => {
  const [first, last] = [records[0], records.at(-1)]
  const known: number[] = []
  if (last?.isLogAppendTime) known.push(last.timestampMs)
  if (end && nextOffset >= end.offset) known.push(end.asOfMs)
  if (known.length === 0) return throughMs
  const reachedMs = Math.min(nowMs, Math.max(...known))
  const isWrong = throughMs !== null && (throughMs > nowMs || (first?.isLogAppendTime === true && first.timestampMs < throughMs))
  return throughMs === null || isWrong ? reachedMs : Math.max(throughMs, reachedMs)
}

/** A partition whose `P/through` a commit changes. */
export interface Through {
  partition: SinkPartition
  throughMs: number
}

/** What a commit says of a partition that it moves by a chunk, or leaves where it is; null where nothing changes. */
export const changedThrough = (partition: SinkPartition, chunk: Pick<RecordChunk, 'records' | 'nextOffset'> | null): Through | null => {
  const { ledger, end, position, replay } = partition
  if (replay) return null
  const throughMs = throughAfter({ throughMs: ledger.through, end, nowMs: Date.now() }, chunk ?? { records: [], nextOffset: position })
  return throughMs === null || throughMs === ledger.through ? null : { partition, throughMs }
}

/** The `txn` actions that keep it, with how many partitions the topic has; and what they require. */
export const throughTxns = (snapshot: Snapshot, throughs: readonly Through[], partitions: number) => {
  const counts = new Set(throughs.map(({ partition }) => partitionCountId(partition.appId)))
  return {
    txns: [
      ...throughs.map(({ partition, throughMs }) => ({ appId: throughId(partition.appId), version: throughMs })),
      ...[...counts].filter((appId) => partitions > (snapshot.txns.get(appId) ?? 0)).map((appId) => ({ appId, version: partitions })),
    ],
    requires: throughs.map(({ partition: { appId, ledger } }) => ({ appId: throughId(appId), version: ledger.through })),
  }
}

/** Notes what was committed. */
export const throughCommitted = (throughs: readonly Through[]) => {
  for (const { partition, throughMs } of throughs) partition.ledger = { ...partition.ledger, through: throughMs }
}
