import { Admin, ConfigResourceTypes, FetchIsolationLevels, ListOffsetTimestamps } from '@platformatic/kafka'
import { ReadflowError } from '../../errors.ts'
import { openSecondReader, type SecondReader } from './reader.ts'

export interface BrowsedPartition {
  partition: number
  /** First offset that there is. */
  logStart: number
  /** Where a read_committed consumer stops. */
  end: number
}

export interface BrowsedTopic {
  name: string
  id: string
  partitions: BrowsedPartition[]
  /** Settings that people ask for, as Kafka has them. */
  configs: Record<string, string>
}

export interface BrowsedGroup {
  group: string
  state: string
  protocolType: string
  members: { id: string; clientId: string; host: string }[]
}

export interface CommittedOffset {
  topic: string
  partition: number
  offset: number
}

/** Looks into a cluster beside every consumer group: it joins none and commits nothing. */
export interface KafkaBrowser {
  clusterId: string
  /** Topics by name, those that there are not left out; all but Kafka's own without names. */
  topics: (names?: readonly string[]) => Promise<BrowsedTopic[]>
  /** First offset of each partition whose record is not older than a time (epoch ms); the end where there is none. */
  offsetsAt: (topic: BrowsedTopic, timeMs: number) => Promise<Map<number, number>>
  groups: () => Promise<BrowsedGroup[]>
  committed: (group: string) => Promise<CommittedOffset[]>
  read: SecondReader['read']
  close: () => Promise<void>
}

const shownConfigs = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'message.timestamp.type',
  'max.message.bytes',
  'min.insync.replicas',
]

const told = async <T>(what: string, work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (cause) {
    throw new ReadflowError('kafka-unavailable', `Kafka did not tell ${what}: ${cause instanceof Error ? cause.message : cause}.`, {
      cause,
    })
  }
}

/** Connects to a cluster. Throws ReadflowError `kafka-unavailable`. */
export const openBrowser = async ({ brokers, clientId }: { brokers: readonly string[]; clientId: string }): Promise<KafkaBrowser> => {
  const reader = await openSecondReader({ brokers, clientId })
  const admin = new Admin({ clientId, bootstrapBrokers: [...brokers], autocreateTopics: false, retries: 1, connectTimeout: 3000 })

  const offsets = async (topics: readonly { name: string; partitions: readonly number[] }[], timestamp: bigint) => {
    const requests = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })),
    }))
    const answer = await told(
      'the offsets of its topics',
      admin.listOffsets({ topics: requests, isolationLevel: FetchIsolationLevels.READ_COMMITTED }),
    )
    return new Map(
      answer.map(({ name, partitions }) => [
        name,
        new Map(partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)])),
      ]),
    )
  }

  const topics = async (names?: readonly string[]): Promise<BrowsedTopic[]> => {
    const listed = await told('its topics', admin.listTopics())
    const wanted = names ? listed.filter((name) => names.includes(name)) : listed.filter((name) => !name.startsWith('__'))
    if (wanted.length === 0) return []
    const { topics: found } = await told('of its topics', admin.metadata({ topics: wanted, forceUpdate: true }))
    const described = [...found].map(([name, { id, partitions }]) => ({ name, id, partitions: Object.keys(partitions).map(Number) }))
    const [starts, ends, configs] = await Promise.all([
      offsets(described, ListOffsetTimestamps.EARLIEST),
      offsets(described, ListOffsetTimestamps.LATEST),
      told(
        'the settings of its topics',
        admin.describeConfigs({
          resources: described.map(({ name }) => ({
            resourceType: ConfigResourceTypes.TOPIC,
            resourceName: name,
            configurationKeys: shownConfigs,
          })),
        }),
      ),
    ])
    return described
      .map(({ name, id, partitions }) => ({
        name,
        id,
        partitions: partitions
          .map((partition) => ({ partition, logStart: starts.get(name)?.get(partition) ?? 0, end: ends.get(name)?.get(partition) ?? 0 }))
          .sort((a, b) => a.partition - b.partition),
        configs: Object.fromEntries(
          (configs.find(({ resourceName }) => resourceName === name)?.configs ?? []).map((config) => [config.name, config.value ?? '']),
        ),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  const offsetsAt: KafkaBrowser['offsetsAt'] = async ({ name, partitions }, timeMs) => {
    const found = (
      await offsets([{ name, partitions: partitions.map(({ partition }) => partition) }], BigInt(Math.max(0, Math.trunc(timeMs))))
    ).get(name)
    return new Map(partitions.map(({ partition, end }) => [partition, (found?.get(partition) ?? -1) < 0 ? end : found!.get(partition)!]))
  }

  const groups: KafkaBrowser['groups'] = async () => {
    const listed = [...(await told('its groups', admin.listGroups())).values()]
    if (listed.length === 0) return []
    const described = await told('of its groups', admin.describeGroups({ groups: listed.map(({ id }) => id) }))
    return listed
      .map(({ id, state, protocolType }) => ({
        group: id,
        state: described.get(id)?.state ?? state,
        protocolType,
        members: [...(described.get(id)?.members.values() ?? [])].map((member) => ({
          id: member.id,
          clientId: member.clientId,
          host: member.clientHost,
        })),
      }))
      .sort((a, b) => (a.group < b.group ? -1 : 1))
  }

  const committed: KafkaBrowser['committed'] = async (group) => {
    const [found] = await told(`the offsets of ${group}`, admin.listConsumerGroupOffsets({ groups: [group] }))
    return (found?.topics ?? []).flatMap(({ name, partitions }) =>
      partitions.flatMap(({ partitionIndex, committedOffset }) =>
        committedOffset < 0n ? [] : [{ topic: name, partition: partitionIndex, offset: Number(committedOffset) }],
      ),
    )
  }
  const close = async () => {
    await Promise.all([reader.close(), admin.close()])
  }
  return { clusterId: reader.clusterId, topics, offsetsAt, groups, committed, read: reader.read, close }
}
