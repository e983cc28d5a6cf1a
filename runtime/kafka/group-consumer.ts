import { ReadflowError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { KafkaClient } from './client.ts'
import { onFetchAnswered, onOffsetOutOfRange, type PartitionBytes } from './kafkajs.ts'
import { createPartitionEnds, type PartitionEnd } from './partition-ends.ts'
import type { AbortedTransaction } from './record-batch.ts'

export interface TopicPartition {
  topic: string
  partition: number
}

/** Whole record batches of one partition, as fetched. */
export interface FetchedBytes extends TopicPartition {
  /** Offset that was asked for; earlier records in the first batch are not wanted. */
  fetchedOffset: number
  lastOffset: number
  /** Upper bound of the records in it. */
  count: number
  bytes: Buffer
  aborted: readonly AbortedTransaction[]
}

export interface OffsetCommit extends TopicPartition {
  offset: number
  metadata: string
}

export interface GroupHandlers {
  /** The group gave out its partitions anew: so many are this member's. */
  joined?: (partitions: number) => void
  /**
   * A new assignment: forget all that was fetched, and say where each partition goes on. Nothing is fetched
   * until it resolves. A partition without a position stays paused.
   */
  assigned: (partitions: TopicPartition[]) => Promise<Map<string, number>>
  /** Fetched bytes in order, without gaps. Fetching goes on when it resolves; call `heartbeat` while it takes long. */
  data: (fetched: FetchedBytes, heartbeat: () => Promise<void>) => Promise<void>
  /** Where a fetch found a partition's end, before `data` of the same fetch; also where it brought nothing. */
  ended?: (partition: TopicPartition, end: PartitionEnd) => void
  /** The topic no longer has the next offset; the partition is paused. */
  outOfRange: (partition: TopicPartition) => void
  /** The consumer can't go on; called once. */
  failed: (error: Error) => void
}

const SESSION_TIMEOUT_MS = 15_000

export const partitionId = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`

/** What an id names; a topic's name has no slash. */
export const topicPartition = (id: string): TopicPartition => {
  const [topic = '', partition] = id.split('/')
  return { topic, partition: Number(partition) }
}

const groupByTopic = (partitions: readonly TopicPartition[]) =>
  [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, list]) => ({ topic, partitions: list.map(({ partition }) => partition) }))

/** Errors of a heartbeat after which kafkajs joins the group again by itself. */
const rejoined: ReadonlySet<unknown> = new Set([
  'REBALANCE_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
])
const isJoiningAgain = (error: unknown): boolean => error instanceof Error && 'type' in error && rejoined.has(error.type)

/**
 * A member of a consumer group whose positions are ours: nothing is committed unless told, and each
 * assignment starts at the offsets that `assigned` gives.
 */
export const openGroupConsumer = async (options: {
  client: KafkaClient
  groupId: string
  topics: readonly string[]
  /** Bounds one fetch, of one partition and of all together; a larger record batch comes alone. */
  fetch: { maxBytes: number; maxBytesPerPartition: number }
  /** How long this member may be silent before its partitions go to another. */
  sessionTimeoutMs?: number
  handlers: GroupHandlers
  log: Log
}) => {
  const { handlers, log, groupId, sessionTimeoutMs = SESSION_TIMEOUT_MS } = options
  const consumer = options.client.kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxBytes: options.fetch.maxBytes,
    maxBytesPerPartition: options.fetch.maxBytesPerPartition,
    maxWaitTimeInMs: 500,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 60_000,
    heartbeatInterval: Math.floor(sessionTimeoutMs / 5),
    metadataMaxAge: 30_000,
    retry: { retries: 1_000_000, initialRetryTime: 100, maxRetryTime: 3000, restartOnFailure: async () => true },
  })
  /** Next offset wanted of each partition that is being fetched; a partition that isn't there is not ready. */
  let positions = new Map<string, number>()
  let generation = 0

  const assign = async (partitions: TopicPartition[]) => {
    const mine = ++generation
    positions = new Map()
    if (partitions.length === 0) return
    consumer.pause(groupByTopic(partitions))
    const starts = await handlers.assigned(partitions)
    if (mine !== generation) return
    const known = partitions.filter((partition) => starts.has(partitionId(partition)))
    for (const partition of known) {
      const offset = starts.get(partitionId(partition)) ?? 0
      positions.set(partitionId(partition), offset)
      consumer.seek({ ...partition, offset: String(offset) })
    }
    consumer.resume(groupByTopic(known))
  }

  let lastAssignment: TopicPartition[] = []
  let lastHeartbeat: (() => Promise<void>) | null = null
  const fail = (error: unknown) => handlers.failed(error instanceof Error ? error : new Error(String(error)))
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    lastAssignment = Object.entries(payload.memberAssignment).flatMap(([topic, list]) => list.map((partition) => ({ topic, partition })))
    log.info({ group_id: groupId, partitions: lastAssignment.length, member_id: payload.memberId }, 'joined the group')
    handlers.joined?.(lastAssignment.length)
    assign(lastAssignment).catch(fail)
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart)
      fail(new ReadflowError('kafka-unavailable', `The consumer of ${groupId} ended: ${payload.error.message}.`, { cause: payload.error }))
  })
  const stopListening = onOffsetOutOfRange((event) => {
    if (event.groupId === groupId) handlers.outOfRange(event)
  })
  const ends = createPartitionEnds()
  const stopNotingEnds = onFetchAnswered((fetch) => {
    if (fetch.groupId !== groupId) return
    for (const answer of fetch.answers) {
      const end = ends.note(answer, fetch)
      // One that was fetched before a seek took effect may be of a topic that is gone.
      if (positions.get(partitionId(answer)) === answer.fetchedOffset) handlers.ended?.(answer, end)
    }
  })

  await consumer.connect()
  await consumer.subscribe({ topics: [...options.topics], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: 1,
    eachBatch: async ({ batch, heartbeat }) => {
      lastHeartbeat = heartbeat
      const { topic, partition } = batch
      const id = partitionId({ topic, partition })
      const { fetchedOffset } = batch as unknown as { fetchedOffset: string }
      for (const message of batch.messages as unknown as PartitionBytes[]) {
        const position = positions.get(id)
        if (position === undefined) return
        if (Number(fetchedOffset) !== position) {
          // Fetched before a seek took effect: not the bytes that are wanted next.
          consumer.seek({ topic, partition, offset: String(position) })
          return
        }
        positions.set(id, message.lastOffset + 1)
        const { bytes, lastOffset, count, aborted } = message
        await handlers.data({ topic, partition, fetchedOffset: position, lastOffset, count, bytes, aborted }, heartbeat)
      }
    },
  })

  return {
    /** Commits group offsets for other tools to see. Progress does not hang on it. */
    commitOffsets: (offsets: readonly OffsetCommit[]) =>
      consumer.commitOffsets(offsets.map(({ offset, ...rest }) => ({ ...rest, offset: String(offset) }))),
    /**
     * Drops what was fetched and asks `assigned` again for every partition held. Whoever is no member any more holds
     * none: kafkajs joins again, and the new assignment follows.
     */
    restart: async () => {
      generation++
      positions = new Map()
      try {
        await lastHeartbeat?.()
      } catch (error) {
        // After any other error, of a connection say, it is a member still, and nobody would ask for a new assignment.
        if (isJoiningAgain(error)) return
      }
      await assign(lastAssignment)
    },
    /** Stops fetching a partition; what is fetched already is dropped. */
    pause: (partition: TopicPartition) => {
      positions.delete(partitionId(partition))
      consumer.pause(groupByTopic([partition]))
    },
    /** Fetches a partition from `offset` on. */
    goOn: (partition: TopicPartition, offset: number) => {
      positions.set(partitionId(partition), offset)
      consumer.seek({ ...partition, offset: String(offset) })
      consumer.resume(groupByTopic([partition]))
    },
    stop: async () => {
      stopListening()
      stopNotingEnds()
      generation++
      positions = new Map()
      await consumer.disconnect()
    },
  }
}

export type GroupConsumer = Awaited<ReturnType<typeof openGroupConsumer>>
