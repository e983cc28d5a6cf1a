import { openBackfillInbox } from '../lineage/backfill/inbox.ts'
import { openInbox } from '../lineage/shelves/inbox.ts'
import { parseConfig } from '../runtime/config/config.ts'
import { durationText } from '../runtime/duration-text.ts'
import { errorLine, isRetriable } from '../runtime/errors.ts'
import type { KafkaClient } from '../runtime/kafka/client.ts'
import { runService } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import { openMetrics } from '../runtime/metrics/open.ts'
import { createStoreMetrics } from '../runtime/metrics/store.ts'
import { createPausable } from '../runtime/pausable.ts'
import { createStageReport } from '../runtime/stage-runs.ts'
import { createWaits } from '../runtime/waits.ts'
import { catalogue, entityNames } from '../schemas/catalogue.ts'
import { createBackfills } from './backfill/run.ts'
import { createPollMetrics, createSourceMetrics } from './metrics.ts'
import { openConfiguredSource, openPoller } from './open-poller.ts'
import { createShelfOpener } from './poll/open-shelf.ts'
import type { Polled } from './poll/poll.ts'
import { createShelves } from './poll/shelves.ts'

const PROGRESS_MS = 2000
const RETRY_FIRST_MS = 1000
const RETRY_CAP_MS = 60_000
/** What a timer can take. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1

await runService('poll', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('poll', argv, env)
  if (!config) return
  const pausable = createPausable(config.pausedStages ?? [])
  const waits = createWaits()
  const log = createLog('poll', config.logLevel)
  // A check of the source ends at once, beside a poller that may have the port.
  const served = config.isSourceCheck ? { ...config, isOnce: true, metricsPort: undefined } : config
  const { metrics } = await openMetrics('poll', { config: served, log, defer })
  const [pollMetrics, sourceMetrics] = [createPollMetrics(metrics), createSourceMetrics(metrics)]
  const opening = { config, log, signal, defer, metrics: { poll: pollMetrics, source: sourceMetrics, store: createStoreMetrics(metrics) } }
  const { source, store } = await openConfiguredSource(opening)
  if (config.isSourceCheck) return
  const { client, pollerOf, positionsOf } = await openPoller({ ...opening, store })

  const startedMs = Date.now()
  let reportedMs = 0
  const onProgress = (polled: Polled, pollId: string) => {
    if (Date.now() - reportedMs < PROGRESS_MS) return
    reportedMs = Date.now()
    log.info({ run_id: pollId, poll_id: pollId, source: source.name, counts: polled }, 'polling')
    process.send?.({ type: 'status', program: 'poll', state: 'running', polled: { ...polled } })
  }
  const pollSource = pollerOf(source)
  const once = (until: AbortSignal) => pollSource(`poll ${source.name}`, until, onProgress)

  const inbox = openInbox(config.dataDir)
  const openShelf = createShelfOpener(inbox, { requestTimeoutMs: config.requestTimeoutMs, metrics: sourceMetrics, log })
  const shelves = createShelves({
    inbox,
    open: openShelf,
    poll: (of, job, until) => pollerOf(of)(job, until),
    topicEnds: () => topicEnds(client),
    onRead: pollMetrics.shelfRead,
    log,
    nowMs: Date.now,
  })
  const backfillInbox = openBackfillInbox(config.dataDir)
  const backfills = createBackfills({
    inbox: backfillInbox,
    source,
    positionsOf,
    poll: (of, job, until, told) => pollerOf(of)(job, until, told),
    log,
    nowMs: Date.now,
  })
  process.send?.({ type: 'status', program: 'poll', state: 'running', isGenerated: source.isGenerated })

  if (config.isOnce) {
    const polled = sumOf([await once(signal), ...(await shelves.once(signal))])
    process.stdout.write(`${JSON.stringify({ ok: true, seconds: (Date.now() - startedMs) / 1000, polled })}\n`)
    return
  }
  const intervalMs = config.pollIntervalMs ?? source.pollIntervalMs
  pollMetrics.interval(intervalMs)
  const schedule = intervalMs === null ? 'once: the source is read to its end' : `every ${durationText(intervalMs)}`
  const report = createStageReport({ stage: 'poll', schedule })
  // Due by the time of day or by a clock that nobody sets, whatever comes first: no step of the first one, and no sleep of the machine,
  // in which the second one stands still, puts a poll off.
  let dueMs = 0
  let dueTickMs = 0
  const setDue = (atMs: number) => {
    dueMs = atMs
    dueTickMs = performance.now() + (atMs - Date.now())
  }
  const leftMs = () => Math.min(dueMs - Date.now(), dueTickMs - performance.now())
  let retryMs = RETRY_FIRST_MS
  const follow = async (until: AbortSignal) => {
    while (true) {
      const beganTickMs = performance.now()
      // A pause moves no poll: one that was broken off is due at once, a source that is read once never again.
      const waitMs = leftMs()
      if (waitMs > 0) {
        report.waits(Date.now() + waitMs)
        if (await waits.wait('poll', Math.min(waitMs, LONGEST_SLEEP_MS), until)) setDue(0)
        continue
      }
      report.began()
      try {
        const polled = await once(until)
        pollMetrics.succeeded(performance.now() - beganTickMs)
        retryMs = RETRY_FIRST_MS
        // Measured from the beginning of a poll, and never two at once.
        setDue(intervalMs === null ? Number.POSITIVE_INFINITY : Date.now() - (performance.now() - beganTickMs) + intervalMs)
        report.ended('completed', polledText(polled), dueMs)
      } catch (error) {
        if (until.aborted) report.waits(null)
        until.throwIfAborted()
        pollMetrics.failed(error)
        if (!isRetriable(error)) {
          report.failed(error, null)
          throw error
        }
        // A source or broker that is away for a while: the position has not moved, the next poll goes on from it.
        log.warn({ error: errorLine(error), retry_in_ms: retryMs }, 'poll failed; it is tried again')
        process.send?.({ type: 'status', program: 'poll', state: 'waiting', lastError: errorLine(error) })
        setDue(Date.now() + retryMs)
        report.failed(error, dueMs)
        retryMs = Math.min(retryMs * 2, RETRY_CAP_MS)
      }
    }
  }
  defer(backfillInbox.disown)
  await pausable.run('poll', signal, async (until) => {
    // What ends one of them ends the other.
    const ending = new AbortController()
    const both = AbortSignal.any([until, ending.signal])
    const work = [follow(both), shelves.follow(both), backfills.follow(both)].map((each) =>
      each.catch((error) => {
        ending.abort(error)
        throw error
      }),
    )
    await Promise.allSettled(work)
    await Promise.all(work)
  })
})

function sumOf(all: readonly Polled[]): Polled {
  const sum = { books: 0, authors: 0, reviews: 0, ratings: 0 }
  for (const polled of all) for (const name of Object.keys(sum) as (keyof Polled)[]) sum[name] += polled[name]
  return sum
}

function polledText(polled: Polled): string {
  const parts = entityNames.flatMap((name) => (polled[name] === 0 ? [] : [`${polled[name]} ${name}`]))
  return parts.length === 0 ? 'nothing new' : parts.join(', ')
}

async function topicEnds(client: KafkaClient): Promise<Record<string, number>> {
  const topicIds = await client.topicIds(entityNames.map((entity) => catalogue[entity].topic))
  const ends = await Promise.all(
    entityNames.map(async (entity) => {
      const { topic } = catalogue[entity]
      const offsets = await client.topicOffsets(topic)
      return offsets.map(({ partition, end }) => [`${entity}/${topicIds.get(topic)}/${partition}`, end] as const)
    }),
  )
  return Object.fromEntries(ends.flat())
}
