import { commit } from '../../lake/delta/commit.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { FetchedBytes } from '../../runtime/kafka/group-consumer.ts'
import type { Producer } from '../../runtime/kafka/producer.ts'
import type { PartitionInput } from '../decode/batches.ts'
import type { Outcomes, StageResult, StageTable } from '../stage.ts'

/** One assigned partition of a topic, on its way into the table. */
export interface SinkPartition {
  topicId: string
  partition: number
  /** `<stage>/<cluster id>/<topic id>/<p>`: names this partition's progress in the table. */
  appId: string
  /** Next offset by the table; null before its first commit. */
  progress: number | null
  /** First offset that is not buffered yet. */
  fetchedTo: number
  buffered: FetchedBytes[]
}

export interface FlushReport {
  rows: number
  version: number
  outcomes: Outcomes
  partitions: { partition: number; topicId: string; nextOffset: number }[]
}

/**
 * The way of one topic into its table: buffers whole record batches, and on `flush` transforms them and
 * commits rows, progress and counters in one table version. Dead letters are acknowledged before it.
 */
export const createTableSink = ({
  topic,
  stageTable,
  table,
  producer,
}: {
  topic: string
  stageTable: StageTable
  table: Table
  producer: Producer
}) => {
  let partitions = new Map<number, SinkPartition>()

  const flush = async (): Promise<FlushReport | null> => {
    const taken = [...partitions.values()]
      .filter(({ buffered }) => buffered.length > 0)
      .map((partition) => ({ partition, fetched: [...partition.buffered], nextOffset: partition.fetchedTo }))
    if (taken.length === 0) return null
    const snapshot = await table.snapshot()
    const inputs: PartitionInput[] = taken.map(({ partition, fetched }) => ({
      topic,
      topicId: partition.topicId,
      partition: partition.partition,
      fetched,
    }))
    const result = await stageTable.transform(inputs, snapshot.metadata?.fields ?? [])
    await producer.send(result.deadLetters)
    const adds = result.batch.length > 0 ? await stageFiles(table, result.batch, { partitionColumns: stageTable.partitionColumns }) : []
    const committed = await commit(table, {
      operation: 'STREAMING UPDATE',
      fields: result.batch.fields,
      partitionColumns: stageTable.partitionColumns,
      adds,
      removes: [],
      txns: taken.flatMap(({ partition, nextOffset }) => progressTxns(partition, nextOffset, result, snapshot)),
      requires: { txns: taken.map(({ partition }) => ({ appId: partition.appId, version: partition.progress })) },
    })
    result.accepted()
    for (const { partition, fetched, nextOffset } of taken) {
      partition.progress = nextOffset
      partition.buffered = partition.buffered.slice(fetched.length)
    }
    return {
      rows: result.batch.length,
      version: committed.version,
      outcomes: total(result),
      partitions: taken.map(({ partition, nextOffset }) => ({ partition: partition.partition, topicId: partition.topicId, nextOffset })),
    }
  }

  return {
    topic,
    stageTable,
    table,
    flush,
    assign: (assigned: readonly SinkPartition[]) => {
      partitions = new Map(assigned.map((partition) => [partition.partition, partition]))
    },
    partitions: () => [...partitions.values()],
    buffer: (fetched: FetchedBytes) => {
      const partition = partitions.get(fetched.partition)
      if (!partition) return
      partition.buffered.push(fetched)
      partition.fetchedTo = fetched.lastOffset + 1
    },
  }
}

export type TableSink = ReturnType<typeof createTableSink>

/** Progress and the cumulative counters of one partition. */
const progressTxns = ({ appId, partition }: SinkPartition, nextOffset: number, { outcomes }: StageResult, snapshot: Snapshot) => [
  { appId, version: nextOffset },
  ...Object.entries(outcomes.get(partition) ?? {}).map(([name, count]) => ({
    appId: `${appId}/${name}`,
    version: (snapshot.txns.get(`${appId}/${name}`) ?? 0) + count,
  })),
]

const total = ({ outcomes }: StageResult): Outcomes => {
  const sum: Outcomes = {}
  for (const each of outcomes.values()) for (const [name, count] of Object.entries(each)) sum[name] = (sum[name] ?? 0) + count
  return sum
}
