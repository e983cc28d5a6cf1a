import { openStore } from '../lake/store/open.ts'
import { driftLine } from '../lineage/drift/drift.ts'
import { openDrift } from '../lineage/drift/open.ts'
import { openRuns } from '../lineage/runs/open.ts'
import { parseConfig } from '../runtime/config/config.ts'
import { openKafka } from '../runtime/kafka/client.ts'
import { openProducer } from '../runtime/kafka/producer.ts'
import { openTransactions } from '../runtime/kafka/transactions.ts'
import { runProgram } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import { openMetrics } from '../runtime/metrics/open.ts'
import { createStoreMetrics } from '../runtime/metrics/store.ts'
import { createPausable } from '../runtime/pausable.ts'
import { openRegistry } from '../runtime/registry.ts'
import { requireServices } from '../runtime/services.ts'
import { createTurns } from '../runtime/turns.ts'
import { topicSpecs } from '../schemas/topics.ts'
import { createBronze } from './bronze/bronze.ts'
import { runClean } from './clean/run.ts'
import { createConsumerMetrics } from './metrics.ts'
import { createSilver } from './silver/silver.ts'
import { runSink } from './sink/sink.ts'
import type { Outcomes } from './stage.ts'
import { summarize } from './summary.ts'

await runProgram('consume', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('consume', argv, env)
  if (!config) return
  const pausable = createPausable(config.pausedStages ?? [])
  const log = createLog('consume', config.logLevel)
  const { brokers, registryUrl } = requireServices(config)
  const { metrics } = await openMetrics('consume', { config, log, defer })
  const metricsOf = createConsumerMetrics(metrics, { stages: config.stages.filter((name) => name !== 'clean') })
  const store = openStore(config.lakeUrl, { signal, metrics: createStoreMetrics(metrics) })
  defer(() => store.close())
  const registry = openRegistry(registryUrl)
  const client = await openKafka({ brokers, clientId: 'readflow-consume', log })
  defer(() => client.close())
  await client.ensureTopics(topicSpecs({ partitions: config.topicPartitions, replicationFactor: config.replicationFactor }))
  const producer = await openProducer(client)
  defer(() => producer.close())
  const { lakeUrl, replicationFactor } = config
  const runs = await openRuns({ store, programs: ['consume'], lakeUrl, brokers, replicationFactor, log })
  defer(runs.close)

  const drifts = openDrift({ store, log, onRecorded: (drift) => process.send?.({ type: 'notice', text: driftLine(drift) }) })
  defer(drifts.close)

  const drift = { policies: config.drift ?? {}, found: drifts.record }
  const create = { bronze: () => createBronze({ registry, drift }), silver: () => createSilver({ registry, store, drift }) }
  // One stage that ends takes the others with it: a process is either whole or restarted.
  const controller = new AbortController()
  const either = AbortSignal.any([signal, controller.signal])
  const startedMs = Date.now()
  const report = (warning: string | null) => process.send?.({ type: 'status', program: 'consume', state: 'running', warning })
  report(null)
  const turns = createTurns()
  const flush = { intervalMs: config.flushIntervalMs, maxRows: config.flushMaxRows, maxBytes: config.flushMaxBytes }
  const { isOnce, isLossAccepted } = config
  const sink = (name: 'bronze' | 'silver') => (until: AbortSignal) => {
    const onStopped = (stopped: ReadonlyMap<string, string>) => report([...stopped.values()].join(' ') || null)
    const parts = { store, client, producer, flush, isOnce, isLossAccepted, turns, onStopped, runs, metrics: metricsOf(name), log }
    return runSink({ stage: create[name](), ...parts }, until)
  }
  /** Settles once Silver is through, where it runs here: what it has is then all that there is to publish. */
  const silver = Promise.withResolvers<void>()
  if (!config.stages.includes('silver')) silver.resolve()
  const transactions = (id: string) => openTransactions(client, id)
  const clean = (until: AbortSignal) =>
    runClean({ store, client, registry, transactions, replicationFactor, isOnce, upstream: silver.promise, turns, log }, until)
  // A stage that is resumed begins like one that was just started.
  const works = { bronze: sink('bronze'), silver: sink('silver'), clean }
  const outcomes = await Promise.all(
    config.stages.map(async (name) => {
      try {
        const work: (until: AbortSignal) => Promise<object> = works[name]
        return [name, (await pausable.run(name, either, work)) ?? {}] as const
      } catch (error) {
        controller.abort(error)
        throw error
      } finally {
        if (name === 'silver') silver.resolve()
      }
    }),
  )
  if (config.isOnce && !signal.aborted)
    process.stdout.write(
      `${JSON.stringify(await summarize({ store, outcomes: Object.fromEntries(outcomes) as Record<string, Record<string, Outcomes>>, startedMs }))}\n`,
    )
})
