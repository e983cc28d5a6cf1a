import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { TableSink } from './table-sink.ts'

/** Next offset of every partition of these topics, by `topic/partition`. */
export const endOffsets = async (client: KafkaClient, topics: readonly string[]) => {
  const ends = new Map<string, number>()
  for (const topic of topics) for (const { partition, end } of await client.topicOffsets(topic)) ends.set(`${topic}/${partition}`, end)
  return ends
}

const everyPartition = (
  sinks: Map<string, TableSink>,
  targets: Map<string, number>,
  reached: (sink: TableSink, partition: number, target: number) => boolean,
) =>
  [...targets].every(([id, target]) => {
    const at = id.lastIndexOf('/')
    const sink = sinks.get(id.slice(0, at))
    return sink !== undefined && reached(sink, Number(id.slice(at + 1)), target)
  })

/** Upper bound of the records buffered, and their bytes as fetched. */
export const bufferedOf = (sinks: Map<string, TableSink>) => {
  const size = { rows: 0, bytes: 0 }
  for (const sink of sinks.values()) {
    for (const { buffered } of sink.partitions()) {
      for (const { count, bytes } of buffered) {
        size.rows += count
        size.bytes += bytes.length
      }
    }
  }
  return size
}

const partitionOf = (sink: TableSink, partition: number) => sink.partitions().find((each) => each.partition === partition)

/** Whether everything before the targets is fetched, committed or not. */
export const hasFetchedAll = (sinks: Map<string, TableSink>, targets: Map<string, number>) =>
  everyPartition(sinks, targets, (sink, partition, target) => (partitionOf(sink, partition)?.fetchedTo ?? -1) >= target)

/** Whether everything before the targets is committed. */
export const isCaughtUp = (sinks: Map<string, TableSink>, targets: Map<string, number>) =>
  everyPartition(sinks, targets, (sink, partition, target) => {
    const of = partitionOf(sink, partition)
    return of !== undefined && of.buffered.length === 0 && of.fetchedTo >= target
  })
