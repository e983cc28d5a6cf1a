import { ReadflowError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Admin, Kafka, logLevel } from './kafkajs.ts'
import { topicIdOf } from './metadata.ts'
import { createSocketFactory } from './watched-socket.ts'

export interface KafkaOptions {
  brokers: readonly string[]
  clientId: string
  log: Log
}

export interface TopicSpec {
  topic: string
  partitions: number
  replicationFactor: number
  configs: Record<string, string>
}

export interface PartitionLag {
  topic: string
  partition: number
  committedOffset: number | null
  endOffset: number
  lag: number
}

const levels: Record<number, 'error' | 'warn' | 'debug'> = { [logLevel.ERROR]: 'warn', [logLevel.WARN]: 'debug' }

/**
 * A connection to the cluster for administration, and the kafkajs instance that producers and consumers are
 * made from. Throws ReadflowError `kafka-unavailable` naming the brokers when none answers.
 */
export const openKafka = async ({ brokers, clientId, log }: KafkaOptions) => {
  const kafka = new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: 3000,
    socketFactory: createSocketFactory(),
    retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 2000 },
    logCreator:
      () =>
      ({ level, log: entry }) =>
        log[levels[level] ?? 'debug']({ error: String(entry['error'] ?? entry.message), group_id: entry['groupId'] }, 'kafka client'),
  })
  const admin = kafka.admin({ retry: { retries: 4 } })
  // kafkajs answers a question about some topics' metadata by forgetting all others, so that whoever asks about these in
  // this moment is told that they have no partitions. One that asks nothing else has nothing to lose.
  const idAdmin = kafka.admin({ retry: { retries: 4 } })
  const unavailable = (cause: unknown) =>
    new ReadflowError('kafka-unavailable', `No Kafka broker answers at ${brokers.join(', ')}.`, {
      cause,
      hint: 'Start it, or set KAFKA_BROKERS to one that runs.',
    })
  const { clusterId } = await connect(admin, unavailable)
  await connect(idAdmin, unavailable).catch(async (error) => {
    await admin.disconnect()
    throw error
  })

  return {
    kafka,
    clusterId,
    /** Creates the topics that are not there yet. Existing ones keep their settings. Whoever was asked about one that is gone since could not. */
    ensureTopics: (specs: readonly TopicSpec[]) => ensureTopics(idAdmin, specs),
    topicStates: (topics: readonly string[]) => topicStates(idAdmin, topics),
    topicIds: async (topics: readonly string[]): Promise<Map<string, string>> =>
      new Map([...(await topicStates(idAdmin, topics))].map(([topic, { id }]) => [topic, id])),
    /** First and next offset of each partition. */
    topicOffsets: async (topic: string) =>
      (await told(`the offsets of ${topic}`, admin.fetchTopicOffsets(topic)))
        .map(({ partition, low, high }) => ({ partition, logStart: Number(low), end: Number(high) }))
        .sort((a, b) => a.partition - b.partition),
    /** The first offset of each partition whose record has that time or a later one; the partition's end where none has. */
    offsetsAt: async (topic: string, timestampMs: number): Promise<Map<number, number>> =>
      new Map(
        (await told(`the offsets of ${topic} at a time`, admin.fetchTopicOffsetsByTimestamp(topic, timestampMs))).map(
          ({ partition, offset }) => [partition, Number(offset)],
        ),
      ),
    groupOffsets: (groupId: string, topics: readonly string[]) => groupOffsets(admin, groupId, topics),
    groupLag: (groupId: string, topics: readonly string[]) => groupLag(admin, groupId, topics),
    /** How many members a group has; 0 for one that is idle or that there is not. */
    groupMembers: async (groupId: string): Promise<number> =>
      (await told(`the members of ${groupId}`, admin.describeGroups([groupId]))).groups[0]?.members.length ?? 0,
    close: async () => {
      await Promise.all([admin.disconnect(), idAdmin.disconnect()])
    },
  }
}

export type KafkaClient = Awaited<ReturnType<typeof openKafka>>

/** What the cluster answers; one that does not, or not now, is a fault that is waited out. */
const told = async <T>(what: string, answer: Promise<T>): Promise<T> => {
  try {
    return await answer
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause
    throw new ReadflowError('kafka-unavailable', `Kafka did not tell ${what}: ${reason}.`, { cause })
  }
}

const connect = async (admin: Admin, unavailable: (cause: unknown) => ReadflowError) => {
  try {
    await admin.connect()
    return await admin.describeCluster()
  } catch (cause) {
    await admin.disconnect().catch(() => undefined)
    throw unavailable(cause)
  }
}

const ensureTopics = async (admin: Admin, specs: readonly TopicSpec[]) => {
  const existing = new Set(await admin.listTopics())
  const missing = specs.filter(({ topic }) => !existing.has(topic))
  if (missing.length === 0) return
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map(({ topic, partitions, replicationFactor, configs }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor,
        configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
      })),
    })
  } catch (cause) {
    // Another program may create the same topics in this moment: that they are there is what counts.
    const now = new Set(await admin.listTopics())
    const lacking = missing.filter(({ topic }) => !now.has(topic)).map(({ topic }) => topic)
    if (lacking.length > 0) {
      throw new ReadflowError(
        'kafka-invalid',
        `Kafka did not create ${lacking.join(', ')}: ${cause instanceof Error ? cause.message : cause}.`,
        { cause },
      )
    }
  }
}

export interface TopicNow {
  /** Tells a topic from its successor of the same name. */
  id: string
  /** How many it has. */
  partitions: number
}

/** What each topic is now. Throws ReadflowError `kafka-unavailable`, and `config` where the brokers know no ids. */
const topicStates = async (admin: Admin, topics: readonly string[]): Promise<Map<string, TopicNow>> => {
  const metadata = await told('the ids of its topics', admin.fetchTopicMetadata({ topics: [...topics] }))
  return new Map(
    metadata.topics.map(({ name, partitions }) => {
      const id = topicIdOf(partitions)
      if (id !== null) return [name, { id, partitions: partitions.length }]
      throw new ReadflowError('config', 'The Kafka brokers give topics no ids, so a topic made anew can not be told from the old one.', {
        hint: 'Use brokers of Kafka 3.1 or newer.',
      })
    }),
  )
}

export interface GroupOffset {
  topic: string
  partition: number
  offset: number
  metadata: string | null
}

const groupOffsets = async (admin: Admin, groupId: string, topics: readonly string[]): Promise<GroupOffset[]> => {
  const answer = await told(`the offsets of ${groupId}`, admin.fetchOffsets({ groupId, topics: [...topics] }))
  return answer.flatMap(({ topic, partitions }) =>
    partitions
      .filter(({ offset }) => Number(offset) !== -1)
      .map(({ partition, offset, metadata }) => ({ topic, partition, offset: Number(offset), metadata })),
  )
}

const groupLag = async (admin: Admin, groupId: string, topics: readonly string[]): Promise<PartitionLag[]> => {
  const committed = await groupOffsets(admin, groupId, topics)
  const lags = await Promise.all(
    topics.map(async (topic) =>
      (await told(`the offsets of ${topic}`, admin.fetchTopicOffsets(topic))).map(({ partition, low, high }): PartitionLag => {
        const committedOffset = committed.find((entry) => entry.topic === topic && entry.partition === partition)?.offset ?? null
        const endOffset = Number(high)
        return { topic, partition, committedOffset, endOffset, lag: endOffset - Math.max(committedOffset ?? 0, Number(low)) }
      }),
    ),
  )
  return lags.flat().sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition)
}
