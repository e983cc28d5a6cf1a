import { randomUUID } from 'node:crypto'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { type FetchedBytes, type GroupConsumer, openGroupConsumer } from '../../runtime/kafka/group-consumer.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import { openRecordReader, type RecordReader } from '../../runtime/kafka/record-reader.ts'
import { CorruptBatchError } from '../../runtime/kafka/records/corrupt-batch.ts'
import type { Log } from '../../runtime/log.ts'
import { beating } from './patience.ts'

const PIECE = { maxRecords: 10_000, maxBytes: 4 * 1024 * 1024 }

export interface ReadTopicOptions {
  client: KafkaClient
  log: Log
  topic: string
  /** What the name of its group begins with. */
  group: string
  /** Called with each record, a partition's in order. */
  note: (record: KafkaRecord) => void | Promise<void>
  /** Hears of a batch that can't be read, which is passed over then; may throw. */
  damaged: (error: CorruptBatchError) => void
  signal?: AbortSignal
}

/**
 * Reads what a topic holds at this moment, as a read_committed consumer receives it, in a group of its own, which commits
 * nothing. Rejects with `kafka-unavailable` where the topic loses records meanwhile.
 */
export const readTopicWhole = async ({ client, log, topic, group, note, damaged, signal }: ReadTopicOptions): Promise<void> => {
  const bounds = await client.topicOffsets(topic)
  const open = new Map(bounds.filter(({ logStart, end }) => end > logStart).map(({ partition, end }) => [partition, end]))
  if (open.size === 0) return
  const readers = new Map<number, RecordReader>([...open.keys()].map((partition) => [partition, openRecordReader()]))
  const done = Promise.withResolvers<void>()
  done.promise.catch(() => undefined)
  let consumer: GroupConsumer | undefined
  const read = async (fetched: FetchedBytes) => {
    const reader = readers.get(fetched.partition)
    if (!reader) return
    reader.push(fetched)
    const damage = await noteAll(reader, note)
    if (damage) {
      damaged(damage)
      reader.clear()
      consumer?.goOn(damage, damage.toOffset)
    }
    if ((damage?.toOffset ?? fetched.lastOffset + 1) >= (open.get(fetched.partition) ?? 0)) open.delete(fetched.partition)
    if (open.size === 0) done.resolve()
  }
  const onAbort = () => done.reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  consumer = await openGroupConsumer({
    client,
    groupId: `${group}.${randomUUID()}`,
    topics: [topic],
    fetch: { maxBytes: PIECE.maxBytes, maxBytesPerPartition: PIECE.maxBytes },
    log,
    handlers: {
      assigned: async () => new Map(bounds.map(({ partition, logStart }) => [`${topic}/${partition}`, logStart])),
      data: (fetched, heartbeat) => beating(read(fetched), heartbeat).catch(done.reject),
      // Then the topic begins later than it did, which the next attempt takes into account.
      outOfRange: () => done.reject(new ReadflowError('kafka-unavailable', `The topic ${topic} lost records while they were read.`)),
      failed: done.reject,
    },
  })
  try {
    await done.promise
  } finally {
    signal?.removeEventListener('abort', onAbort)
    await consumer.stop()
  }
}

/** Reads what a reader has; gives what stopped it, where a batch is damaged. */
const noteAll = async (reader: RecordReader, note: ReadTopicOptions['note']): Promise<CorruptBatchError | null> => {
  try {
    for (let chunk = await reader.take(PIECE); chunk; chunk = await reader.take(PIECE))
      for (const record of chunk.records) {
        const noting = note(record)
        if (noting) await noting
      }
    return null
  } catch (error) {
    if (error instanceof CorruptBatchError) return error
    throw error
  }
}
