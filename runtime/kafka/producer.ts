import { ReadflowError } from '../errors.ts'
import type { KafkaClient } from './client.ts'
import { CompressionTypes } from './kafkajs.ts'

export interface OutgoingRecord {
  topic: string
  key: Buffer | string | null
  /** Where it is to go; by its key where it is missing. */
  partition?: number
  value: Buffer | null
  /** A list stands for several headers of one name. */
  headers?: Record<string, string | Buffer | (string | Buffer)[]>
}

// One request carries at most this much, well below the broker's message.max.bytes.
const MAX_REQUEST_BYTES = 1024 * 1024
const MAX_REQUEST_RECORDS = 5000

/** Groups records into requests of bounded size, in order. */
export const chunkRecords = <R extends OutgoingRecord>(records: readonly R[]): R[][] => {
  const chunks: R[][] = []
  let current: R[] = []
  let bytes = 0
  for (const record of records) {
    const size = (record.value?.length ?? 0) + (record.key?.length ?? 0) + 100
    if (current.length > 0 && (bytes + size > MAX_REQUEST_BYTES || current.length >= MAX_REQUEST_RECORDS)) {
      chunks.push(current)
      current = []
      bytes = 0
    }
    current.push(record)
    bytes += size
  }
  if (current.length > 0) chunks.push(current)
  return chunks
}

/** One request of kafkajs that has some records acknowledged by all replicas. */
export const batchOf = (records: readonly OutgoingRecord[]) => ({
  acks: -1,
  compression: CompressionTypes.ZSTD,
  topicMessages: [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    messages: of.map(({ key, value, headers, partition }) => ({ key, value, headers, partition })),
  })),
})

/** The topics of a request, for people. */
export const topicsOf = ({ topicMessages }: ReturnType<typeof batchOf>): string => topicMessages.map(({ topic }) => topic).join(', ')

const describe = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/**
 * An idempotent producer with acks from all replicas. `send` resolves when every record is acknowledged; it
 * throws ReadflowError `kafka-unavailable` when they can't be delivered. What was sent before it failed may
 * have arrived: who sends again publishes some records twice, and loses none.
 */
export const openProducer = async ({ kafka }: KafkaClient) => {
  const connect = async () => {
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { retries: 8, maxRetryTime: 3000 },
    })
    await producer.connect()
    return producer
  }
  let current: Awaited<ReturnType<typeof connect>> | null = await connect()

  const sendChunk = async (chunk: readonly OutgoingRecord[]) => {
    const batch = batchOf(chunk)
    try {
      current ??= await connect()
      await current.sendBatch(batch)
    } catch (cause) {
      // After a failure its sequence numbers may no longer be the broker's: the next send takes a new one.
      await current?.disconnect().catch(() => undefined)
      current = null
      throw new ReadflowError(
        'kafka-unavailable',
        `Kafka did not take ${chunk.length} records for ${topicsOf(batch)}: ${describe(cause)}.`,
        { cause },
      )
    }
  }

  return {
    send: async (records: readonly OutgoingRecord[]) => {
      for (const chunk of chunkRecords(records)) await sendChunk(chunk)
    },
    close: async () => {
      await current?.disconnect()
    },
  }
}

export type Producer = Awaited<ReturnType<typeof openProducer>>
