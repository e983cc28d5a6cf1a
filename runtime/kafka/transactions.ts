import { ReadflowError } from '../errors.ts'
import type { KafkaClient } from './client.ts'
import { batchOf, chunkRecords, type OutgoingRecord, topicsOf } from './producer.ts'
import { newTransactionalProducer, transactionError } from './transactional.ts'

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

const MAX_RETRY_MS = 2000

/**
 * Takes over a transactional id: whoever had it before can commit nothing more, and a transaction that it left open is ended
 * by the time this resolves. Only then may be read what earlier ones have written.
 */
export const openTransactions = async (
  client: Pick<KafkaClient, 'kafka'>,
  { transactionalId, timeoutMs }: { transactionalId: string; timeoutMs: number },
): Promise<Transactions> => {
  const failed = (what: string) => (cause: unknown) => {
    throw transactionError(cause, { fenced: `Another program has taken over ${transactionalId}.`, failed: `Kafka did not ${what}` })
  }
  const producer = newTransactionalProducer(client, { transactionalId, timeoutMs, maxRetryMs: MAX_RETRY_MS })
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
      const batch = batchOf(chunk)
      const answers = await transaction.sendBatch(batch).catch(failed(`take ${chunk.length} records for ${topicsOf(batch)}`))
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
