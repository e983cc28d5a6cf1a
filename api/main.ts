import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { openLocalFiles } from '../lake/store/local-files.ts'
import { openStore } from '../lake/store/open.ts'
import { openProcessFolder } from '../lake/store/process-folder.ts'
import { openInbox } from '../lineage/shelves/inbox.ts'
import { type Config, parseConfig } from '../runtime/config/config.ts'
import { isLoopback } from '../runtime/http/hosts.ts'
import { listen } from '../runtime/http/listen.ts'
import { runService } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import type { MetricsMessage } from '../runtime/metrics/open.ts'
import { createRegistry } from '../runtime/metrics/registry.ts'
import { createStoreMetrics } from '../runtime/metrics/store.ts'
import { isUpStatusMessage, type UpStatus } from '../runtime/up-status.ts'
import { createApp } from './app.ts'
import { openHub } from './events/hub.ts'
import { eventRoutes } from './events/routes.ts'
import { exportRoutes } from './export/routes.ts'
import { derivedTables } from './gold/derived.ts'
import { watchFreshness } from './gold/freshness.ts'
import { createGoldMetrics } from './gold/metrics.ts'
import { openGold } from './gold/reader.ts'
import { createWarming } from './http/answer.ts'
import { createEventStreams } from './http/event-stream.ts'
import { measureStreams } from './http/metrics.ts'
import { readKeys, watchKeys } from './keys/store.ts'
import { runbookRoutes } from './operate/runbook-routes.ts'
import { openChecksReader } from './pipeline/checks.ts'
import { openRuleCounts } from './pipeline/contracts.ts'
import { measureDisk } from './pipeline/disk-metrics.ts'
import { openDriftReader } from './pipeline/drift.ts'
import { openGateReader } from './pipeline/gate.ts'
import { watchLag } from './pipeline/lag.ts'
import { openLineage } from './pipeline/lineage.ts'
import { openProfilesReader } from './pipeline/profiles.ts'
import { measureRegistry } from './pipeline/registry-metrics.ts'
import { retryRoutes } from './pipeline/retry-routes.ts'
import { openRunsReader } from './pipeline/runs.ts'
import { stageRoutes } from './pipeline/stage-routes.ts'
import { watchTables } from './pipeline/tables.ts'
import { createReplayJobs } from './replay/jobs.ts'
import { replayRoutes } from './replay/routes.ts'
import { routes, warmed } from './routes/routes.ts'
import { openArrivals } from './shelves/arrival.ts'
import { shelfRoutes } from './shelves/routes.ts'
import { createSqlMetrics } from './sql/metrics.ts'
import { openPool, sqlLimits } from './sql/pool.ts'
import { sqlRoutes } from './sql/routes.ts'
import { openSql } from './sql/service.ts'
import { deadLetterRoutes } from './topics/dead-letter-routes.ts'
import { deadLetterRows } from './topics/dead-letters.ts'
import { openTopicsKafka } from './topics/kafka.ts'
import { letterActionRoutes } from './topics/letter-action-routes.ts'
import { openLetterBook } from './topics/letter-book.ts'
import { createLetterCommand } from './topics/letter-command.ts'
import { topicRoutes } from './topics/routes.ts'

const MEMORY_LIMIT = '384MB'
const LINEAGE_MEMORY_LIMIT = '128MB'
const MAX_READERS = 200
const GOLD_INTERVAL_MS = 1000
const LAG_INTERVAL_MS = 2000
const LAKE_PATIENCE_MS = 10_000

