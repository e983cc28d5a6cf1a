import type { Field } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { PartitionEnd } from '../../runtime/kafka/partition-ends.ts'
import type { RecordChunk, RecordReader } from '../../runtime/kafka/record-reader.ts'
import type { PartitionInput } from '../decode/batches.ts'
import type { Outcomes } from '../stage.ts'
import type { Gap, Ledger } from './ledger.ts'

/** A range that is derived again, on its way: its files are staged, and nobody's until the swap. */
export interface Replay {
  from: number
  /** First offset after the range. */
  until: number
  /** Keys whose later records, up to the table's progress, were derived again as well; none where the range ends there. */
  keys?: ReadonlySet<string>
  /** The counters afterwards, where they are known in another way: from those before it and from what goes. */
  countersAfter?: (before: Outcomes, gone: Outcomes) => Outcomes
  /** The named gaps of the range afterwards; without it there are none in it any more. */
  gapsAfter?: readonly Gap[]
  /** Records of the range and of those keys that were dead letters, by class; only where the range ends before progress. */
  deadBefore?: Outcomes
  adds: AddFile[]
  outcomes: Outcomes
  /** The table's named gaps of this partition, and how many of the derived records lie in them: nobody counted those before. */
  gaps: readonly Gap[]
  filled: number
  /** Columns of the staged rows. */
  fields: readonly Field[]
}

/** One assigned partition of a topic, on its way into the table. */
export interface SinkPartition {
  topicId: string
  partition: number
  /** `<stage>/<cluster id>/<topic id>/<p>`: names this partition's progress in the table. */
  appId: string
  /** What the table says of it. */
  ledger: Ledger
  /** Log start at the assignment: where the partition begins in a table that has nothing of it. */
  logStart: number
  /** Next offset to take from the reader into a flush. */
  position: number
  /** Offsets directly before `position` that Kafka did not deliver, back to the row before. */
  undelivered: number
  reader: RecordReader
  /** Taken from the reader and not committed yet: a flush that fails takes it again. */
  pending: RecordChunk | null
  replay: Replay | null
  /** Where the last fetch found the partition's end; null before the first one. */
  end: PartitionEnd | null
  /** The group's offset as we committed it; null where it is not ours or not known. */
  followedTo: number | null
  /** Where a batch was found corrupt: it is fetched once more before the partition is stopped. */
  corruptAt: number | null
}

/** What may still be taken into a flush. */
export interface Budget {
  records: number
  bytes: number
}

/** Offsets of a chunk after its last record, and before it where it has none, that Kafka did not deliver. */
export const undeliveredAfter = (partition: Pick<SinkPartition, 'undelivered'>, chunk: RecordChunk): number => {
  const last = chunk.records.at(-1)
  return last ? chunk.nextOffset - last.offset - 1 : partition.undelivered + chunk.nextOffset - chunk.fromOffset
}

/** Next offset to fetch. */
export const fetchedTo = (partition: SinkPartition): number =>
  partition.reader.fetchedTo() ?? partition.pending?.nextOffset ?? partition.position

export const isDrained = ({ reader, pending }: SinkPartition): boolean => pending === null && reader.fetchedTo() === null

/** Whether the last fetch found nothing after what is taken of the partition. */
export const isAtEnd = ({ end, position }: SinkPartition): boolean => end !== null && position >= end.offset

/** A replay that has derived its whole range. */
export const isDerived = ({ replay, position }: SinkPartition): boolean => replay !== null && position >= replay.until

/**
 * The next piece of a partition for a flush: what an earlier flush could not commit, or new from the reader, up to the
 * budget, which it uses up. A replay's pieces end at the end of its range. Null where there is nothing.
 */
export const takePiece = async (partition: SinkPartition, budget: Budget): Promise<RecordChunk | null> => {
  if (isDerived(partition)) return null
  if (!partition.pending) {
    if (budget.records <= 0 || budget.bytes <= 0) return null
    const chunk = await partition.reader.take({ maxRecords: budget.records, maxBytes: budget.bytes })
    // Bytes of another position would leave a hole or a double: better to read again.
    if (chunk && chunk.fromOffset !== partition.position)
      throw new ReadflowError('lake-fenced', `records from ${chunk.fromOffset} came where ${partition.position} was expected`)
    partition.pending = chunk && partition.replay ? endingAt(chunk, partition.replay.until) : chunk
  }
  budget.records -= partition.pending?.records.length ?? 0
  budget.bytes -= partition.pending?.decodedBytes ?? 0
  return partition.pending
}

/** A chunk without what lies at or after an offset. */
export const endingAt = (chunk: RecordChunk, until: number): RecordChunk =>
  chunk.nextOffset <= until ? chunk : { ...chunk, records: chunk.records.filter(({ offset }) => offset < until), nextOffset: until }

export const inputOf = (
  topic: string,
  partition: Pick<SinkPartition, 'topicId' | 'partition' | 'undelivered'>,
  chunk: Pick<RecordChunk, 'records' | 'fromOffset' | 'nextOffset'>,
): PartitionInput => ({
  topic,
  topicId: partition.topicId,
  partition: partition.partition,
  records: chunk.records,
  fromOffset: chunk.fromOffset,
  nextOffset: chunk.nextOffset,
  undelivered: partition.undelivered,
})

/** The partition moves past a piece that is committed or staged. */
export const passed = (partition: SinkPartition, chunk: RecordChunk) => {
  partition.undelivered = undeliveredAfter(partition, chunk)
  partition.position = chunk.nextOffset
  partition.pending = null
}

/** Back to what the table has. The stage's state is that of the replay: it must be restored before anything is taken. */
export const abandonReplay = (partition: SinkPartition) => {
  partition.reader.clear()
  partition.replay = null
  partition.pending = null
  partition.position = partition.ledger.progress ?? partition.logStart
}

/** Where the replays of some partitions are. */
export const replayProgress = (partitions: readonly SinkPartition[]) => {
  const replays = partitions.flatMap(({ replay, position }) => (replay ? [{ ...replay, position }] : []))
  return {
    partitions: replays.length,
    derived: replays.reduce((sum, { from, position }) => sum + position - from, 0),
    offsets: replays.reduce((sum, { from, until }) => sum + until - from, 0),
  }
}
