import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { partitionId, type TopicPartition } from '../../runtime/kafka/group-consumer.ts'
import { openRecordReader } from '../../runtime/kafka/record-reader.ts'
import type { Log } from '../../runtime/log.ts'
import type { Stage } from '../stage.ts'
import { gapsOf, offsetsInGaps, progressId, readLedger } from './ledger.ts'
import type { SinkPartition } from './partition.ts'
import { recordGap } from './record-gap.ts'
import { lastOffsetBelow } from './replace-range.ts'
import { whenRoomIsLeft } from './room.ts'
import type { SinkMetrics } from './sink-metrics.ts'
import { type CommittedOffset, decideStart, offsetMetadata, type StartDecision } from './start.ts'
import type { TableSink } from './table-sink.ts'

export interface AssignmentOptions {
  stage: Stage
  client: Pick<KafkaClient, 'clusterId' | 'topicIds' | 'groupOffsets' | 'topicOffsets'>
  sinks: ReadonlyMap<string, TableSink>
  partitions: readonly TopicPartition[]
  /** Goes on where records are lost, and names the gap. */
  isLossAccepted: boolean
  metrics: Pick<SinkMetrics, 'gap'>
  log: Log
  /** Once it is aborted nothing is waited for. */
  signal: AbortSignal
}

export interface Assignment {
  /** The offset to fetch from, by partition; one that is stopped has none. */
  positions: Map<string, number>
  /** Why a partition does not go on, for people. */
  stopped: Map<string, string>
  /** The offset where it is stopped. */
  stoppedAt: Map<string, number>
}

/** Reads where each assigned partition goes on and restores the stage's state to the same table version. */
export const loadAssignment = async (options: AssignmentOptions): Promise<Assignment> => {
  const { stage, client, sinks, partitions } = options
  const assignment: Assignment = { positions: new Map(), stopped: new Map(), stoppedAt: new Map() }
  const topicIds = await client.topicIds([...sinks.keys()])
  const groupOffsets = await client.groupOffsets(stage.groupId, [...sinks.keys()])
  for (const sink of sinks.values()) {
    const { topic } = sink
    const topicId = topicIds.get(topic)
    if (!topicId) throw new ReadflowError('kafka-unavailable', `Kafka does not know the topic ${topic} now.`)
    const wanted = partitions.filter((each) => each.topic === topic).map(({ partition }) => partition)
    const appIds = wanted.map((partition) => progressId({ stage: stage.name, clusterId: client.clusterId, topicId, partition }))
    const snapshot = await whenRoomIsLeft(sink.table, appIds, options)
    // After the snapshot: a log that ends before the table's progress has lost records, and is not just read too early.
    const offsets = await client.topicOffsets(topic)
    const assigned: SinkPartition[] = []
    for (const partition of wanted) {
      const { logStart = 0, end = 0 } = offsets.find((each) => each.partition === partition) ?? {}
      const group = groupOffsets.find((each) => each.topic === topic && each.partition === partition) ?? null
      const loaded = await loadPartition(options, { sink, snapshot, topicId, partition, logStart, logEnd: end, group })
      const id = partitionId({ topic, partition })
      if ('reason' in loaded) {
        assignment.stopped.set(id, loaded.reason)
        assignment.stoppedAt.set(id, loaded.offset)
      } else {
        assigned.push(loaded)
        assignment.positions.set(id, loaded.position)
      }
    }
    await sink.stageTable.restore(
      await sink.table.snapshot(),
      assigned.map(({ topicId: of, partition, replay }) => ({ topicId: of, partition, below: replay?.from })),
    )
    sink.assign(assigned)
  }
  return assignment
}

interface PartitionOptions {
  sink: TableSink
  snapshot: Snapshot
  topicId: string
  partition: number
  logStart: number
  logEnd: number
  group: CommittedOffset | null
}

/** Why a partition does not go on, and where. */
interface Stopped {
  reason: string
  offset: number
}

