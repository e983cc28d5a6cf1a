import { ReadflowError } from '../errors.ts'
import type { KafkaClient } from './client.ts'
import { CompressionTypes } from './kafkajs.ts'

export interface OutgoingRecord { topic: string; key: Buffer | string | null; value: Buffer | null; headers?: Record<string, string | Buffer> }

// One request carries at most this much, well below the broker's message.max.bytes.
const MAX_REQUEST_BYTES = 1024 * 1024
const MAX_REQUEST_RECORDS = 5000

/** Groups records into requests of bounded size, in order. */
export const chunkRecords = (records: readonly OutgoingRecord[]): OutgoingRecord[][] => {
  const chunks: OutgoingRecord[][] = []
  let current: OutgoingRecord[] = []
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

/**
 * An idempotent producer with acks from all replicas. `send` resolves when every record is acknowledged;
 * it throws ReadflowError `kafka-unavailable` when they can't be delivered.
 */
export const openProducer = async ({ kafka }: KafkaClient) => {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, retry: { retries: 12, maxRetryTime: 5000 } })
  await producer.connect()
  return {
    send: async (records: readonly OutgoingRecord[]) => {
      for (const chunk of chunkRecords(records)) {
        const byTopic = Map.groupBy(chunk, (record) => record.topic)
        try {
          await producer.sendBatch({
            acks: -1,
            compression: CompressionTypes.ZSTD,
            topicMessages: [...byTopic].map(([topic, messages]) => ({
              topic,
              messages: messages.map(({ key, value, headers }) => ({ key, value, headers })),
            })),
          })
        } catch (cause) {
          throw new ReadflowError('kafka-unavailable', `Kafka did not take ${chunk.length} records for ${[...byTopic.keys()].join(', ')}: ${cause instanceof Error ? cause.message : cause}.`, { cause })
        }
      }
    },
    close: () => producer.disconnect(),
  }
}

export type Producer = Awaited<ReturnType<typeof openProducer>>
