import { ReadflowError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { KafkaClient } from './client.ts'
import { AssignerProtocol, type PartitionAssigner } from './kafkajs.ts'

const SESSION_TIMEOUT_MS = 15_000

/** Gives each topic, with all of its partitions, to one member. */
const byTopic: PartitionAssigner = ({ cluster }) => ({
  name: 'readflow-by-topic',
  version: 0,
  assign: async ({ members, topics }) => {
    const ids = members.map(({ memberId }) => memberId).sort()
    const assigned = new Map<string, Record<string, number[]>>()
    for (const [index, topic] of [...topics].sort().entries()) {
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId)
      const member = ids[index % ids.length] ?? ''
      assigned.set(member, { ...assigned.get(member), [topic]: partitions })
    }
    return [...assigned].map(([memberId, assignment]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData: Buffer.alloc(0) }),
    }))
  },
  protocol: ({ topics }) => ({
    name: 'readflow-by-topic',
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
  }),
})

/**
 * A member of a consumer group that fetches nothing: the group decides which of its members works on which topic.
 * `assigned` is told all topics that are this member's from now on. Who was one before may not know yet that it is none.
 */
export const openTopicOwner = async (options: {
  client: Pick<KafkaClient, 'kafka'>
  groupId: string
  topics: readonly string[]
  /** How long this member may be silent before its topics go to another. */
  sessionTimeoutMs?: number
  assigned: (topics: string[]) => void
  /** The member can't go on; called once. */
  failed: (error: Error) => void
  log: Log
}) => {
  const { groupId, log, sessionTimeoutMs = SESSION_TIMEOUT_MS } = options
  const consumer = options.client.kafka.consumer({
    groupId,
    partitionAssigners: [byTopic],
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 500,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 10_000,
    heartbeatInterval: Math.floor(sessionTimeoutMs / 5),
    metadataMaxAge: 30_000,
    retry: { retries: 1_000_000, initialRetryTime: 100, maxRetryTime: 3000, restartOnFailure: async () => true },
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment, memberId } }) => {
    const assigned = Object.entries(memberAssignment).filter(([, partitions]) => partitions.length > 0)
    if (assigned.length > 0) consumer.pause(assigned.map(([topic, partitions]) => ({ topic, partitions })))
    log.info({ group_id: groupId, topics: assigned.map(([topic]) => topic), member_id: memberId }, 'joined the group')
    options.assigned(assigned.map(([topic]) => topic))
  })
  consumer.on(consumer.events.CRASH, ({ payload: { restart, error } }) => {
    if (!restart)
      options.failed(new ReadflowError('kafka-unavailable', `The member of ${groupId} ended: ${error.message}.`, { cause: error }))
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [...options.topics], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachBatch: async () => undefined })
  return { stop: () => consumer.disconnect() }
}