/** The partition as its decision has it, or why it is stopped. */
const loadPartition = async (
  { stage, client, isLossAccepted, metrics, log }: AssignmentOptions,
  { sink, snapshot, topicId, partition, logStart, logEnd, group }: PartitionOptions,
): Promise<SinkPartition | Stopped> => {
  const { topic, table, stageTable } = sink
  const appId = progressId({ stage: stage.name, clusterId: client.clusterId, topicId, partition })
  const ledger = readLedger(snapshot, appId)
  const identity = { clusterId: client.clusterId, topicId, tableId: snapshot.metadata?.id ?? '' }
  const decision = decideStart({ identity, progress: ledger.progress, logStart, logEnd, group })
  const isFollowed =
    ledger.progress !== null && group?.offset === ledger.progress && group.metadata === offsetMetadata(identity, ledger.progress)
  const loaded: SinkPartition = {
    topicId,
    partition,
    appId,
    ledger,
    logStart,
    position: ledger.progress ?? logStart,
    undelivered: ledger.tail,
    reader: openRecordReader(),
    pending: null,
    replay: null,
    end: null,
    followedTo: isFollowed ? ledger.progress : null,
    corruptAt: null,
  }
  const about = { stage: stage.name, topic, partition }
  switch (decision.kind) {
    case 'go-on':
      if (decision.warning) log.warn(about, decision.warning)
      return loaded
    case 'skip':
      await recordGap({ table, stageTable, metrics, nowMs: Date.now() }, loaded, { to: decision.to, reason: 'skipped' })
      log.warn(
        { ...about, from_offset: decision.from, to_offset: decision.to },
        'the group was moved forward: these offsets are left out, as a named gap',
      )
      return loaded
    case 'replay':
      log.info({ ...about, from_offset: decision.from, to_offset: decision.until }, 'the group was reset: these offsets are derived again')
      return {
        ...loaded,
        position: decision.from,
        undelivered: stageTable.isComplete
          ? await undeliveredBefore(sink, snapshot, { topicId, partition, from: decision.from, start: ledger.start })
          : 0,
        replay: {
          from: decision.from,
          until: decision.until,
          adds: [],
          outcomes: {},
          gaps: gapsOf(snapshot.metadata?.configuration ?? {}, { topicId, partition }),
          filled: 0,
          fields: [],
        },
      }
    default:
      if (decision.kind === 'lost' && isLossAccepted) {
        await recordGap({ table, stageTable, metrics, nowMs: Date.now() }, loaded, { to: decision.to, reason: 'lost' })
        log.warn(
          { ...about, from_offset: decision.from, to_offset: decision.to },
          'the topic no longer has these offsets: a named gap, as accepted',
        )
        return loaded
      }
      return stoppedBecause(topic, partition, decision)
  }
}

const stoppedBecause = (topic: string, partition: number, decision: Extract<StartDecision, { kind: 'lost' | 'ahead' }>): Stopped =>
  decision.kind === 'lost'
    ? {
        offset: decision.from,
        reason: `${topic}/${partition} is stopped: the topic no longer has the offsets ${decision.from} to ${decision.to - 1}. Restart with --accept-loss to go on without them.`,
      }
    : {
        offset: decision.offset,
        reason: `${topic}/${partition} is stopped: the topic ends at ${decision.logEnd}, before the table's progress ${decision.offset}: it lost records that the table has.`,
      }

/** Offsets right before a replay's range that Kafka did not deliver, back to the row before. */
export const undeliveredBefore = async (
  { table }: Pick<TableSink, 'table'>,
  snapshot: Snapshot,
  { topicId, partition, from, start }: { topicId: string; partition: number; from: number; start: number | null },
): Promise<number> => {
  if (start !== null && from <= start) return 0
  const last = await lastOffsetBelow(table, snapshot, { topicId, partition, below: from })
  const next = last === null ? (start ?? from) : last + 1
  return from - next - offsetsInGaps(gapsOf(snapshot.metadata?.configuration ?? {}, { topicId, partition }), next, from)
}
