import { randomUUID } from 'node:crypto'
import path from 'node:path'
import { Admin } from '@platformatic/kafka'
import { runSink } from '../../../consumers/sink/sink.ts'
import { openStore } from '../../../lake/store/open.ts'
import { openKafka } from '../../../runtime/kafka/client.ts'
import { openProducer } from '../../../runtime/kafka/producer.ts'
import { createLog } from '../../../runtime/log.ts'
import { openRegistry } from '../../../runtime/registry.ts'
import { catalogue } from '../../../schemas/catalogue.ts'
import type { TopicName } from '../../../schemas/records.ts'
import { topicSpecs } from '../../../schemas/topics.ts'
import { startTestStack } from '../../helpers/stack.ts'
import { countedProducer, createPoints } from '../child/points.ts'
import { composeStage } from './compose.ts'
import type { SinkJob } from './job.ts'
import { openLakes } from './lakes.ts'
import { createEncoders, type Planned } from './records.ts'

/** A record that Kafka delivers, where it lies, and what must become of it. */
export interface Delivered extends Planned {
  offset: number
}

const log = createLog('test', 'error')
const BATCH_RECORDS = 20

/** A real broker and registry with the topics, and what the fault tests do with them. Close it at the end. */
export const openWorld = async ({ partitions = 2, hasMinio = false } = {}) => {
  const stack = await startTestStack()
  const lakes = await openLakes({ dir: path.join(stack.dataDir, 'lakes'), hasMinio })
  const client = await openKafka({ brokers: stack.brokers, clientId: 'test', log })
  await client.ensureTopics(topicSpecs({ partitions, replicationFactor: 1 }))
  const admin = new Admin({ clientId: 'test-admin', bootstrapBrokers: stack.brokers, autocreateTopics: false })
  const registry = openRegistry(stack.registryUrl)
  const encoders = await createEncoders(registry)
  const sender = client.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await sender.connect()
  const producer = await openProducer(client)
  let delivered: Delivered[] = []

  /** Sends records to their partitions, in small batches, and keeps where they lie. */
  const publish = async (records: readonly Planned[], send: Pick<typeof sender, 'send'> = sender) => {
    for (const [topic, ofTopic] of Map.groupBy(records, ({ entity }) => catalogue[entity].topic)) {
      for (let from = 0; from < ofTopic.length; from += BATCH_RECORDS) {
        const batch = ofTopic.slice(from, from + BATCH_RECORDS)
        const acks = await send.send({ topic, acks: -1, messages: batch.map(({ partition, key, value }) => ({ partition, key, value })) })
        for (const { partition, baseOffset } of acks) {
          const first = Number(baseOffset)
          const inPartition = batch.filter((record) => record.partition === partition)
          delivered.push(...inPartition.map((record, index) => ({ ...record, offset: first + index })))
        }
      }
    }
  }

  /** Sends records that nobody gets: a transaction that is aborted. */
  const publishAborted = async (records: readonly Planned[]) => {
    const transactional = client.kafka.producer({ transactionalId: randomUUID(), idempotent: true, maxInFlightRequests: 1 })
    await transactional.connect()
    const transaction = await transactional.transaction()
    for (const { entity, partition, key, value } of records)
      await transaction.send({ topic: catalogue[entity].topic, acks: -1, messages: [{ partition, key, value }] })
    await transaction.abort()
    await transactional.disconnect()
  }

  /** What a group's dead members hold on to would be free only after their session: this ends it now. */
  const evict = (groupId: string) => admin.removeMembersFromConsumerGroup({ groupId, members: null }).catch(() => undefined)

  /** Runs a sink in this process until it has caught up. */
  const drain = async (job: SinkJob) => {
    const store = openStore(job.lakeUrl)
    try {
      const stage = composeStage(job, { registry, store })
      const named = countedProducer(producer, createPoints(null), job.run)
      return await runSink({ ...job, stage, store, client, producer: named, isOnce: true, log }, new AbortController().signal)
    } finally {
      await store.close()
    }
  }

  /** What Kafka's own tool does with an idle group: offsets by partition, with no metadata of ours. */
  const reset = async (groupId: string, topic: string, offsets: Record<number, number>) => {
    const kafkaAdmin = client.kafka.admin()
    await kafkaAdmin.connect()
    const partitions = Object.entries(offsets).map(([partition, offset]) => ({ partition: Number(partition), offset: String(offset) }))
    await kafkaAdmin.setOffsets({ groupId, topic, partitions })
    await kafkaAdmin.disconnect()
  }

  return {
    stack,
    /** URL of the lake of that name. */
    lakeUrl: lakes.url,
    minio: lakes.minio,
    client,
    admin,
    registry,
    encoders,
    publish,
    publishAborted,
    evict,
    drain,
    reset,
    /** No longer expects these records: their topic is gone, or they are. */
    forget: (entity: TopicName, which = (_record: Delivered) => true) => {
      delivered = delivered.filter((record) => record.entity !== entity || !which(record))
    },
    /** Everything that was delivered, in the order of its sending. */
    delivered: (entity: TopicName) => delivered.filter((record) => record.entity === entity),
    job: (job: Pick<SinkJob, 'run' | 'stage' | 'lakeUrl'> & Partial<SinkJob>): SinkJob => ({
      brokers: stack.brokers,
      registryUrl: stack.registryUrl,
      entities: ['ratings', 'books'],
      groupId: `test.${job.run}.${job.stage}`,
      flush: { intervalMs: 60_000, maxRows: 120, maxBytes: 16 * 1024 },
      isOnce: true,
      ...job,
    }),
    close: async () => {
      await sender.disconnect()
      await producer.close()
      await admin.close()
      await client.close()
      await stack.stop()
      await lakes.close()
    },
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>
