import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { type FetchedBytes, type GroupConsumer, openGroupConsumer, type TopicPartition } from '../../runtime/kafka/group-consumer.ts'
import type { Producer } from '../../runtime/kafka/producer.ts'
import type { Log } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { Outcomes, Stage } from '../stage.ts'
import { loadAssignment } from './assignment.ts'
import { bufferedOf, endOffsets, hasFetchedAll, isCaughtUp } from './catch-up.ts'
import { beating, retrying } from './patience.ts'
import { offsetMetadata } from './start.ts'
import { createTableSink, type FlushReport, type TableSink } from './table-sink.ts'

export interface SinkOptions {
  stage: Stage
  store: ObjectStore
  client: KafkaClient
  producer: Producer
  flush: { intervalMs: number; maxRows: number; maxBytes: number }
  /** Stops by itself once everything that the topics hold at the start is committed. */
  isOnce: boolean
  log: Log
}

const FETCH_MAX_BYTES = 8 * 1024 * 1024

/**
 * Runs one stage until `signal` is aborted (or, with `isOnce`, until it has caught up): fetch → columns →
 * transform → commit rows and progress together → group offsets. Resolves with the outcomes of this run;
 * rejects with what ended it otherwise.
 */
export const runSink = async (options: SinkOptions, signal: AbortSignal): Promise<Record<string, Outcomes>> => {
  const { stage, client, store, producer, log } = options
  const sinks = new Map<string, TableSink>(
    stage.tables.map((stageTable) => {
      const { topic } = catalogue[stageTable.entity]
      return [topic, createTableSink({ topic, stageTable, table: openTable(store, stageTable.root), producer })]
    }),
  )
  const totals: Record<string, Outcomes> = Object.fromEntries(stage.tables.map(({ entity }) => [entity, {}]))
  const targets = options.isOnce ? await endOffsets(client, [...sinks.keys()]) : null
  const done = Promise.withResolvers<void>()
  done.promise.catch(() => undefined)
  let consumer: GroupConsumer | undefined
  let flushing: Promise<void> = Promise.resolve()
  let isStopping = false

  const record = ({ topic, stageTable }: TableSink, report: FlushReport, startedMs: number) => {
    const of = totals[stageTable.entity] ?? {}
    for (const [name, count] of Object.entries(report.outcomes)) of[name] = (of[name] ?? 0) + count
    totals[stageTable.entity] = of
    log.info(
      { stage: stage.name, topic, version: report.version, rows: report.rows, ...report.outcomes, durationMs: Date.now() - startedMs },
      'committed',
    )
  }

  const flushAll = async () => {
    const offsets: Parameters<GroupConsumer['commitOffsets']>[0][number][] = []
    for (const sink of sinks.values()) {
      const startedMs = Date.now()
      const report = await retrying(() => sink.flush(), { log, signal: done.promise })
      if (!report) continue
      record(sink, report, startedMs)
      const tableId = (await sink.table.snapshot()).metadata?.id ?? ''
      for (const { partition, topicId, nextOffset } of report.partitions) {
        offsets.push({
          topic: sink.topic,
          partition,
          offset: nextOffset,
          metadata: offsetMetadata({ clusterId: client.clusterId, topicId, tableId }, nextOffset),
        })
      }
    }
    if (offsets.length > 0) await commitGroup(offsets)
    if (targets && isCaughtUp(sinks, targets)) done.resolve()
  }

  // Group offsets are for people's tools: progress is in the table, so a failure here costs nothing.
  const commitGroup = async (offsets: Parameters<GroupConsumer['commitOffsets']>[0]) => {
    try {
      await consumer?.commitOffsets(offsets)
    } catch (error) {
      log.warn({ stage: stage.name, reason: errorLine(error) }, 'group offsets not committed; they follow with the next batch')
    }
  }

  /** One flush at a time. A fenced one means that somebody else went on: start over from the table. */
  const flush = (): Promise<void> => {
    flushing = flushing.then(flushAll).catch(async (error: unknown) => {
      if (error instanceof ReadflowError && error.code === 'lake-fenced' && !isStopping) {
        log.warn({ stage: stage.name, reason: errorLine(error) }, 'another writer went on with a partition: starting over from the table')
        consumer?.restart().catch(done.reject)
      } else {
        done.reject(error)
      }
    })
    return flushing
  }

  const onData = async (fetched: FetchedBytes, heartbeat: () => Promise<void>) => {
    sinks.get(fetched.topic)?.buffer(fetched)
    const { rows, bytes } = bufferedOf(sinks)
    const isFull = rows >= options.flush.maxRows || bytes >= options.flush.maxBytes
    if (isFull || (targets && hasFetchedAll(sinks, targets))) await beating(flush(), heartbeat)
  }

  const onAssigned = async (partitions: TopicPartition[]) => {
    await flushing
    const positions = await retrying(() => loadAssignment({ stage, client, sinks, partitions, log }), { log, signal: done.promise })
    if (targets && isCaughtUp(sinks, targets)) done.resolve()
    return positions
  }

  const onAbort = () => done.resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  consumer = await openGroupConsumer({
    client,
    groupId: stage.groupId,
    topics: [...sinks.keys()],
    maxBytesPerPartition: Math.min(FETCH_MAX_BYTES, options.flush.maxBytes),
    log,
    handlers: {
      assigned: onAssigned,
      data: onData,
      outOfRange: ({ topic, partition }) =>
        log.error({ stage: stage.name, topic, partition }, 'the topic no longer has the next offset; the partition is stopped'),
      failed: (error) => done.reject(error),
    },
  })
  const timer = setInterval(() => void flush(), options.flush.intervalMs)
  try {
    if (signal.aborted) done.resolve()
    await done.promise
    isStopping = true
    clearInterval(timer)
    await flush()
    await done.promise
  } finally {
    isStopping = true
    clearInterval(timer)
    signal.removeEventListener('abort', onAbort)
    await consumer.stop()
  }
  return totals
}
