import { randomUUID } from 'node:crypto'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { type FetchedBytes, type GroupConsumer, openGroupConsumer } from '../../runtime/kafka/group-consumer.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import { openRecordReader, type RecordReader } from '../../runtime/kafka/record-reader.ts'
import { CorruptBatchError } from '../../runtime/kafka/records/corrupt-batch.ts'
import type { Log } from '../../runtime/log.ts'

/** Records of one partition of the topic that dead letters come from, before an offset. */
export interface Origins {
  topicId: string
  partition: number
  below: number
}

const PIECE = { maxRecords: 10_000, maxBytes: 4 * 1024 * 1024 }

/**
 * The offsets, for each of `wanted`, that a dead letter names as its origin, with the class of its error: each once, however
 * often it was sent, as the last one has it. Reads the whole dead letter topic in a group of its own, which commits nothing.
 */
export const readDeadLetterOrigins = async (
  { client, log }: { client: KafkaClient; log: Log },
  topic: string,
  wanted: readonly Origins[],
): Promise<Map<number, string>[]> => {
  const found = wanted.map(() => new Map<number, string>())
  const bounds = await client.topicOffsets(topic)
  const open = new Map(bounds.filter(({ logStart, end }) => end > logStart).map(({ partition, end }) => [partition, end]))
  if (open.size === 0) return found
  const readers = new Map<number, RecordReader>([...open.keys()].map((partition) => [partition, openRecordReader()]))
  const done = Promise.withResolvers<void>()
  done.promise.catch(() => undefined)
  let consumer: GroupConsumer | undefined
  const note = (record: KafkaRecord) => {
    const origin = originOf(record)
    wanted.forEach(({ topicId, partition, below }, index) => {
      if (origin.topicId === topicId && origin.partition === partition && origin.offset < below)
        found[index]?.set(origin.offset, origin.errorClass)
    })
  }
  const read = async (fetched: FetchedBytes) => {
    const reader = readers.get(fetched.partition)
    if (!reader) return
    reader.push(fetched)
    const damage = await noteAll(reader, note)
    // Letters that nobody can read count as none.
    if (damage) {
      log.warn({ reason: errorLine(damage) }, 'dead letters are passed over')
      reader.clear()
      consumer?.goOn(damage, damage.toOffset)
    }
    if ((damage?.toOffset ?? fetched.lastOffset + 1) >= (open.get(fetched.partition) ?? 0)) open.delete(fetched.partition)
    if (open.size === 0) done.resolve()
  }
  consumer = await openGroupConsumer({
    client,
    groupId: `readflow.dead-letters.${randomUUID()}`,
    topics: [topic],
    fetch: { maxBytes: PIECE.maxBytes, maxBytesPerPartition: PIECE.maxBytes },
    log,
    handlers: {
      assigned: async () => new Map(bounds.map(({ partition, logStart }) => [`${topic}/${partition}`, logStart])),
      data: (fetched) => read(fetched).catch(done.reject),
      // Then the topic begins later than it did, which the next attempt takes into account.
      outOfRange: () => done.reject(new ReadflowError('kafka-unavailable', `The topic ${topic} lost records while they were read.`)),
      failed: done.reject,
    },
  })
  try {
    await done.promise
  } finally {
    await consumer.stop()
  }
  return found
}

/** Reads what a reader has; gives what stopped it, where a batch is damaged. */
const noteAll = async (reader: RecordReader, note: (record: KafkaRecord) => void): Promise<CorruptBatchError | null> => {
  try {
    for (let chunk = await reader.take(PIECE); chunk; chunk = await reader.take(PIECE)) chunk.records.forEach(note)
    return null
  } catch (error) {
    if (error instanceof CorruptBatchError) return error
    throw error
  }
}

const originOf = ({ headers }: KafkaRecord) => {
  const text = (name: string) => headers.find(([each]) => each === `readflow.${name}`)?.[1]?.toString('utf8') ?? ''
  return {
    topicId: text('topic-id'),
    partition: Number(text('partition') || Number.NaN),
    offset: Number(text('offset') || Number.NaN),
    errorClass: text('error-class'),
  }
}
