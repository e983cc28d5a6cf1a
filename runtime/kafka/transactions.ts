import { ReadflowError } from '../errors.ts'
import type { KafkaClient } from './client.ts'
import { CompressionTypes } from './kafkajs.ts'
import { chunkRecords, type OutgoingRecord } from './producer.ts'

/** Each with its partition, so that it is known where it comes to lie. */
export type PlacedRecord = OutgoingRecord & { partition: number }

/** Where a record was written; it is there for readers once the transaction is committed. */
export interface Written {
  topic: string
  partition: number
  offset: number
}

export interface Transactions {
  /**
   * Does work in one transaction, which is committed when `work` resolves and aborted when it throws. Throws ReadflowError
   * `kafka-fenced` where somebody else has taken over the transactional id, and `kafka-unavailable` otherwise; in either case a
   * commit that was under way may have been made.
   */
  run: <T>(work: (send: (records: readonly PlacedRecord[]) => Promise<Written[]>) => Promise<T>) => Promise<T>
  close: () => Promise<void>
}

/** What the broker calls it when a newer producer has the id, or it gave up a transaction that took too long. */
const fencedTypes = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING', 'INVALID_TXN_STATE'])
const PRODUCER_FENCED_CODE = 90

const isFenced = (error: unknown): boolean => {
  for (let at = error as { type?: string; code?: unknown; cause?: unknown } | undefined; at; at = at.cause as typeof at)
    if (fencedTypes.has(at.type ?? '') || at.code === PRODUCER_FENCED_CODE) return true
  return false
}

/**
 * Takes over a transactional id: whoever had it before can commit nothing more, and a transaction that it left open is ended
 * by the time this resolves. Only then may be read what earlier ones have written.
 */
export const openTransactions = async (
  { kafka }: Pick<KafkaClient, 'kafka'>,
  { transactionalId, timeoutMs }: { transactionalId: string; timeoutMs: number },
): Promise<Transactions> => {
  const failed = (what: string) => (cause: unknown) => {
    if (cause instanceof ReadflowError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw isFenced(cause)
      ? new ReadflowError('kafka-fenced', `Another program has taken over ${transactionalId}.`, { cause })
      : new ReadflowError('kafka-unavailable', `Kafka did not ${what}: ${reason}.`, { cause })
  }
  const producer = kafka.producer({
    transactionalId,
    transactionTimeout: timeoutMs,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: { retries: 8, maxRetryTime: 2000 },
  })
  await producer.connect().catch(failed('let a producer in'))
  const close = () => producer.disconnect()
  const begin = () => producer.transaction().catch(failed(`begin a transaction of ${transactionalId}`))
  // The first one makes the producer known to the coordinator.
  let next: Awaited<ReturnType<typeof begin>> | null = await begin().catch(async (error) => {
    await close()
    throw error
  })

  const run: Transactions['run'] = async (work) => {
    const transaction = next ?? (await begin())
    next = null
    const sendChunk = async (chunk: readonly PlacedRecord[]): Promise<Written[]> => {
      const byTopic = Map.groupBy(chunk, ({ topic }) => topic)
      const topicMessages = [...byTopic].map(([topic, of]) => ({
        topic,
        messages: of.map(({ key, value, headers, partition }) => ({ key, value, headers, partition })),
      }))
      const answers = await transaction
        .sendBatch({ acks: -1, compression: CompressionTypes.ZSTD, topicMessages })
        .catch(failed(`take ${chunk.length} records for ${[...byTopic.keys()].join(', ')}`))
      const offsets = new Map(answers.map(({ topicName, partition, baseOffset }) => [`${topicName}/${partition}`, Number(baseOffset)]))
      return chunk.map(({ topic, partition }) => {
        const at = `${topic}/${partition}`
        const offset = offsets.get(at) ?? -1
        if (offset < 0) throw new ReadflowError('kafka-unavailable', `Kafka did not tell where in ${at} it put the records.`)
        offsets.set(at, offset + 1)
        return { topic, partition, offset }
      })
    }
    const send = async (records: readonly PlacedRecord[]) => {
      const written: Written[] = []
      for (const chunk of chunkRecords(records)) written.push(...(await sendChunk(chunk)))
      return written
    }
    try {
      const result = await work(send)
      await transaction.commit().catch(failed('commit'))
      return result
    } catch (error) {
      // Where it can not be told, the broker ends it by itself, at the latest when its time is over.
      if (transaction.isActive()) await transaction.abort().catch(() => undefined)
      throw error
    }
  }
  return { run, close }
}
