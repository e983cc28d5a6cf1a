import { ReadflowError } from '../errors.ts'
import { sleep } from '../lifecycle.ts'
import type { KafkaClient } from './client.ts'
import type { OffsetCommit } from './group-consumer.ts'
import type { Transaction } from './kafkajs.ts'
import { batchOf, chunkRecords, type OutgoingRecord } from './producer.ts'
import { newTransactionalProducer, transactionError, typeOf } from './transactional.ts'

const TRANSACTION_TIMEOUT_MS = 60_000
const MAX_RETRY_MS = 3000
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
export const openTransactions = (client: Pick<KafkaClient, 'kafka'>, transactionalId: string): TransactionalProducer => {
  const newProducer = () =>
    newTransactionalProducer(client, { transactionalId, timeoutMs: TRANSACTION_TIMEOUT_MS, maxRetryMs: MAX_RETRY_MS })
  let current: ReturnType<typeof newProducer> | null = null

  const drop = async () => {
    const dropped = current
    current = null
    await dropped?.disconnect().catch(() => undefined)
  }

  const fence = async () => {
    await drop()
    const producer = newProducer()
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
      for (const chunk of chunkRecords(records)) await transaction.sendBatch(batchOf(chunk))
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

const failure = (transactionalId: string, cause: unknown): ReadflowError =>
  transactionError(cause, {
    fenced: `Another process publishes under the transactional id ${transactionalId}.`,
    failed: `Kafka did not take a transaction of ${transactionalId}`,
  })
