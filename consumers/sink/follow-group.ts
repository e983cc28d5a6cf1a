import { errorLine } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { GroupConsumer, OffsetCommit } from '../../runtime/kafka/group-consumer.ts'
import type { Log } from '../../runtime/log.ts'
import type { Stage } from '../stage.ts'
import type { SinkPartition } from './partition.ts'
import { offsetMetadata } from './start.ts'
import type { TableSink } from './table-sink.ts'

export interface FollowOptions {
  stage: Pick<Stage, 'name'>
  client: Pick<KafkaClient, 'clusterId'>
  sinks: readonly TableSink[]
  consumer: Pick<GroupConsumer, 'commitOffsets'>
  log: Log
}

/**
 * Lets the group's offsets follow the tables' progress, for people's tools to see. A partition that is replayed keeps
 * the offset that a person gave it until its swap. A failure costs nothing: progress is in the table, and the next
 * flush tries again.
 */
export const followGroup = async ({ stage, client, sinks, consumer, log }: FollowOptions) => {
  const behind: { partition: SinkPartition; commit: OffsetCommit }[] = []
  for (const { topic, table, partitions } of sinks) {
    const tableId = table.known().metadata?.id ?? ''
    for (const partition of partitions()) {
      const { progress } = partition.ledger
      if (progress === null || partition.replay || partition.followedTo === progress) continue
      const metadata = offsetMetadata({ clusterId: client.clusterId, topicId: partition.topicId, tableId }, progress)
      behind.push({ partition, commit: { topic, partition: partition.partition, offset: progress, metadata } })
    }
  }
  if (behind.length === 0) return
  try {
    await consumer.commitOffsets(behind.map(({ commit }) => commit))
    for (const { partition, commit } of behind) partition.followedTo = commit.offset
  } catch (error) {
    log.warn({ stage: stage.name, error: errorLine(error) }, 'group offsets not committed; they follow with the next flush')
  }
}
