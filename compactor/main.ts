import path from 'node:path'
import type { GateHold } from '../lake/gate-log.ts'
import { type Published, readPublished } from '../lake/published.ts'
import { openLocalFiles } from '../lake/store/local-files.ts'
import { openStore } from '../lake/store/open.ts'
import { openProcessFolder } from '../lake/store/process-folder.ts'
import { openRuns } from '../lineage/runs/open.ts'
import { RUNS_ROOT } from '../lineage/runs/read.ts'
import { withRun } from '../lineage/runs/recorder.ts'
import { parseConfig } from '../runtime/config/config.ts'
import { openDuckDb } from '../runtime/duckdb.ts'
import { durationText } from '../runtime/duration-text.ts'
import { errorLine, ReadflowError } from '../runtime/errors.ts'
import { runService } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import { openMetrics } from '../runtime/metrics/open.ts'
import { createStoreMetrics } from '../runtime/metrics/store.ts'
import { createPausable } from '../runtime/pausable.ts'
import { createStageReport, type StageReport } from '../runtime/stage-runs.ts'
import { createTurns } from '../runtime/turns.ts'
import { createWaits } from '../runtime/waits.ts'
import { type BuildResult, buildGold, openBuildTables } from './build.ts'
import { openChecks } from './checks/open.ts'
import { holdLine } from './gate/state.ts'
import { createBuildMetrics, createUpkeepMetrics } from './metrics.ts'
import { runBuilds } from './schedule.ts'
import { deriveOnSpark } from './spark/derive.ts'
import { createRewrite } from './upkeep/rewrite.ts'
import { checkUpkeep, runUpkeep } from './upkeep/run.ts'
import { cachedTables, upkeepTables } from './upkeep/tables.ts'

/** A day, for what runs by hand alone. */
const BY_HAND_MS = 86_400_000

