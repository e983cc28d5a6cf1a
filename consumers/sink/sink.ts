import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { RunRecorder } from '../../lineage/runs/recorder.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import {
  type FetchedBytes,
  type GroupConsumer,
  openGroupConsumer,
  partitionId,
  type TopicPartition,
  topicPartition,
} from '../../runtime/kafka/group-consumer.ts'
import type { PartitionEnd } from '../../runtime/kafka/partition-ends.ts'
import type { Producer } from '../../runtime/kafka/producer.ts'
import type { Log } from '../../runtime/log.ts'
import type { StageReport } from '../../runtime/stage-runs.ts'
import { createTurns, type Turns } from '../../runtime/turns.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { addCounts, type Outcomes, type Stage } from '../stage.ts'
import { loadAssignment } from './assignment.ts'
import { areEndsKnown, bufferedOf, endOffsets, hasFetchedAll, isCaughtUp } from './catch-up.ts'
import { handleCorrupt } from './corrupt.ts'
import { readDeadLetterOrigins } from './dead-letter-origins.ts'
import { followGroup } from './follow-group.ts'
import { abandonReplay, fetchedTo, isDerived, type SinkPartition } from './partition.ts'
import { beating, retrying } from './patience.ts'
import { createRenewals } from './renew.ts'
import { createReplayRuns } from './replay-runs.ts'
import { createRivals } from './rivals.ts'
import { noSinkMetrics, type SinkMetrics } from './sink-metrics.ts'
import { createTableSink, type FlushReport, type TableSink, type TableSinkOptions } from './table-sink.ts'
import { createTelling } from './telling.ts'

export interface SinkOptions {
  stage: Stage
  store: ObjectStore
  client: KafkaClient
  producer: Pick<Producer, 'send'>
  /** A flush is due after the interval, or when this much is buffered; one flush commits at most this much. */
  flush: { intervalMs: number; maxRows: number; maxBytes: number }
  /** Stops by itself once everything that the topics hold at the start is committed. */
  isOnce: boolean
  /** Goes on where records are lost or damaged, and names the gap in the table. */
  isLossAccepted?: boolean
  /** How long a consumer may be silent before the group gives its partitions to another. */
  sessionTimeoutMs?: number
  /** Least time between two commits that only say up to when an idle table is complete. */
  renewIntervalMs?: number
  /** Shared by the stages of a process, so that one of them flushes at a time. */
  turns?: Turns
  /** Told why partitions do not go on, by `topic/partition`, when that changes. */
  onStopped?: (stopped: ReadonlyMap<string, string>) => void
  /** Told, at each flush, of a Kafka cluster whose consumers write the same tables; null where there is none. */
  onRival?: (clusterId: string | null) => void
  /** Where replays are kept on record. */
  runs?: Pick<RunRecorder, 'start'>
  metrics?: SinkMetrics
  /** Who is told of each flush, and says when to go on before the time is over. */
  watch?: SinkWatch
  log: Log
}

export interface SinkWatch {
  report: StageReport
  /** Waits so long, or until somebody says to go on. */
  wait: (delayMs: number, signal: AbortSignal) => Promise<unknown>
  /** Hears of somebody who wants a flush now. Returns what ends that. */
  onGoOn: (listener: () => void) => () => void
}

const RENEW_INTERVAL_MS = 60_000
const FETCH_MAX_BYTES = 4 * 1024 * 1024
const FETCH_MAX_BYTES_PER_PARTITION = 1024 * 1024

/**
 * Runs one stage until `signal` is aborted (or, with `isOnce`, until it has caught up): fetch → columns →
 * transform → commit rows and progress together → group offsets. Resolves with the outcomes of this run, having
 * left the group; rejects with what ended it otherwise, with `isOnce` also with `records-lost`.
 */
