import type { Table } from '../../lake/delta/table.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { TopicNow } from '../../runtime/kafka/client.ts'
import type { FetchedBytes } from '../../runtime/kafka/group-consumer.ts'
import type { PartitionEnd } from '../../runtime/kafka/partition-ends.ts'
import type { Producer } from '../../runtime/kafka/producer.ts'
import { CorruptBatchError } from '../../runtime/kafka/records/corrupt-batch.ts'
import type { OffsetRange } from '../../runtime/log-fields.ts'
import { addCounts, type Outcomes, type StageTable } from '../stage.ts'
import { commitPieces, commitThrough, type Piece } from './commit-flush.ts'
import { type Budget, inputOf, isDerived, isDrained, type SinkPartition, takePiece } from './partition.ts'
import { addPollIds } from './poll-ids.ts'
import { fieldsWithStaged, isReplaying, type SwapOptions, stagePiece, swapReplays } from './replay.ts'
import type { FlushMeasures } from './sink-metrics.ts'
import { createStopwatch, type TimeStep } from './stopwatch.ts'
import { changedThrough, type Through } from './through.ts'

export interface FlushReport {
  rows: number
  version: number
  outcomes: Outcomes
  /** What was taken of each partition. */
  ranges: OffsetRange[]
  /** The polls that published it. */
  pollIds: ReadonlySet<string>
  /** Partitions whose replay is done: they are fetched from their progress on. */
  replayed: SinkPartition[]
  /** What was derived again of each of them. */
  replayedRanges: OffsetRange[]
  /** Partitions whose next batch is damaged. */
  corrupt: { partition: SinkPartition; error: CorruptBatchError }[]
  measures: FlushMeasures
}

export interface TableSinkOptions {
  topic: string
  stageTable: StageTable
  table: Table
  producer: Pick<Producer, 'send'>
  /** The topic as the cluster has it now; undefined where it has no such topic. */
  topicNow: (topic: string) => Promise<TopicNow | undefined>
  deadLetterOrigins: SwapOptions['deadLetterOrigins']
}

/**
 * The way of one topic into its table: buffers whole record batches, and on `flush` transforms what fits into one
 * flush and commits rows, progress and counters in one table version. Dead letters are acknowledged before it.
 */
