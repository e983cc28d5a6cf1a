import { randomUUID } from 'node:crypto'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { type FetchedBytes, type GroupConsumer, openGroupConsumer, partitionId } from '../../runtime/kafka/group-consumer.ts'
import { openRecordReader, type RecordChunk, type RecordReader } from '../../runtime/kafka/record-reader.ts'
import type { Log } from '../../runtime/log.ts'
import { endingAt } from '../sink/partition.ts'
import { beating } from '../sink/patience.ts'
import type { PieceLimits, Pieces, RecordSource, Span } from './source.ts'
import { untilInVain } from './topic-end.ts'

interface Reading {
  position: number
  to: number
  reader: RecordReader
}

const SESSION_TIMEOUT_MS = 60_000

/**
 * Reads ranges of a topic by the decoder of the live consumers, in a group of its own that commits nothing. It joins the
 * group at the first `read` and stays in it until `close`, so that a further range comes without delay.
 */
export const openKafkaSource = ({
  client,
  topic,
  topicId,
  limits,
  log,
  lookMs,
}: {
  client: KafkaClient
  topic: string
  topicId: string
  limits: PieceLimits
  log: Log
  /** How often it looks whether the topic can still give what it waits for. */
  lookMs?: number
}): RecordSource => {
  const readings = new Map<number, Reading>()
  let consumer: GroupConsumer | undefined
  let done = Promise.withResolvers<void>()
  /** What is being derived: a new assignment waits for it, so that positions are what was handed over. */
  let draining: Promise<void> = Promise.resolve()
  let onPieces: (pieces: Pieces) => Promise<void> = async () => undefined

  const isRead = ({ position, to }: Reading) => position >= to
  const left = () => [...readings].filter(([, reading]) => !isRead(reading))
  const bufferedOf = (readers: readonly Reading[]) => ({
    rows: readers.reduce((sum, { reader }) => sum + reader.bufferedCount(), 0),
    bytes: readers.reduce((sum, { reader }) => sum + reader.bufferedBytes(), 0),
  })
  const hasFetchedAll = () => left().every(([, { reader, to }]) => (reader.fetchedTo() ?? 0) >= to)

  const finish = (partition: number, reading: Reading) => {
    reading.reader.clear()
    readings.delete(partition)
    consumer?.pause({ topic, partition })
  }

  /** Takes one piece of each partition; false where nothing is buffered. */
  const takePieces = async (): Promise<boolean> => {
    const pieces: Pieces = new Map()
    const budget = { ...limits }
    for (const [partition, { reader, to }] of readings) {
      if (budget.maxRecords <= 0 || budget.maxBytes <= 0) break
      const chunk = await reader.take(budget)
      if (!chunk) continue
      const piece: RecordChunk = endingAt(chunk, to)
      budget.maxRecords -= piece.records.length
      budget.maxBytes -= piece.decodedBytes
      pieces.set(partition, piece)
    }
    if (pieces.size === 0) return false
    await onPieces(pieces)
    for (const [partition, { nextOffset }] of pieces) {
      const reading = readings.get(partition)
      if (!reading) continue
      reading.position = nextOffset
      if (isRead(reading)) finish(partition, reading)
    }
    return true
  }

  const drain = async () => {
    while (await takePieces());
    if (readings.size === 0) done.resolve()
  }

  const onData = async (fetched: FetchedBytes, heartbeat: () => Promise<void>) => {
    const reading = readings.get(fetched.partition)
    if (!reading) return
    reading.reader.push(fetched)
    const { rows, bytes } = bufferedOf([...readings.values()])
    if (rows < limits.maxRecords && bytes < limits.maxBytes && !hasFetchedAll()) return
    draining = drain().catch(done.reject)
    // An error of the heartbeat is for the client, which joins the group again.
    await beating(draining, heartbeat)
  }

  const join = () =>
    openGroupConsumer({
      client,
      groupId: `readflow.replay.${randomUUID()}`,
      topics: [topic],
      fetch: { maxBytes: 4 * 1024 * 1024, maxBytesPerPartition: 1024 * 1024 },
      // Nobody waits for its partitions: it may be slow.
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      log,
      handlers: {
        assigned: async () => {
          await draining
          for (const { reader } of readings.values()) reader.clear()
          return new Map(left().map(([partition, { position }]) => [partitionId({ topic, partition }), position]))
        },
        data: onData,
        outOfRange: ({ partition }) => {
          const reading = readings.get(partition)
          if (!reading) return
          finish(partition, reading)
          if (readings.size === 0) done.resolve()
        },
        failed: (error) => done.reject(error),
      },
    })

  const read = async (spans: readonly Span[], take: (pieces: Pieces) => Promise<void>, signal: AbortSignal): Promise<void> => {
    for (const { partition, from, to } of spans) if (from < to) readings.set(partition, { position: from, to, reader: openRecordReader() })
    if (readings.size === 0) return
    done = Promise.withResolvers()
    done.promise.catch(() => undefined)
    onPieces = take
    const stop = () => done.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    const isOver = new AbortController()
    const toCome = () => left().map(([partition, { position, to }]) => ({ partition, from: position, to }))
    untilInVain({ client, topic, topicId, left: toCome, ...(lookMs === undefined ? {} : { lookMs }) }, isOver.signal).catch(done.reject)
    try {
      signal.throwIfAborted()
      if (consumer) for (const [partition, { position }] of left()) consumer.goOn({ topic, partition }, position)
      else consumer = await join()
      await done.promise
    } finally {
      signal.removeEventListener('abort', stop)
      isOver.abort()
      for (const [partition, reading] of readings) finish(partition, reading)
    }
  }

  return {
    read,
    close: async () => {
      await consumer?.stop().catch((cause: unknown) => {
        throw new ReadflowError('kafka-unavailable', `the group of the replay could not be left: ${String(cause)}`, { cause })
      })
    },
  }
}