export const runSink = async (options: SinkOptions, signal: AbortSignal): Promise<Record<string, Outcomes>> => {
  const { stage, client, store, producer, log, watch, isLossAccepted = false, turns = createTurns(), metrics = noSinkMetrics } = options
  const topicNow = async (topic: string) => (await client.topicStates([topic])).get(topic)
  const warn = (error: unknown) =>
    log.warn({ stage: stage.name, error: errorLine(error) }, 'no checkpoint written; the next commit tries again')
  const sinks = new Map<string, TableSink>(
    stage.tables.map((stageTable) => {
      const { topic } = catalogue[stageTable.entity]
      const deadLetterOrigins: TableSinkOptions['deadLetterOrigins'] = (of, wanted) => readDeadLetterOrigins({ client, log }, of, wanted)
      return [
        topic,
        createTableSink({ topic, stageTable, table: openTable(store, stageTable.root, { warn }), producer, topicNow, deadLetterOrigins }),
      ]
    }),
  )
  const topics = [...sinks.keys()]
  const telling = createTelling(metrics, [...sinks.values()])
  const replayRuns = createReplayRuns(options.runs, stage.name, ({ stageTable }, state) => metrics.replayEnded(stageTable.entity, state))
  const rivalOf = createRivals({ clusterId: client.clusterId, nowMs: Date.now })
  const renewals = createRenewals({ sinks: [...sinks.values()], intervalMs: options.renewIntervalMs ?? RENEW_INTERVAL_MS, nowMs: Date.now })
  const budget = { records: options.flush.maxRows, bytes: options.flush.maxBytes }
  const totals: Record<string, Outcomes> = Object.fromEntries(stage.tables.map(({ entity }) => [entity, {}]))
  const targets = options.isOnce ? await endOffsets(client, topics) : null
  const done = Promise.withResolvers<void>()
  const ended = new AbortController()
  done.promise.catch(() => undefined).finally(() => ended.abort())
  let stopped = new Map<string, string>()
  let consumer: GroupConsumer | undefined
  let flushing: Promise<void> = Promise.resolve()
  let flushesDue = 0
  let isStopping = false

  const onFault = (error: unknown, retryInMs: number) => watch?.report.failed(error, Date.now() + retryInMs)
  const patience = { log: log.child({ stage: stage.name }), signal: ended.signal, waiting: metrics.waiting }
  const patiently = <T>(action: () => Promise<T>, topic?: string) => {
    const log = topic === undefined ? patience.log : patience.log.child({ topic })
    return retrying(action, { ...patience, log, ...(watch && { wait: watch.wait, onFault }) })
  }

  const isDrained = () => targets !== null && isCaughtUp(sinks, targets, stopped) && areEndsKnown(sinks, stopped)

  const checkCaughtUp = async () => {
    if (!isDrained()) return
    await patiently(() => renewals.renew({ isLast: true }))
    if (stopped.size === 0) return done.resolve()
    done.reject(new ReadflowError('records-lost', [...stopped.values()].join(' ')))
  }

  const stop = ({ topic, partition }: TopicPartition, reason: string, offset: number | null) => {
    const id = partitionId({ topic, partition })
    if (stopped.get(id) === reason) return
    stopped.set(id, reason)
    log.error({ stage: stage.name, topic, partition, offset }, reason)
    options.onStopped?.(stopped)
    telling.stopped(stopped)
  }

  const noted = (sink: TableSink, report: FlushReport, startedMs: number) => {
    const { topic, stageTable } = sink
    const total = totals[stageTable.entity]
    if (total) addCounts(total, report.outcomes)
    const { version, rows, replayed } = report
    const { ranges, pollIds, outcomes, replayedRanges } = report
    const table = `${stage.name}.${stageTable.entity}`
    const about = { stage: stage.name, topic, table, version, rows, counts: outcomes, duration_ms: Date.now() - startedMs }
    if (rows > 0 || replayed.length === 0) log.info({ ...about, ranges, poll_ids: [...pollIds] }, 'committed')
    if (replayed.length > 0) log.info({ ...about, ranges: replayedRanges }, 'replayed')
    options.onRival?.(rivalOf(table, sink.table.known()))
    replayRuns.replayed(sink, replayed, version)
    telling.flushed(sink, report.measures)
  }

  const goOn = ({ topic }: TableSink, partition: SinkPartition) => {
    partition.reader.clear()
    consumer?.goOn({ topic, partition: partition.partition }, partition.position)
  }

  /** Nothing more of this partition is wanted for now. */
  const leaveToOthers = ({ topic }: TableSink, partition: SinkPartition) => {
    partition.reader.clear()
    consumer?.pause({ topic, partition: partition.partition })
  }

  /**
   * A range that can not be derived again keeps its rows; the group goes back to the table's progress. As a link of the
   * chain: a flush that is under way may stage or even swap the replay still.
   */
  const abandon = (sink: TableSink, partition: SinkPartition) => {
    leaveToOthers(sink, partition)
    flushing = flushing.then(async () => {
      if (partition.replay) {
        log.warn(
          { stage: stage.name, topic: sink.topic, partition: partition.partition },
          'the replay is given up, and the rows of before stay',
        )
        abandonReplay(partition)
        replayRuns.abandoned(sink, partition.partition)
        telling.replays(sink)
      }
      if (consumer) await followGroup({ stage, client, sinks: [sink], consumer, log })
      consumer?.restart().catch(done.reject)
    })
  }

  const flushSink = async (sink: TableSink): Promise<number> => {
    for (let rows = 0; ; ) {
      const startedMs = Date.now()
      const report = await patiently(() => turns(() => sink.flush(budget)), sink.topic)
      if (!report) return rows
      rows += report.rows
      noted(sink, report, startedMs)
      renewals.flushed(sink)
      for (const partition of sink.partitions().filter(isDerived)) leaveToOthers(sink, partition)
      for (const partition of report.replayed) goOn(sink, partition)
      for (const { partition, error } of report.corrupt) {
        const outcome = await handleCorrupt({ sink, partition, error, isLossAccepted, metrics, log })
        if (outcome === 'go-on') goOn(sink, partition)
        else if (outcome === 'abandon') abandon(sink, partition)
        else {
          leaveToOthers(sink, partition)
          stop({ topic: sink.topic, partition: partition.partition }, outcome.reason, error.fromOffset)
        }
      }
    }
  }

  const flushAll = async (wanted: readonly TableSink[]) => {
    watch?.report.began()
    let rows = 0
    for (const sink of wanted) rows += await flushSink(sink)
    if (consumer) await followGroup({ stage, client, sinks: wanted, consumer, log })
    if (!isStopping) await patiently(renewals.renew)
    const nextMs = isStopping ? null : Date.now() + options.flush.intervalMs
    watch?.report.ended('completed', rows === 0 ? 'nothing new' : `${rows} rows`, nextMs)
    await checkCaughtUp()
  }

  /** One flush at a time. A fenced one means that somebody else went on: start over from the table. */
  const flush = (wanted: readonly TableSink[] = [...sinks.values()]): Promise<void> => {
    flushesDue++
    flushing = flushing
      .then(() => flushAll(wanted))
      .catch(async (error: unknown) => {
        if (isStopping) log.warn({ stage: stage.name, error: errorLine(error) }, 'not flushed at the end; the next start takes it up')
        if (!isOutdated(error) || isStopping) return done.reject(error)
        log.warn({ stage: stage.name, error: errorLine(error) }, 'starting over from the table')
        metrics.fenced(error.code)
        for (const sink of sinks.values()) sink.assign([])
        consumer?.restart().catch(done.reject)
      })
      .finally(() => flushesDue--)
    return flushing
  }

  const onData = async (fetched: FetchedBytes, heartbeat: () => Promise<void>) => {
    sinks.get(fetched.topic)?.buffer(fetched)
    if (targets && hasFetchedAll(sinks, targets, stopped)) return beating(flush(), heartbeat)
    const sink = sinks.get(fetched.topic)
    if (sink?.partitions().some((each) => each.replay && !isDerived(each) && fetchedTo(each) >= each.replay.until))
      return beating(flush([sink]), heartbeat)
    const { rows, bytes } = bufferedOf(sinks.values())
    if (rows >= options.flush.maxRows || bytes >= options.flush.maxBytes) await beating(flush([fullest(sinks)]), heartbeat)
  }

  const load = async (partitions: TopicPartition[]) => {
    // It takes as long as the state is large: no flush is due meanwhile.
    watch?.report.waits(null)
    // What the old assignment has buffered must not meet a state that is being restored for the new one.
    for (const sink of sinks.values()) sink.assign([])
    const once = () => loadAssignment({ stage, client, sinks, partitions, isLossAccepted, metrics, log, signal })
    const assignment = await patiently(() => once().catch((error) => (isOutdated(error) ? once() : Promise.reject(error))))
    for (const sink of sinks.values()) {
      replayRuns.assigned(sink)
      telling.replays(sink)
    }
    renewals.begin()
    if (stopped.size > 0 && assignment.stopped.size === 0) options.onStopped?.(assignment.stopped)
    stopped = new Map([...stopped].filter(([id]) => assignment.stopped.has(id)))
    for (const [id, reason] of assignment.stopped) stop(topicPartition(id), reason, assignment.stoppedAt.get(id) ?? null)
    telling.stopped(stopped)
    return assignment.positions
  }

  /** A link of the same chain as the flushes: none of them runs while the state is restored. */
  const onAssigned = (partitions: TopicPartition[]): Promise<Map<string, number>> => {
    const loading = flushing.then(() => load(partitions))
    flushing = loading.then(
      () => undefined,
      () => undefined,
    )
    // Also where nothing new comes: after a crash between the two commits, or when the group has expired.
    void flush()
    return loading
  }

  const onEnded = ({ topic, partition }: TopicPartition, end: PartitionEnd) => {
    sinks.get(topic)?.ended(partition, end)
    // Where nothing is left to fetch, no data will say that this is the end.
    if (flushesDue === 0 && !isStopping && isDrained()) void flush()
  }

  const onOutOfRange = (at: TopicPartition) => {
    log.warn({ stage: stage.name, ...at }, 'the topic no longer has the next offset')
    const sink = sinks.get(at.topic)
    const partition = sink?.partitions().find((each) => each.partition === at.partition)
    if (sink && partition?.replay) abandon(sink, partition)
    else consumer?.restart().catch(done.reject)
  }

  const onAbort = () => done.resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  consumer = await openGroupConsumer({
    client,
    groupId: stage.groupId,
    topics,
    fetch: { maxBytes: Math.min(FETCH_MAX_BYTES, options.flush.maxBytes), maxBytesPerPartition: FETCH_MAX_BYTES_PER_PARTITION },
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    log,
    handlers: {
      joined: metrics.joined,
      assigned: onAssigned,
      data: onData,
      ended: onEnded,
      outOfRange: onOutOfRange,
      failed: (error) => done.reject(error),
    },
  })
  // While a fault is waited out, one flush waits, and not one for every tick.
  const flushUnlessDue = () => void (flushesDue === 0 && flush())
  const timer = setInterval(flushUnlessDue, options.flush.intervalMs)
  const stopListening = watch?.onGoOn(flushUnlessDue)
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
    stopListening?.()
    signal.removeEventListener('abort', onAbort)
    await consumer.stop()
    replayRuns.stopped()
    telling.left()
    await Promise.all([...sinks.values()].map(({ table }) => table.settled()))
  }
  return totals
}

/** Whether the table or the topic went on without us. */
const isOutdated = (error: unknown): error is ReadflowError & { code: 'lake-fenced' | 'topic-changed' } =>
  error instanceof ReadflowError && (error.code === 'lake-fenced' || error.code === 'topic-changed')

const fullest = (sinks: ReadonlyMap<string, TableSink>): TableSink => {
  const sized = [...sinks.values()].map((sink) => ({ sink, bytes: bufferedOf([sink]).bytes }))
  return sized.reduce((most, each) => (each.bytes > most.bytes ? each : most)).sink
}
