import { openStore } from '../lake/store/open.ts'
import { driftLine } from '../lineage/drift/drift.ts'
import { openDrift } from '../lineage/drift/open.ts'
import { openRuns } from '../lineage/runs/open.ts'
import { parseConfig } from '../runtime/config/config.ts'
import { durationText } from '../runtime/duration-text.ts'
import { errorLine } from '../runtime/errors.ts'
import { openKafka } from '../runtime/kafka/client.ts'
import { openTransactions } from '../runtime/kafka/offset-transactions.ts'
import { openProducer } from '../runtime/kafka/producer.ts'
import { runService } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import { openMetrics } from '../runtime/metrics/open.ts'
import { createStoreMetrics } from '../runtime/metrics/store.ts'
import { createPausable } from '../runtime/pausable.ts'
import { openRegistry } from '../runtime/registry.ts'
import { requireServices } from '../runtime/services.ts'
import { createStageReport } from '../runtime/stage-runs.ts'
import { createTurns } from '../runtime/turns.ts'
import { createWaits } from '../runtime/waits.ts'
import { topicSpecs } from '../schemas/topics.ts'
import { createBronze } from './bronze/bronze.ts'
import { runClean } from './clean/run.ts'
import { createKeeper } from './keep-stages.ts'
import { createConsumerMetrics } from './metrics.ts'
import { createSilver } from './silver/silver.ts'
import { runSink } from './sink/sink.ts'
import type { Outcomes } from './stage.ts'
import { summarize } from './summary.ts'

await runService('consume', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('consume', argv, env)
  if (!config) return
  const pausable = createPausable(config.pausedStages ?? [])
  const waits = createWaits()
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
  // One that ends for good takes the others with it: a process is either whole or restarted.
  const controller = new AbortController()
  const either = AbortSignal.any([signal, controller.signal])
  const startedMs = Date.now()
  const warnings = new Map<string, string>()
  let told: string | null | undefined
  /** `of` names what it is about: a later one of the same takes its place, and none takes it away. */
  const warn = (of: string, warning: string | null) => {
    if (warning === null || warning === '') warnings.delete(of)
    else warnings.set(of, warning)
    const text = [...new Set(warnings.values())].join(' ') || null
    if (text === told) return
    told = text
    process.send?.({ type: 'status', program: 'consume', state: 'running', warning: text })
  }
  warn('', null)
  const turns = createTurns()
  const flush = { intervalMs: config.flushIntervalMs, maxRows: config.flushMaxRows, maxBytes: config.flushMaxBytes }
  const schedule = `as records come, at the latest after ${durationText(flush.intervalMs)}`
  const reports = new Map(config.stages.map((stage) => [stage, createStageReport({ stage, schedule })]))
  const { isOnce, isLossAccepted } = config
  /** Settles once Silver is through, where it runs here: what it has is then all that there is to publish. */
  const silver = Promise.withResolvers<void>()
  if (!config.stages.includes('silver')) silver.resolve()
  const transactions = (id: string) => openTransactions(client, id)
  const runStage = (name: (typeof config.stages)[number], until: AbortSignal, isWell: () => void): Promise<object> => {
    const report = reports.get(name)!
    const watch = {
      report: {
        ...report,
        ended: (...how: Parameters<typeof report.ended>) => {
          isWell()
          report.ended(...how)
        },
      },
      wait: (delayMs: number, signal: AbortSignal) => waits.wait(name, delayMs, signal),
      onGoOn: (listener: () => void) => waits.onGoOn(name, listener),
    }
    if (name === 'clean')
      return runClean(
        { store, client, registry, transactions, replicationFactor, isOnce, upstream: silver.promise, turns, watch, log },
        until,
      )
    const onStopped = (stopped: ReadonlyMap<string, string>) => warn(name, [...stopped.values()].join(' '))
    const onRival = (clusterId: string | null) =>
      warn(
        `${name} rival`,
        clusterId &&
          `Another Kafka cluster's consumers (${clusterId}) write this lake too: two pipelines on one lake mix their records. Stop one of them, or give it a lake of its own with --lake.`,
      )
    const stage = create[name]()
    const common = {
      store,
      client,
      producer,
      flush,
      isOnce,
      isLossAccepted,
      turns,
      onStopped,
      onRival,
      runs,
      watch,
      metrics: metricsOf(name),
    }
    return runSink({ stage, ...common, log }, until)
  }
  const keepStage = createKeeper({
    // With --once a stage that fails is the end of it.
    names: isOnce ? [] : config.stages,
    run: runStage,
    onFailure: (name, error, retryInMs) => {
      log.error({ stage: name, error: errorLine(error), retry_in_ms: retryInMs }, 'the stage failed; it begins anew')
      reports.get(name)?.failed(error, Date.now() + retryInMs)
      // The partitions that stand still are told anew by the next run.
      warnings.delete(name)
      warn(`failure of ${name}`, `${name} failed: ${errorLine(error)}`)
    },
    onRecovery: (name) => warn(`failure of ${name}`, null),
    wait: waits.wait,
  })
  const outcomes = await Promise.all(
    config.stages.map(async (name) => {
      try {
        // A stage that is resumed begins like one that was just started.
        const run = (until: AbortSignal) =>
          keepStage(name, until).finally(() => {
            // Of a paused stage no partition stands still; the run after it tells anew of those that do.
            if (warnings.has(name) && !either.aborted) warn(name, null)
          })
        return [name, (await pausable.run(name, either, run)) ?? {}] as const
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