export const createTableSink = (options: TableSinkOptions) => {
  const { topic, stageTable, table, producer } = options
  let partitions = new Map<number, SinkPartition>()

  /** What was fetched from a topic that is gone must not be taken for records of its successor. Gives its number of partitions. */
  const checkTopic = async (of: readonly SinkPartition[]): Promise<number> => {
    const now = await options.topicNow(topic)
    const stale = of.find(({ topicId }) => topicId !== now?.id)
    if (now && !stale) return now.partitions
    throw new ReadflowError('topic-changed', `the topic ${topic} is not the one that was read: it was deleted and made anew`)
  }

  const derive = async (pieces: readonly Piece[], time: TimeStep) => {
    const { fields = [] } = (await table.snapshot()).metadata ?? {}
    const inputs = pieces.map(({ partition, chunk }) => inputOf(topic, partition, chunk))
    const tableFields = fieldsWithStaged(fields, [...partitions.values()])
    const result = await time('decode', () => stageTable.transform(inputs, tableFields))
    await time('dead_letters', () => producer.send(result.deadLetters))
    return result
  }

  /** As of before the topic is checked: a partition that was added until then is counted. */
  const throughsWith = (pieces: readonly Piece[]): Through[] => {
    const chunks = new Map(pieces.map(({ partition, chunk }) => [partition, chunk]))
    return [...partitions.values()].flatMap((partition) => changedThrough(partition, chunks.get(partition) ?? null) ?? [])
  }

  /** Commits up to when the partitions are complete, where that has changed since the last commit. Gives whether it has. */
  const renewThrough = async (): Promise<boolean> => {
    const throughs = throughsWith([])
    if (throughs.length === 0) return false
    const partitionCount = await checkTopic(throughs.map(({ partition }) => partition))
    await commitThrough({ table, stageTable, snapshot: await table.recent(), partitionCount }, throughs)
    return true
  }

  const flushReplays = async (pieces: readonly Piece[], report: FlushReport, time: TimeStep) => {
    for (const piece of pieces) {
      const result = await derive([piece], time)
      await stagePiece({ table, stageTable, time }, piece, result)
      result.accepted()
      report.measures.replayed += piece.chunk.records.length
      report.rows += result.batch.length
      for (const outcomes of result.outcomes.values()) addCounts(report.outcomes, outcomes)
    }
    const replaying = [...partitions.values()].filter(isReplaying)
    // Together, so that a reader sees a reset of several partitions whole.
    if (replaying.length === 0 || !replaying.every(isDerived)) return
    await checkTopic(replaying)
    const replayedRanges = replaying.map(({ partition, replay }) => ({ partition, from_offset: replay.from, to_offset: replay.until }))
    const { deadLetterOrigins } = options
    const { version } = await time('commit', () => swapReplays({ table, stageTable, deadLetterOrigins }, replaying))
    report.version = version
    report.replayed = replaying
    report.replayedRanges = replayedRanges
  }

  const flushNew = async (pieces: readonly Piece[], report: FlushReport, time: TimeStep) => {
    if (pieces.length === 0) return
    const throughs = throughsWith(pieces)
    const result = await derive(pieces, time)
    const partitionCount = await checkTopic([...partitions.values()])
    const committed = await commitPieces({ table, stageTable, snapshot: table.known(), partitionCount, time }, pieces, result, throughs)
    result.accepted()
    report.rows += result.batch.length
    report.version = committed.version
    for (const outcomes of result.outcomes.values()) {
      addCounts(report.outcomes, outcomes)
      addCounts(report.measures.committed, outcomes)
    }
  }

  /**
   * Commits one flush of what is buffered, up to the budget; null where nothing is. Faults leave everything as it was:
   * the same pieces are taken again.
   */
  const flush = async (limits: Budget): Promise<FlushReport | null> => {
    const budget = { ...limits }
    const pieces: Piece[] = []
    const { time, stepsMs } = createStopwatch()
    const measures = { committed: {}, replayed: 0, records: 0, bytes: 0, stepsMs }
    const pollIds = new Set<string>()
    const ranges: OffsetRange[] = []
    const taken = { rows: 0, version: table.known().version, outcomes: {}, ranges, pollIds }
    const report: FlushReport = { ...taken, replayed: [], replayedRanges: [], corrupt: [], measures }
    for (const partition of partitions.values()) {
      const chunk = await time('decode', () => takePiece(partition, budget)).catch((error: unknown) => {
        if (!(error instanceof CorruptBatchError)) throw error
        report.corrupt.push({ partition, error })
        return null
      })
      if (!chunk) continue
      pieces.push({ partition, chunk })
      ranges.push({ partition: partition.partition, from_offset: chunk.fromOffset, to_offset: chunk.nextOffset })
      addPollIds(chunk.records, pollIds)
      measures.records += chunk.records.length
      measures.bytes += chunk.decodedBytes
    }
    const replaying = [...partitions.values()].filter(isReplaying)
    const isSwapDue = replaying.length > 0 && replaying.every(isDerived)
    if (pieces.length === 0 && report.corrupt.length === 0 && !isSwapDue) return null
    await flushNew(
      pieces.filter(({ partition }) => !partition.replay),
      report,
      time,
    )
    await flushReplays(
      pieces.filter(({ partition }) => partition.replay),
      report,
      time,
    )
    return report
  }

  return {
    topic,
    stageTable,
    table,
    flush,
    renewThrough,
    assign: (assigned: readonly SinkPartition[]) => {
      for (const { reader } of partitions.values()) reader.clear()
      partitions = new Map(assigned.map((partition) => [partition.partition, partition]))
    },
    partitions: () => [...partitions.values()],
    isDrained: () => [...partitions.values()].every(isDrained),
    ended: (partition: number, end: PartitionEnd) => {
      const of = partitions.get(partition)
      if (of) of.end = end
    },
    buffer: (fetched: FetchedBytes) => partitions.get(fetched.partition)?.reader.push(fetched),
  }
}

export type TableSink = ReturnType<typeof createTableSink>
