import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { partitionId } from '../../runtime/kafka/group-consumer.ts'
import { fetchedTo, isAtEnd, isDrained, type SinkPartition } from './partition.ts'
import type { TableSink } from './table-sink.ts'

type Sinks = ReadonlyMap<string, TableSink>
/** Next offset of every partition, by `topic/partition`. */
export type Targets = ReadonlyMap<string, number>

/** The ends of these topics, open transactions aside. */
export const endOffsets = async (client: Pick<KafkaClient, 'topicOffsets'>, topics: readonly string[]): Promise<Targets> => {
  const ends = new Map<string, number>()
  for (const topic of topics)
    for (const { partition, end } of await client.topicOffsets(topic)) ends.set(partitionId({ topic, partition }), end)
  return ends
}

/** Upper bound of the records buffered, and their bytes as fetched. */
export const bufferedOf = (sinks: Iterable<TableSink>) => {
  const size = { rows: 0, bytes: 0 }
  for (const sink of sinks) {
    for (const { reader, pending } of sink.partitions()) {
      size.rows += reader.bufferedCount() + (pending?.records.length ?? 0)
      size.bytes += reader.bufferedBytes() + (pending?.decodedBytes ?? 0)
    }
  }
  return size
}

const everyPartition = (
  sinks: Sinks,
  targets: Targets,
  isReached: (partition: SinkPartition | undefined, id: string, target: number) => boolean,
) => {
  const found = new Map<string, SinkPartition>()
  for (const { topic, partitions } of sinks.values())
    for (const partition of partitions()) found.set(partitionId({ topic, partition: partition.partition }), partition)
  return [...targets].every(([id, target]) => isReached(found.get(id), id, target))
}

type Stopped = ReadonlyMap<string, string>

/** Whether everything before the targets is fetched, committed or not; stopped partitions aside. */
export const hasFetchedAll = (sinks: Sinks, targets: Targets, stopped: Stopped) =>
  everyPartition(sinks, targets, (partition, id, target) => stopped.has(id) || (partition !== undefined && fetchedTo(partition) >= target))

/** Whether everything before the targets is committed; stopped partitions aside. */
export const isCaughtUp = (sinks: Sinks, targets: Targets, stopped: Stopped) =>
  everyPartition(
    sinks,
    targets,
    (partition, id, target) =>
      stopped.has(id) || (partition !== undefined && partition.replay === null && isDrained(partition) && partition.position >= target),
  )

/**
 * Whether each partition was found at its end, or was fetched and the table says up to when it is complete; stopped ones
 * aside. Before the first fetch of a partition to which nothing came, nobody can say that.
 */
export const areEndsKnown = (sinks: Sinks, stopped: Stopped): boolean =>
  [...sinks.values()].every(({ topic, partitions }) =>
    partitions().every(
      (each) =>
        stopped.has(partitionId({ topic, partition: each.partition })) ||
        isAtEnd(each) ||
        (each.end !== null && each.ledger.through !== null),
    ),
  )
