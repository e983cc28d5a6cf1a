import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { partitionId, type TopicPartition } from '../../runtime/kafka/group-consumer.ts'
import type { Log } from '../../runtime/log.ts'
import type { Stage } from '../stage.ts'
import { decideStart } from './start.ts'
import type { SinkPartition, TableSink } from './table-sink.ts'

interface AssignmentOptions {
  stage: Stage
  client: KafkaClient
  sinks: ReadonlyMap<string, TableSink>
  partitions: readonly TopicPartition[]
  log: Log
}

/**
 * Reads where each assigned partition goes on and restores the stage's state to the same table version.
 * Returns the offset to fetch from, by partition; one whose next records are gone has none and stays paused.
 */
export const loadAssignment = async ({ stage, client, sinks, partitions, log }: AssignmentOptions): Promise<Map<string, number>> => {
  const positions = new Map<string, number>()
  const topicIds = await client.topicIds([...sinks.keys()])
  const groupOffsets = await client.groupOffsets(stage.groupId, [...sinks.keys()])
  for (const sink of sinks.values()) {
    const { topic } = sink
    const mine = partitions.filter((each) => each.topic === topic)
    const topicId = topicIds.get(topic)
    if (!topicId) throw new ReadflowError('kafka-unavailable', `Kafka does not know the topic ${topic} now.`)
    const snapshot = await sink.table.snapshot()
    const starts = new Map((await client.topicOffsets(topic)).map(({ partition, logStart }) => [partition, logStart]))
    const identity = { clusterId: client.clusterId, topicId, tableId: snapshot.metadata?.id ?? '' }
    const assigned: SinkPartition[] = []
    for (const { partition } of mine) {
      const appId = `${stage.name}/${client.clusterId}/${topicId}/${partition}`
      const progress = snapshot.txns.get(appId) ?? null
      const group = groupOffsets.find((each) => each.topic === topic && each.partition === partition) ?? null
      const decision = decideStart({ identity, progress, logStart: starts.get(partition) ?? 0, group })
      if (decision.kind === 'lost') {
        log.error(
          { stage: stage.name, topic, partition, from: decision.from, to: decision.to },
          'the topic no longer has these offsets; the partition is stopped',
        )
        continue
      }
      if (decision.warning) log.warn({ stage: stage.name, topic, partition }, decision.warning)
      assigned.push({ topicId, partition, appId, progress, fetchedTo: decision.offset, buffered: [] })
      positions.set(partitionId({ topic, partition }), decision.offset)
    }
    await sink.stageTable.restore(snapshot, assigned)
    sink.assign(assigned)
  }
  return positions
}
