import { ReadflowError } from '../errors.ts'
import type { KafkaClient } from './client.ts'

export interface TransactionalOptions {
  transactionalId: string
  /** The broker ends a transaction that nobody has ended by then. */
  timeoutMs: number
  maxRetryMs: number
}

/** A producer for transactions under one id, not connected yet: it takes the id with its first transaction. */
export const newTransactionalProducer = (
  { kafka }: Pick<KafkaClient, 'kafka'>,
  { transactionalId, timeoutMs, maxRetryMs }: TransactionalOptions,
) =>
  kafka.producer({
    transactionalId,
    transactionTimeout: timeoutMs,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: { retries: 8, maxRetryTime: maxRetryMs },
  })

/**
 * What the broker calls it when a newer producer has the id, or it gave up a transaction that took too long. The newer
 * PRODUCER_FENCED is none of them: in the versions of requests that kafkajs sends it is INVALID_PRODUCER_EPOCH.
 */
const fencing: ReadonlySet<unknown> = new Set(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING', 'INVALID_TXN_STATE'])

/** kafkajs' name of what a broker answered. */
export const typeOf = (error: unknown): unknown => (error instanceof Error && 'type' in error ? error.type : null)

const isFenced = (error: unknown): boolean =>
  error instanceof Error && (fencing.has(typeOf(error)) || (error.cause !== error && isFenced(error.cause)))

/** What a step of a transaction failed with: `kafka-fenced` where another has the id by now, else `kafka-unavailable`. */
export const transactionError = (cause: unknown, says: { fenced: string; failed: string }): ReadflowError =>
  isFenced(cause)
    ? new ReadflowError('kafka-fenced', says.fenced, { cause })
    : new ReadflowError('kafka-unavailable', `${says.failed}: ${cause instanceof Error ? cause.message : cause}.`, { cause })
