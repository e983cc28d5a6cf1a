import { ReadflowError } from '../errors.ts'
import { sleep } from '../lifecycle.ts'
import type { KafkaClient } from './client.ts'
import type { OffsetCommit } from './group-consumer.ts'
import { CompressionTypes, type Transaction } from './kafkajs.ts'
import { chunkRecords, type OutgoingRecord } from './producer.ts'

const TRANSACTION_TIMEOUT_MS = 60_000
const BUSY_RETRY_MS = 20
const BUSY_ATTEMPTS = 250

/** Records and group offsets that are there together or not at all. */
export interface Commit {
  records: readonly OutgoingRecord[]
  groupId: string
  /** None: the group's offsets stay as they are. */
  offsets: readonly OffsetCommit[]
}

/** A producer whose every commit is one Kafka transaction under one transactional id. */
export interface TransactionalProducer {
  /**
   * Takes the id: what anybody has begun under it is ended first, and from then on fails. What is read of Kafka afterwards is
   * all that the id has committed.
   */
  fence: () => Promise<void>
  /**
   * Resolves once everything is committed. Rejects with `kafka-fenced` where another has taken the id, else with
   * `kafka-unavailable`: then it may be committed or not, and only what Kafka has after the next `fence` tells.
   */
  commit: (what: Commit) => Promise<void>
  close: () => Promise<void>
}

/**
 * kafkajs leaves these to us:
 * - it takes the id (InitProducerId) with the first transaction of a producer, and not when it connects;
 * - a commit or an abort that fails leaves the producer in a state that no call leads out of: it is dropped, and the next
 *   `fence` makes another;
 * - the broker may be at the end of the last transaction still when the offsets of the next one come: asked again.
 * Its requests tell the group no member and no generation, so that the id alone is the fence.
 */
export const openTransactions = ({ kafka }: Pick<KafkaClient, 'kafka'>, transactionalId: string): TransactionalProducer => {
  const connect = () =>
    kafka.producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      retry: { retries: 8, maxRetryTime: 3000 },
    })
  let current: ReturnType<typeof connect> | null = null

  const drop = async () => {
    const dropped = current
    current = null
    await dropped?.disconnect().catch(() => undefined)
  }

  const fence = async () => {
    await drop()
    const producer = connect()
    try {
      await producer.connect()
      await (await producer.transaction()).abort()
      current = producer
    } catch (cause) {
      await producer.disconnect().catch(() => undefined)
      throw failure(transactionalId, cause)
    }
  }

  const commit = async ({ records, groupId, offsets }: Commit) => {
    if (!current) throw new ReadflowError('kafka-fenced', `The transactional id ${transactionalId} is not held.`)
    let transaction: Transaction | undefined
    try {
      transaction = await current.transaction()
      for (const chunk of chunkRecords(records)) await sendChunk(transaction, chunk)
      if (offsets.length > 0) await sendOffsets(transaction, groupId, offsets)
      await transaction.commit()
    } catch (cause) {
      if (transaction?.isActive()) await transaction.abort().catch(() => undefined)
      await drop()
      throw failure(transactionalId, cause)
    }
  }
  return { fence, commit, close: drop }
}

const sendChunk = (transaction: Transaction, chunk: readonly OutgoingRecord[]) =>
  transaction.sendBatch({
    acks: -1,
    compression: CompressionTypes.ZSTD,
    topicMessages: [...Map.groupBy(chunk, ({ topic }) => topic)].map(([topic, messages]) => ({
      topic,
      messages: messages.map(({ key, value, headers }) => ({ key, value, ...(headers && { headers }) })),
    })),
  })

const sendOffsets = async (transaction: Transaction, consumerGroupId: string, offsets: readonly OffsetCommit[]) => {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    partitions: of.map(({ partition, offset, metadata }) => ({ partition, offset: String(offset), metadata })),
  }))
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction.sendOffsets({ consumerGroupId, topics })
    } catch (error) {
      if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS' || attempt === BUSY_ATTEMPTS) throw error
      await sleep(BUSY_RETRY_MS)
    }
  }
}

const typeOf = (error: unknown): unknown => (error instanceof Error && 'type' in error ? error.type : null)

/** PRODUCER_FENCED came after kafkajs, which knows its number only. */
const PRODUCER_FENCED = 90
const fencing: ReadonlySet<unknown> = new Set(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING', 'INVALID_TXN_STATE'])

const isFenced = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  const { code, cause } = error as Error & { code?: unknown }
  return fencing.has(typeOf(error)) || code === PRODUCER_FENCED || (cause !== error && isFenced(cause))
}

const failure = (transactionalId: string, cause: unknown): ReadflowError =>
  isFenced(cause)
    ? new ReadflowError('kafka-fenced', `Another process publishes under the transactional id ${transactionalId}.`, { cause })
    : new ReadflowError(
        'kafka-unavailable',
        `Kafka did not take a transaction of ${transactionalId}: ${cause instanceof Error ? cause.message : cause}.`,
        { cause },
      )
