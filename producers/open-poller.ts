import type { StoreMetrics } from '../lake/store/measured.ts'
import { openStore } from '../lake/store/open.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import { driftLine } from '../lineage/drift/drift.ts'
import { openDrift } from '../lineage/drift/open.ts'
import { openRuns } from '../lineage/runs/open.ts'
import { withRun } from '../lineage/runs/recorder.ts'
import type { Config } from '../runtime/config/config.ts'
import { openKafka } from '../runtime/kafka/client.ts'
import { openProducer } from '../runtime/kafka/producer.ts'
import type { Release } from '../runtime/lifecycle.ts'
import type { Log } from '../runtime/log.ts'
import { openRegistry } from '../runtime/registry.ts'
import { requireServices } from '../runtime/services.ts'
import { createTurns } from '../runtime/turns.ts'
import { topicSpecs } from '../schemas/topics.ts'
import { openSource } from './open-source.ts'
import { createEncoder, type Polled, type PollOptions, poll } from './poll/poll.ts'
import { createPositionsOf, openPositions } from './poll/positions.ts'
import { openSourceWatch } from './poll/source-watch.ts'
import type { Source } from './sources/source.ts'
import type { SourceMetrics } from './sources/source-metrics.ts'

interface Opening {
  config: Config
  log: Log
  signal: AbortSignal
  defer: (release: Release) => void
  /** What a program that serves metrics counts. */
  metrics?: { poll: NonNullable<PollOptions['metrics']>; source: SourceMetrics; store: StoreMetrics }
}

/** The source that is configured, and the lake that keeps its position. */
export const openConfiguredSource = async ({
  config,
  log,
  signal,
  defer,
  metrics,
}: Opening): Promise<{ source: Source; store: ObjectStore }> => {
  const store = openStore(config.lakeUrl, { signal, ...(metrics && { metrics: metrics.store }) })
  defer(() => store.close())
  const sandboxStart = openPositions(store, 'sandbox-start')
  const sandboxStartMs = async () => {
    // Whether a source can be opened says nothing of the lake: who needs that waits for it.
    if (config.isSourceCheck) return Date.now()
    const kept = (await sandboxStart.load()) as { startMs: number } | null
    if (kept) return kept.startMs
    const startMs = Date.now()
    await sandboxStart.save({ startMs })
    return startMs
  }
  const source = await openSource(config.source, { config, sandboxStartMs, ...(metrics && { metrics: metrics.source }), log })
  defer(() => source.close())
  return { source, store }
}

/** What publishes the records of sources: their polls are runs on record, and their fields are watched. */
export const openPoller = async ({ config, store, log, defer, metrics }: Omit<Opening, 'signal'> & { store: ObjectStore }) => {
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

  const positionsOf = createPositionsOf(store)
  /** Polls of one source, each from its position on. */
  const pollerOf = (of: Source) => {
    const watch = openSourceWatch({ source: of, store, drifts, policies: config.drift ?? {}, log })
    const counted = metrics && { metrics: metrics.poll }
    const common = { source: of, positions: positionsOf(of.id), encode, producer, log, nowMs: Date.now, watch, ...counted }
    return (job: string, until: AbortSignal, onProgress?: PollOptions['onProgress']): Promise<Polled> =>
      withRun(runs, { kind: 'poll', job, signal: until }, (run) => poll({ ...common, ...(onProgress && { onProgress }), run, job }, until))
  }
  return { client, pollerOf, positionsOf }
}
