import { errorLine, isRetriable, ReadflowError } from '../../runtime/errors.ts'
import { openTopicOwner } from '../../runtime/kafka/topic-owner.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { SinkWatch } from '../sink/sink.ts'
import { createBell } from './bell.ts'
import { isCleanUpToDate } from './settled.ts'
import { CLEAN_GROUP, type CleanCounts, type CleanOptions, type CleanTopic, createCleanTopic } from './topic.ts'

export interface RunCleanOptions extends CleanOptions {
  /** Stops by itself once all that Silver has after `upstream` is published. */
  isOnce: boolean
  /** What fills Silver in this process; it resolves once nothing more comes of it. */
  upstream?: Promise<unknown>
  entities?: readonly EntityName[]
  /** Whom to tell how it goes, and who may end a wait. */
  watch?: SinkWatch
  sessionTimeoutMs?: number
}

/** Silver's own group is asked this often whether it went on: that costs the lake nothing. */
const LOOK_MS = 500
/** The tables themselves are looked at this often, whatever Silver's group says. */
const LEAST_OFTEN_MS = 30_000
const RETRY_FIRST_MS = 500
const RETRY_CAP_MS = 10_000

/**
 * Runs the stage `clean` until `signal` is aborted, or with `isOnce` until all is published: the topics that the group gives
 * to this process, each by itself. Gives what was published; rejects with what a person must mend, or a defect.
 */
export const runClean = async (options: RunCleanOptions, signal: AbortSignal): Promise<Record<string, CleanCounts>> => {
  const { client, log, groupId = CLEAN_GROUP, entities = entityNames } = options
  const topics = new Map<string, CleanTopic>(
    entities.map((entity) => {
      const topic = createCleanTopic(entity, options)
      return [topic.source, topic]
    }),
  )
  const bell = createBell([...topics.keys()])
  const owned = new Map<string, { controller: AbortController; ended: Promise<void> }>()
  const done = Promise.withResolvers<void>()
  done.promise.catch(() => undefined)

  const own = (topic: CleanTopic) => {
    const controller = new AbortController()
    // Who had the topic a moment ago, be it this process, ends first what it has begun.
    const before = owned.get(topic.source)?.ended ?? Promise.resolve()
    const ended = before.then(() => publishing(topic, { bell, signal: controller.signal, watch: options.watch, log })).catch(done.reject)
    owned.set(topic.source, { controller, ended })
  }

  const assigned = (names: string[]) => {
    for (const [source, { controller }] of owned) if (!names.includes(source)) controller.abort()
    for (const source of names) {
      const topic = topics.get(source)
      if (topic && owned.get(source)?.controller.signal.aborted !== false) own(topic)
    }
  }

  /** Rings for each topic in which Silver went on. */
  const listen = async (until: AbortSignal) => {
    const known = new Map<string, string>()
    for (; !until.aborted; await sleep(LOOK_MS, until).catch(() => undefined)) {
      const offsets = await client.groupOffsets('readflow.silver', [...topics.keys()]).catch(() => null)
      for (const [source, of] of Map.groupBy(offsets ?? [], ({ topic }) => topic)) {
        const now = of.map(({ partition, offset, metadata }) => `${partition} ${offset} ${metadata}`).join()
        if (known.get(source) !== now) bell.ring(source)
        known.set(source, now)
      }
    }
  }

  /** Whoever publishes them: all topics are where Silver is now. */
  const drained = async (until: AbortSignal) => {
    await options.upstream
    for (; !until.aborted; await sleep(LOOK_MS, until).catch(() => undefined)) {
      for (const source of topics.keys()) bell.ring(source)
      const isDone = await isCleanUpToDate({ ...options, groupId }, entities).catch((error: unknown) => {
        if (!isRetriable(error)) throw error
        return false
      })
      if (isDone) return done.resolve()
    }
  }

  const ending = new AbortController()
  const onAbort = () => done.resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) done.resolve()
  const owner = await openTopicOwner({
    client,
    groupId,
    topics: [...topics.keys()],
    ...(options.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: options.sessionTimeoutMs }),
    assigned,
    failed: done.reject,
    log,
  })
  const stopListening = options.watch?.onGoOn(() => {
    for (const source of topics.keys()) bell.ring(source)
  })
  const watching = [listen(ending.signal), ...(options.isOnce ? [drained(ending.signal)] : [])]
  for (const each of watching) each.catch(done.reject)
  try {
    await done.promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    stopListening?.()
    ending.abort()
    for (const { controller } of owned.values()) controller.abort()
    await Promise.all([...owned.values()].map(({ ended }) => ended))
    await owner.stop()
    await Promise.all([...topics.values()].map((topic) => topic.close()))
    await Promise.allSettled(watching)
  }
  return Object.fromEntries([...topics.values()].map(({ entity, counts }) => [entity, counts]))
}

/** Whether to begin anew from what Kafka and the table have: a fault, another publisher, another table, or a file that is gone. */
const isToBeginAnew = (error: unknown): boolean =>
  isRetriable(error) || (error instanceof ReadflowError && ['topic-changed', 'lake-not-found'].includes(error.code))

/** Publishes one topic for as long as it is this process's. */
const publishing = async (
  topic: CleanTopic,
  {
    bell,
    signal,
    watch,
    log,
  }: { bell: ReturnType<typeof createBell>; signal: AbortSignal; watch: SinkWatch | undefined; log: CleanOptions['log'] },
): Promise<void> => {
  let delayMs = RETRY_FIRST_MS
  while (!signal.aborted) {
    try {
      const session = await topic.open(signal)
      while (session && !signal.aborted) {
        const rung = bell.next(topic.source, LEAST_OFTEN_MS, signal)
        const before = topic.counts.published + topic.counts.deleted
        watch?.report.began()
        await session.catchUp()
        delayMs = RETRY_FIRST_MS
        const records = topic.counts.published + topic.counts.deleted - before
        watch?.report.ended('completed', records === 0 ? 'nothing new' : `${records} records on ${topic.topic}`, null)
        await rung
      }
      if (!session) await bell.next(topic.source, LEAST_OFTEN_MS, signal)
    } catch (error) {
      if (signal.aborted) break
      if (!isToBeginAnew(error)) throw error
      log.warn({ stage: 'clean', topic: topic.topic, error: errorLine(error), retry_in_ms: delayMs }, 'beginning anew')
      const waitMs = delayMs * (0.5 + Math.random() / 2)
      watch?.report.failed(error, Date.now() + waitMs)
      await (watch?.wait ?? sleep)(waitMs, signal).catch(() => undefined)
      delayMs = Math.min(delayMs * 2, RETRY_CAP_MS)
    }
  }
  await topic.close()
}
