import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { errorLine, isRetriable, ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { type FetchedBytes, type GroupConsumer, openGroupConsumer, type TopicPartition } from '../../runtime/kafka/group-consumer.ts'
import type { Producer } from '../../runtime/kafka/producer.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { Outcomes, Stage } from '../stage.ts'
import { loadAssignment } from './assignment.ts'
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

const HEARTBEAT_WHILE_BUSY_MS = 3000
const RETRY_FIRST_MS = 200
const RETRY_CAP_MS = 10_000
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

/** Repeats what a fault stopped, for as long as it lasts: a fault is waited out and loses nothing. */
const retrying = async <T>(action: () => Promise<T>, { log, signal }: { log: Log; signal: Promise<void> }): Promise<T> => {
  let isDone = false
  signal.then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  for (let delayMs = RETRY_FIRST_MS; ; delayMs = Math.min(delayMs * 2, RETRY_CAP_MS)) {
    try {
      return await action()
    } catch (error) {
      if (!isRetriable(error) || isDone) throw error
      log.warn({ reason: errorLine(error), retryInMs: delayMs }, 'waiting')
      await sleep(delayMs * (0.5 + Math.random() / 2))
    }
  }
}

/** Keeps the group membership alive while something takes long. */
const beating = async (work: Promise<void>, heartbeat: () => Promise<void>) => {
  let isDone = false
  const finished = work.finally(() => {
    isDone = true
  })
  while (!isDone) {
    await Promise.race([finished, sleep(HEARTBEAT_WHILE_BUSY_MS)])
    if (!isDone) await heartbeat()
  }
  await finished
}

const endOffsets = async (client: KafkaClient, topics: readonly string[]) => {
  const ends = new Map<string, number>()
  for (const topic of topics) for (const { partition, end } of await client.topicOffsets(topic)) ends.set(`${topic}/${partition}`, end)
  return ends
}

const everyPartition = (
  sinks: Map<string, TableSink>,
  targets: Map<string, number>,
  reached: (sink: TableSink, partition: number, target: number) => boolean,
) =>
  [...targets].every(([id, target]) => {
    const at = id.lastIndexOf('/')
    const sink = sinks.get(id.slice(0, at))
    return sink !== undefined && reached(sink, Number(id.slice(at + 1)), target)
  })

const bufferedOf = (sinks: Map<string, TableSink>) => {
  const size = { rows: 0, bytes: 0 }
  for (const sink of sinks.values()) {
    for (const { buffered } of sink.partitions()) {
      for (const { count, bytes } of buffered) {
        size.rows += count
        size.bytes += bytes.length
      }
    }
  }
  return size
}

const partitionOf = (sink: TableSink, partition: number) => sink.partitions().find((each) => each.partition === partition)

const hasFetchedAll = (sinks: Map<string, TableSink>, targets: Map<string, number>) =>
  everyPartition(sinks, targets, (sink, partition, target) => (partitionOf(sink, partition)?.fetchedTo ?? -1) >= target)

const isCaughtUp = (sinks: Map<string, TableSink>, targets: Map<string, number>) =>
  everyPartition(sinks, targets, (sink, partition, target) => {
    const of = partitionOf(sink, partition)
    return of !== undefined && of.buffered.length === 0 && of.fetchedTo >= target
  })