await runService('serve', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('serve', argv, env)
  if (!config) return
  const log = createLog('serve', config.logLevel)

  let upStatus: UpStatus | null = null
  process.on('message', (message) => {
    if (isUpStatusMessage(message)) upStatus = message.status
  })

  const metrics = createRegistry()
  measureDisk(metrics, config.dataDir)
  const goldMetrics = createGoldMetrics(metrics)
  // Somebody waits for each answer.
  const patience = { patienceMs: LAKE_PATIENCE_MS, requestTimeoutMs: LAKE_PATIENCE_MS }
  const store = openStore(config.lakeUrl, { signal, ...patience, metrics: createStoreMetrics(metrics) })
  defer(() => store.close())
  const copies = await openProcessFolder(path.join(config.dataDir, 'cache', 'serve'))
  defer(copies.close)
  // Two folders of copies share what may be kept: those of our own questions, and those that SQL from outside sees.
  const maxBytes = Math.floor(config.cacheMaxBytes / 2)
  const files = openLocalFiles({ store, dir: copies.dir, maxBytes })
  const gold = openGold({
    store,
    files,
    log,
    openDuckDb: () => openDatabase(config, MEMORY_LIMIT),
    derived: derivedTables,
    warm: createWarming(routes, warmed),
    onServing: watchFreshness({ store, observe: goldMetrics.fresh, log }).serving,
    onAnswer: goldMetrics.answered,
  })
  defer(() => gold.close())
  const gate = openGateReader({ store, log })
  defer(() => gate.close())
  // While Kafka is down its client complains of every attempt; the lag says so once.
  const quiet = log.child({}, { level: 'error' })
  const lag = watchLag({
    log,
    brokers: () => config.kafkaBrokers ?? upStatus?.links.brokers?.split(',') ?? null,
    openKafka: async (brokers) =>
      (await import('../runtime/kafka/client.ts')).openKafka({ brokers, clientId: 'readflow-serve', log: quiet }),
  })
  defer(() => lag.close())

  const { host, port } = config
  const runs = openRunsReader({ store })
  const lineage = openLineage({ store, files, openDuckDb: () => openDatabase(config, LINEAGE_MEMORY_LIMIT) })
  const [checks, profiles] = [openChecksReader({ store }), openProfilesReader({ store })]
  const ruleCounts = openRuleCounts({ store })
  const registryUrl = () => config.schemaRegistryUrl ?? upStatus?.links.registry ?? null
  measureRegistry(metrics, registryUrl)
  const kafka = openTopicsKafka({
    brokers: () => config.kafkaBrokers ?? upStatus?.links.brokers?.split(',') ?? null,
    registryUrl,
  })
  defer(() => kafka.close())
  const commandEnv = () => ({
    KAFKA_BROKERS: config.kafkaBrokers?.join(',') ?? upStatus?.links.brokers ?? '',
    SCHEMA_REGISTRY_URL: registryUrl() ?? '',
    ...{ LAKE_URL: config.lakeUrl, READFLOW_DATA: config.dataDir },
  })
  const letterCommand = createLetterCommand({ env: commandEnv })
  const replayJobs = createReplayJobs({ env: commandEnv })
  defer(() => replayJobs.close())
  const sqlCopies = await openProcessFolder(path.join(config.dataDir, 'cache', 'sql'))
  defer(sqlCopies.close)
  const sqlTemp = await openProcessFolder(path.join(config.dataDir, 'tmp', 'sql'))
  defer(sqlTemp.close)
  const pool = openPool({ ...sqlLimits, tempDir: sqlTemp.dir, filesDir: sqlCopies.dir })
  defer(() => pool.close())
  const sql = openSql({
    store,
    copies: openLocalFiles({ store: { ...store, localPath: () => null }, dir: sqlCopies.dir, maxBytes }),
    copiesDir: sqlCopies.dir,
    pool,
    newest: () => gold.current()?.version ?? null,
    readDeadLetters: deadLetterRows(kafka),
    metrics: createSqlMetrics(metrics, pool),
  })
  const hub = openHub({ store, gold, log })
  defer(() => hub.close())
  const keys = watchKeys(config.dataDir)
  const streams = createEventStreams({ maxReaders: MAX_READERS, keys })
  measureStreams(metrics, streams)
  const inbox = openInbox(config.dataDir)
  await inbox.removeUploads()
  const shelves = shelfRoutes({ inbox, gold, arrivals: openArrivals({ store }) })
  const exports = exportRoutes({ store, files, gold, gate, openDuckDb: () => openDatabase(config, MEMORY_LIMIT), tempDir: sqlTemp.dir })
  const asksForKeys = config.auth === 'on' || (config.auth === 'auto' && !isLoopback(host))
  if (asksForKeys) log.info({ keys: (await readKeys(config.dataDir)).length }, 'the api asks for keys: readflow keys add makes one')
  else if (!isLoopback(host)) log.warn({ host }, 'the api can be reached by other machines and asks for no key')
  const app = createApp({
    modules: [
      sqlRoutes({ sql, gold, gate }),
      eventRoutes({ hub, streams }),
      exports,
      shelves,
      retryRoutes({
        runs,
        upStatus: () => upStatus,
        tell: process.send?.bind(process) ?? null,
        isShelf: async (id) => (await inbox.get(id)) !== null,
      }),
      stageRoutes({
        upStatus: () => upStatus,
        tell: process.send?.bind(process) ?? null,
        logDir: path.join(config.dataDir, 'logs'),
        env,
      }),
      topicRoutes({ kafka, streams }),
      deadLetterRoutes({ kafka, book: openLetterBook({ store }), ruleCounts }),
      letterActionRoutes({ command: letterCommand }),
      replayRoutes({ store, jobs: replayJobs }),
      runbookRoutes(),
    ],
    access: { isOn: asksForKeys, keys },
    ...{ allowedHosts: config.allowedHosts, corsOrigins: config.corsOrigins ?? [], requestsPerMinute: config.requestsPerMinute },
    ...{ host, log, metrics, gold, gate, runs, lineage, checks, profiles },
    ruleCounts,
    drift: openDriftReader({ store }),
    tables: watchTables({ store, targetBytes: config.targetBytes }),
    lag: lag.report,
    upStatus: () => upStatus,
    freshnessObjectiveMs: config.freshnessObjectiveMs,
  })
  const server = await listen({ listener: app, host, port, isPortExplicit: config.explicit.has('port') })
  defer(() => {
    streams.close()
    return server.close()
  })
  if (server.isFallback) log.warn({ wanted_port: port, port: server.port }, 'the default port is taken: another one serves')
  log.info({ url: server.url, lake: config.lakeUrl }, 'serving page and api')
  gate.follow(GOLD_INTERVAL_MS)
  gold.follow(GOLD_INTERVAL_MS)
  lag.follow(LAG_INTERVAL_MS)
  process.send?.({ type: 'status', program: 'serve', state: 'running', url: server.url })
  process.send?.({ type: 'metrics', address: new URL(server.url).host } satisfies MetricsMessage)

  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
})

// Neither DuckDB nor the Kafka client is loaded before it is needed: the page must answer at once.
// A function: the program above runs before a constant down here exists.
async function openDatabase({ dataDir }: Config, memoryLimit: string) {
  const { openDuckDb } = await import('../runtime/duckdb.ts')
  const tempDir = path.join(dataDir, 'tmp', 'serve')
  await mkdir(tempDir, { recursive: true })
  return openDuckDb({ memoryLimit, threads: 2, tempDir })
}
