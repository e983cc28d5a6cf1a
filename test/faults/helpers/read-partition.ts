import { createHash, randomUUID } from 'node:crypto'
import type { KafkaClient } from '../../../runtime/kafka/client.ts'
import { openGroupConsumer } from '../../../runtime/kafka/group-consumer.ts'
import { openRecordReader, type RecordChunk } from '../../../runtime/kafka/record-reader.ts'
import { createLog } from '../../../runtime/log.ts'

const sha256 = (bytes: Buffer | null) => (bytes === null ? '-' : createHash('sha256').update(bytes).digest('hex'))

/** A record in one line: partition, offset, key and value, both as SHA-256. */
export const lineOf = ({ offset, key, value }: RecordChunk['records'][number]) => `0 ${offset} ${sha256(key)} ${sha256(value)}`

/**
 * Reads partition 0 of a topic from `from` to `until` (exclusive) as the sink does: fetched bytes into a
 * reader, out of it in bounded chunks. Calls `onChunk` with each; rejects with what the reader throws.
 */
export const readPartition = async (
  client: KafkaClient,
  {
    topic,
    from = 0,
    until,
    maxBytesPerPartition = 1_000_000,
    limits = { maxRecords: 1000, maxBytes: 1_000_000 },
    onChunk,
  }: {
    topic: string
    from?: number
    until: number
    maxBytesPerPartition?: number
    limits?: { maxRecords: number; maxBytes: number }
    onChunk: (chunk: RecordChunk) => void
  },
): Promise<void> => {
  const reader = openRecordReader()
  const done = Promise.withResolvers<void>()
  done.promise.catch(() => undefined)
  const consumer = await openGroupConsumer({
    client,
    groupId: randomUUID(),
    topics: [topic],
    fetch: { maxBytes: maxBytesPerPartition, maxBytesPerPartition },
    log: createLog('test', 'error'),
    handlers: {
      assigned: async () => new Map([[`${topic}/0`, from]]),
      data: async (fetched) => {
        reader.push(fetched)
        try {
          for (let chunk = await reader.take(limits); chunk; chunk = await reader.take(limits)) {
            onChunk(chunk)
            if (chunk.nextOffset >= until) done.resolve()
          }
        } catch (error) {
          reader.clear()
          done.reject(error)
        }
      },
      outOfRange: () => done.reject(new Error('out of range')),
      failed: done.reject,
    },
  })
  try {
    await done.promise
  } finally {
    await consumer.stop()
  }
}