await runService('compact', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('compact', argv, env)
  if (!config) return
  const pausable = createPausable(config.pausedStages ?? [])
  const waits = createWaits()
  const log = createLog('compact', config.logLevel)
  const { metrics } = await openMetrics('compact', { config, log, defer })
  const buildMetrics = createBuildMetrics(metrics)
  const store = openStore(config.lakeUrl, { signal, metrics: createStoreMetrics(metrics) })
  defer(() => store.close())
  const workspace = await openProcessFolder(path.join(config.dataDir, 'tmp', 'compact'))
  defer(workspace.close)
  const tempDir = workspace.dir
  const copies = await openProcessFolder(path.join(config.dataDir, 'cache', 'compact'))
  defer(copies.close)
  const files = openLocalFiles({ store, dir: copies.dir, maxBytes: config.cacheMaxBytes })

  const tableAt = cachedTables(store, (error) => log.warn({ error: errorLine(error) }, 'a table is slower to open than it should be'))
  const tables = openBuildTables(tableAt)
  // Each takes the memory of a DuckDB: one at a time, and upkeep in small pieces, so that a build waits for one at most.
  const inTurn = createTurns()
  const { lakeUrl, kafkaBrokers: brokers, replicationFactor } = config
  // What is done by hand knows no Kafka: those runs are published here too.
  const programs = ['compact', 'optimize', 'vacuum', 'replay', 'rollback'] as const
  // What is wrong with the lake is said once, here; a program that stays tries again later.
  if (config.isOnce) await readPublished(store)
  const runs = await openRuns({ store, programs, lakeUrl, brokers, replicationFactor, table: tableAt(RUNS_ROOT), log })
  defer(runs.close)
  const checks = openChecks({ tableAt, log })
  const { sparkMaster: master, sparkConf: conf = {}, python } = config
  const engine = config.engine === 'spark' ? { derive: deriveOnSpark({ python, master, conf, log }) } : {}
  // The first time whatever is held is looked at again: another version of the program may see it otherwise.
  let isRetry = true
  const build = (until: AbortSignal) =>
    inTurn(() =>
      withRun(runs, { kind: 'build', job: 'build gold', signal: until }, async (run) => {
        const { intakeMark } = checks
        const audit = buildMetrics.audited(checks.audit)
        const result = await buildGold({
          ...{ store, files, tables, openDuckDb, tempDir, audit, intakeMark, isRetry },
          ...{ ...engine, log, nowMs: Date.now, run, signal: until },
        })
        isRetry = false
        await checks.settle(result.held !== null)
        buildMetrics.ended(result)
        if (result.isBuilt) run.note(builtBy(result, await readPublished(store, { version: result.version ?? 0 })))
        return result
      }),
    )
  const report = (state: string, detail: Record<string, unknown>) =>
    process.send?.({ type: 'status', program: 'compact', state, ...detail })

  if (config.isOnce) {
    const result = await build(signal)
    process.stdout.write(`${JSON.stringify(summaryOf(result))}\n`)
    if (result.held) throw new ReadflowError('gold-held', holdLine(result.held))
    return
  }
  checkUpkeep(config)
  report('running', {})
  const rewrite = createRewrite({ openDuckDb, tempDir, signal })
  const { coldAfterMs, coldFolder, coldStorageClass, optimizeIntervalMs, vacuumIntervalMs } = config
  const upkeepOptions = {
    store,
    tables: upkeepTables(tableAt),
    runs,
    metrics: createUpkeepMetrics(metrics),
    rewrite: (rows: Parameters<typeof rewrite>[0]) => inTurn(() => rewrite(rows)),
    targetBytes: config.targetBytes,
    minFiles: config.optimizeMinFiles,
    defaultRetainMs: config.retainMs,
    cold: coldAfterMs === undefined ? null : { coldAfterMs, folder: coldFolder, storageClass: coldStorageClass, tempDir },
    turns: createTurns(),
    nowMs: Date.now,
  }
  const upkeep = (stage: 'optimize' | 'vacuum', everyMs: number) => {
    const isByHand = everyMs === 0
    const stageReport = createStageReport({ stage, schedule: isByHand ? 'only when it is told to' : `every ${durationText(everyMs)}` })
    return pausable.run(stage, signal, (until) => {
      const intervals = { optimizeIntervalMs: 0, vacuumIntervalMs: 0, [`${stage}IntervalMs`]: everyMs || BY_HAND_MS }
      const untilTold = async () => {
        while (!(await waits.wait(stage, BY_HAND_MS, until)));
        return true
      }
      const sleep = isByHand ? untilTold : (delayMs: number) => waits.wait(stage, delayMs, until)
      const told = isByHand ? withoutNext(stageReport) : stageReport
      return runUpkeep({ ...upkeepOptions, ...intervals, report: told, log: log.child({ stage }), sleep, signal: until })
    })
  }
  const every = durationText(config.buildIntervalMs)
  const goldReport = createStageReport({ stage: 'gold', schedule: `looks every ${every} for what has changed in Silver` })
  const builds = pausable.run('gold', signal, (until) =>
    runBuilds({
      build: () => build(until),
      intervalMs: config.buildIntervalMs,
      sleep: async (delayMs) => {
        // Who asks for a build has mended what was held: that does not wait for its time.
        if (await waits.wait('gold', delayMs, until)) isRetry = true
      },
      random: Math.random,
      onStart: goldReport.began,
      onResult: (result, nextInMs) => {
        const what = result.isBuilt ? `version ${result.version}` : 'nothing has changed'
        const { held } = result
        goldReport.ended(held ? 'held' : 'completed', held ? holdLine(held) : what, Date.now() + nextInMs)
        report('running', { ...summaryOf(result), warning: held && holdLine(held) })
      },
      onFailure: (error, retryInMs) => {
        buildMetrics.failed()
        log.error({ stage: 'gold', error: errorLine(error), retry_in_ms: retryInMs }, 'gold build failed')
        goldReport.failed(error, Date.now() + retryInMs)
        report('running', { lastError: errorLine(error) })
      },
      signal: until,
    }),
  )
  await Promise.all([builds, upkeep('optimize', optimizeIntervalMs), upkeep('vacuum', vacuumIntervalMs)])
})

function withoutNext(report: StageReport): StageReport {
  return {
    began: report.began,
    ended: (outcome, detail) => report.ended(outcome, detail, null),
    failed: (error) => report.failed(error, null),
    waits: () => report.waits(null),
  }
}

// Functions, not constants: the program above runs before a constant down here exists.
function builtBy({ rows, filesWritten, filesRemoved }: BuildResult, published: Published | null) {
  return {
    outputs: Object.entries(published?.tables ?? {}).map(([name, version]) => ({
      type: 'table' as const,
      name: `gold.${name}`,
      version,
      rows: rows[name as keyof typeof rows],
    })),
    counts: { gold_version: published?.version ?? 0, files_written: filesWritten, files_removed: filesRemoved },
  }
}

function summaryOf({ durationMs, version, rows, held }: BuildResult) {
  const summary = { ok: held === null, seconds: Math.round(durationMs / 100) / 10, version, gold: rows }
  return held === null ? summary : { ...summary, held: heldSummary(held) }
}

function heldSummary({ run, since, checks }: GateHold) {
  return { run, since, checks: checks.map(({ id, measured, threshold, message }) => ({ id, measured, threshold, message })) }
}
