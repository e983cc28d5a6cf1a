import { openStore } from '../lake/store/open.ts'
import { driftLine } from '../lineage/drift/drift.ts'
import { openDrift } from '../lineage/drift/open.ts'
import { openRuns } from '../lineage/runs/open.ts'
import { withRun } from '../lineage/runs/recorder.ts'
import { openInbox } from '../lineage/shelves/inbox.ts'
import { parseConfig } from '../runtime/config/config.ts'
import { durationText } from '../runtime/duration-text.ts'
import { errorLine, isRetriable } from '../runtime/errors.ts'
import { type KafkaClient, openKafka } from '../runtime/kafka/client.ts'
import { openProducer } from '../runtime/kafka/producer.ts'
import { runProgram } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import { createPausable } from '../runtime/pausable.ts'
import { openRegistry } from '../runtime/registry.ts'
import { requireServices } from '../runtime/services.ts'
import { createStageReport } from '../runtime/stage-runs.ts'
import { createTurns } from '../runtime/turns.ts'
import { createWaits } from '../runtime/waits.ts'
import { catalogue, entityNames } from '../schemas/catalogue.ts'
import { topicSpecs } from '../schemas/topics.ts'
import { openSource } from './open-source.ts'
import { createShelfOpener } from './poll/open-shelf.ts'
import { createEncoder, type Polled, poll } from './poll/poll.ts'
import { openPositions } from './poll/positions.ts'
import { createShelves } from './poll/shelves.ts'
import { openSourceWatch } from './poll/source-watch.ts'

import type { Source } from './sources/source.ts'

const PROGRESS_MS = 2000
const RETRY_FIRST_MS = 1000
const RETRY_CAP_MS = 60_000
/** What a timer can take. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1

await runProgram('poll', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('poll', argv, env)
  if (!config) return
  const pausable = createPausable(config.pausedStages ?? [])
  const waits = createWaits()
  const log = createLog('poll', config.logLevel)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const sandboxStart = openPositions(store, 'sandbox-start')
  const sandboxStartMs = async () => {
    const kept = (await sandboxStart.load()) as { startMs: number } | null
    if (kept) return kept.startMs
    const startMs = Date.now()
    await sandboxStart.save({ startMs })
    return startMs
  }
  const source = await openSource(config.source, { config, sandboxStartMs, log })
  defer(() => source.close())
  if (config.isSourceCheck) return
  const { brokers, registryUrl } = requireServices(config)
  const encode = await createEncoder(openRegistry(registryUrl))
  const client = await openKafka({ brokers, clientId: 'readflow-poll', log })
  defer(() => client.close())
  await client.ensureTopics(topicSpecs({ partitions: config.topicPartitions, replicationFactor: config.replicationFactor }))
  const sender = await openProducer(client)
  defer(() => sender.close())
  // Sources that are polled at the same time share it: its requests are numbered, and go one after the other.
  const inTurn = createTurns()
  const producer = { ...sender, send: (records: Parameters<typeof sender.send>[0]) => inTurn(() => sender.send(records)) }
  const { lakeUrl, replicationFactor } = config
  const runs = await openRuns({ store, programs: ['poll'], lakeUrl, brokers, replicationFactor, log })
  defer(runs.close)

  const drifts = openDrift({ store, log, onRecorded: (drift) => process.send?.({ type: 'notice', text: driftLine(drift) }) })
  defer(drifts.close)
  const startedMs = Date.now()
  let reportedMs = 0
  const onProgress = (polled: Record<string, number>) => {
    if (Date.now() - reportedMs < PROGRESS_MS) return
    reportedMs = Date.now()
    log.info({ source: source.name, ...polled }, 'polling')
    process.send?.({ type: 'status', program: 'poll', state: 'running', polled: { ...polled } })
  }
  const pollerOf = (of: Source) => {
    const watch = openSourceWatch({ source: of, store, drifts, policies: config.drift ?? {}, log })
    const common = { source: of, positions: openPositions(store, of.id), encode, producer, log, nowMs: Date.now, watch }
    return (job: string, until: AbortSignal, told: Pick<Parameters<typeof poll>[0], 'onProgress'> = {}) =>
      withRun(runs, { kind: 'poll', job, signal: until }, (run) => poll({ ...common, ...told, run }, until))
  }
  const pollSource = pollerOf(source)
  const once = (until: AbortSignal) => pollSource(`poll ${source.name}`, until, { onProgress })

  const inbox = openInbox(config.dataDir)
  const openShelf = createShelfOpener(inbox, { requestTimeoutMs: config.requestTimeoutMs, log })
  const shelves = createShelves({
    inbox,
    open: openShelf,
    poll: (of, job, until) => pollerOf(of)(job, until),
    topicEnds: () => topicEnds(client),
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
  const schedule = intervalMs === null ? 'once: the source is read to its end' : `every ${durationText(intervalMs)}`
  const report = createStageReport({ stage: 'poll', schedule })
  let dueMs = 0
  let retryMs = RETRY_FIRST_MS
  const follow = async (until: AbortSignal) => {
    while (true) {
      const beganMs = Date.now()
      // A pause moves no poll: one that was broken off is due at once, a source that is read once never again.
      if (beganMs < dueMs) {
        report.waits(dueMs)
        if (await waits.wait('poll', Math.min(dueMs - beganMs, LONGEST_SLEEP_MS), until)) dueMs = 0
        continue
      }
      report.began()
      try {
        const polled = await once(until)
        retryMs = RETRY_FIRST_MS
        // Measured from the beginning of a poll, and never two at once.
        dueMs = intervalMs === null ? Number.POSITIVE_INFINITY : beganMs + intervalMs
        report.ended('completed', polledText(polled), dueMs)
      } catch (error) {
        if (until.aborted) report.waits(null)
        until.throwIfAborted()
        if (!isRetriable(error)) report.failed(error, null)
        // A source or broker that is away for a while: the position has not moved, the next poll goes on from it.
        if (!isRetriable(error)) throw error
        log.warn({ reason: errorLine(error), retryInMs: retryMs }, 'poll failed; it is tried again')
        process.send?.({ type: 'status', program: 'poll', state: 'waiting', lastError: errorLine(error) })
        dueMs = Date.now() + retryMs
        report.failed(error, dueMs)
        retryMs = Math.min(retryMs * 2, RETRY_CAP_MS)
      }
    }
  }
  await pausable.run('poll', signal, async (until) => {
    // What ends one of them ends the other.
    const ending = new AbortController()
    const both = AbortSignal.any([until, ending.signal])
    const work = [follow(both), shelves.follow(both)].map((each) =>
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
