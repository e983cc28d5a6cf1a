import { type LifecycleOptions, moveCold } from '../../lake/delta/lifecycle.ts'
import type { Rewrite } from '../../lake/delta/optimize.ts'
import { optimize } from '../../lake/delta/optimize.ts'
import { MIN_RETAIN_MS } from '../../lake/delta/vacuum.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { type RunHandle, type RunRecorder, withRun } from '../../lineage/runs/recorder.ts'
import type { Config } from '../../runtime/config/config.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import { countsOf } from '../../runtime/log-fields.ts'
import type { StageReport } from '../../runtime/stage-runs.ts'
import type { Turns } from '../../runtime/turns.ts'
import { type Optimized, optimizeDetails } from './details.ts'
import type { UpkeepTable } from './tables.ts'
import { noUpkeepMetrics, type UpkeepMetrics } from './upkeep-metrics.ts'
import { pruneGold, vacuumTable } from './vacuum.ts'

export interface UpkeepOptions {
  store: ObjectStore
  tables: readonly UpkeepTable[]
  rewrite: Rewrite
  /** 0: never. */
  optimizeIntervalMs: number
  targetBytes: number
  minFiles: number
  /** 0: never. */
  vacuumIntervalMs: number
  defaultRetainMs?: number | undefined
  cold: Cold
  /** Each round that does anything is a run. */
  runs: RunRecorder
  metrics?: UpkeepMetrics
  log: Log
  nowMs: () => number
  /** Rejects when `signal` is aborted; true where a person ended it, who wants everything looked at now. */
  sleep: (delayMs: number) => Promise<unknown>
  /** Hears when rounds begin and end, and when the next one comes. */
  report?: StageReport
  /** Shared by those who keep tables in order, so that one of them works at a time. */
  turns?: Turns
  signal: AbortSignal
}

/** What a round did, in a line, and the first fault that it met and went on after. */
interface Round {
  detail: string
  fault?: unknown
}

const SETTLED_MS = 86_400_000
/** A compactor that is started often must come to it too. */
const FIRST_VACUUM_MS = 10 * 60_000
/** A table whose upkeep failed is left alone for twice as long each time, up to this. */
const MAX_PAUSE_MS = 3_600_000
/** A round that could not be done as a whole is tried again after this, doubled each time, and not later than the next one. */
const RETRY_FIRST_MS = 10_000

/** What moves old partitions; null: nothing does. */
export type Cold = Pick<LifecycleOptions, 'coldAfterMs' | 'folder' | 'storageClass' | 'tempDir'> | null

/** Throws `config` where the settings would take files from under readers, or would do nothing. */
export const checkUpkeep = ({
  retainMs,
  coldAfterMs,
  coldStorageClass,
  lakeUrl,
}: Pick<Config, 'retainMs' | 'coldAfterMs' | 'coldStorageClass' | 'lakeUrl'>): void => {
  if (coldStorageClass !== undefined && coldAfterMs === undefined)
    throw new ReadflowError('config', '--cold-storage-class does nothing without --cold-after.')
  if (coldStorageClass !== undefined && !lakeUrl.startsWith('s3:'))
    throw new ReadflowError('config', `--cold-storage-class: the lake ${lakeUrl} is a folder, which has no storage classes.`, {
      hint: 'A cold folder may be a link to another disk instead.',
    })
  if (retainMs !== undefined && retainMs < MIN_RETAIN_MS)
    throw new ReadflowError('config', `--retain: upkeep keeps older versions for at least ${MIN_RETAIN_MS / 3_600_000}h.`, {
      hint: 'readflow vacuum --allow-short-retention takes less, once.',
    })
}

/**
 * Keeps the tables in order until the signal is aborted: merges small files, and from time to time removes what no
 * retained version needs. Nothing waits for it. What fails is logged, and tried again later.
 */
export const runUpkeep = async (options: UpkeepOptions): Promise<void> => {
  const { optimizeIntervalMs, vacuumIntervalMs, report, log, nowMs, sleep, signal } = options
  const turns: Turns = options.turns ?? ((work) => work())
  const jobs = [
    { everyMs: optimizeIntervalMs, nextMs: nowMs() + optimizeIntervalMs, failures: 0, work: createOptimizeRound(options) },
    {
      everyMs: vacuumIntervalMs,
      nextMs: nowMs() + Math.min(vacuumIntervalMs, FIRST_VACUUM_MS),
      failures: 0,
      work: () => longRound(options),
    },
  ].filter(({ everyMs }) => everyMs > 0)
  if (jobs.length === 0) return
  try {
    for (;;) {
      const next = jobs.reduce((a, b) => (a.nextMs <= b.nextMs ? a : b))
      report?.waits(next.nextMs)
      const isTold = (await sleep(Math.max(0, next.nextMs - nowMs()))) === true
      try {
        const round = await turns(() => {
          signal.throwIfAborted()
          report?.began()
          return next.work(isTold)
        })
        next.failures = 0
        next.nextMs = nowMs() + next.everyMs
        if (round.fault === undefined) report?.ended('completed', round.detail, next.nextMs)
        else report?.failed(round.fault, next.nextMs)
      } catch (error) {
        signal.throwIfAborted()
        const retryInMs = Math.min(next.everyMs, RETRY_FIRST_MS * 2 ** next.failures++)
        next.nextMs = nowMs() + retryInMs
        log.warn({ error: errorLine(error), retry_in_ms: retryInMs }, 'upkeep failed; it is tried again')
        report?.failed(error, next.nextMs)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** One look at every table for small files. Remembers which tables failed, and how often. */
const createOptimizeRound = (options: UpkeepOptions) => {
  const { tables, rewrite, targetBytes, minFiles, optimizeIntervalMs, runs, metrics = noUpkeepMetrics, log, nowMs, signal } = options
  const failing = new Map<string, { times: number; sinceMs: number; untilMs: number }>()
  const leftOut = new Set<string>()
  const round = async (run: RunHandle, isTold: boolean): Promise<Round> => {
    const optimized: Optimized[] = []
    let firstFault: unknown
    for (const { name, table, sortBy } of tables) {
      const failed = failing.get(name)
      const startedMs = nowMs()
      // A failure later than now was of a clock that has been put back since.
      if (failed && !isTold && failed.sinceMs <= startedMs && startedMs < failed.untilMs) continue
      const faults: unknown[] = []
      const result = await attempt({ log, signal, step: 'optimize', table: name }, () =>
        optimize(table, {
          rewrite,
          sortBy,
          targetBytes,
          minFiles,
          settledBeforeMs: nowMs() - SETTLED_MS,
          leftOut,
          signal,
          onProgress: (result) => {
            if (result.commits > 0) run.begin(optimizeDetails([...optimized, { name, table, result }]))
          },
          onFailure: (error) => faults.push(error),
        }),
      )
      if (result) optimized.push({ name, table, result })
      metrics.removed('optimize', result?.filesRemoved ?? 0)
      firstFault ??= faults[0]
      if (result && (result.commits > 0 || result.filesLeftOut > 0))
        log.info({ run_id: run.id, table: name, counts: countsOf(result), duration_ms: nowMs() - startedMs }, 'optimized')
      if (faults.length > 0)
        log.warn({ run_id: run.id, table: name, files: faults.length, error: errorLine(faults[0]) }, 'some files could not be merged')
      if (result && result.failures === 0) failing.delete(name)
      else {
        const times = (failed?.times ?? 0) + 1
        const sinceMs = nowMs()
        failing.set(name, { times, sinceMs, untilMs: sinceMs + Math.min(MAX_PAUSE_MS, optimizeIntervalMs * 2 ** times) })
        metrics.failed('optimize')
      }
    }
    if (failing.size === 0) metrics.succeeded('optimize')
    run.note(optimizeDetails(optimized))
    if (firstFault !== undefined) run.end('failed', errorLine(firstFault))
    const merged = optimized.reduce((sum, { result }) => sum + result.filesRemoved, 0)
    return { detail: merged === 0 ? 'nothing to merge' : `${merged} files merged`, fault: firstFault }
  }
  return (isTold: boolean) => withRun(runs, { kind: 'optimize', job: 'optimize', signal }, (run) => round(run, isTold))
}

/** Moved files leave their old copies to a later vacuum. */
const longRound = async (options: UpkeepOptions): Promise<Round> => {
  const round = await withRun(options.runs, { kind: 'vacuum', job: 'vacuum', signal: options.signal }, (run) => vacuumRound(options, run))
  if (options.cold) await coldRound(options, options.cold)
  return round
}

const coldRound = async ({ tables, metrics = noUpkeepMetrics, log, nowMs, signal }: UpkeepOptions, cold: NonNullable<Cold>) => {
  let failures = 0
  for (const { name, table } of tables) {
    const startedMs = nowMs()
    const result = await attempt({ log, signal, step: 'move to the cold folder', table: name }, () =>
      moveCold(table, { ...cold, nowMs: startedMs, signal }),
    )
    if (result && result.commits > 0)
      log.info({ table: name, counts: countsOf(result), duration_ms: nowMs() - startedMs }, 'moved to the cold folder')
    metrics.removed('cold', result?.files ?? 0)
    if (result) continue
    failures++
    metrics.failed('cold')
  }
  if (failures === 0) metrics.succeeded('cold')
}

const vacuumRound = async (upkeep: UpkeepOptions, run: RunHandle): Promise<Round> => {
  const { store, tables, defaultRetainMs, metrics = noUpkeepMetrics, log, nowMs, signal } = upkeep
  run.begin()
  const startedMs = nowMs()
  const options = { defaultRetainMs, nowMs: startedMs, signal }
  let fault: unknown
  const onFault = (error: unknown) => {
    fault ??= error
  }
  const pruned = await attempt({ log, signal, step: 'vacuum', table: 'gold', onFault }, () => pruneGold(store, tables, options))
  const total = { files: 0, bytes: 0, logFiles: 0, goldVersions: pruned?.removed ?? 0 }
  let failures = pruned ? 0 : 1
  for (const each of tables) {
    // Without the list of published versions nobody knows which files of Gold are needed.
    if (!pruned && each.name.startsWith('gold.')) continue
    const about = { log, signal, step: 'vacuum', table: each.name, onFault }
    const result = await attempt(about, () => vacuumTable(each, pruned?.kept ?? null, options))
    if (!result) failures++
    total.files += result?.files ?? 0
    total.bytes += result?.bytes ?? 0
    total.logFiles += result?.logFiles ?? 0
  }
  run.note({ counts: { files: total.files, bytes: total.bytes, log_files: total.logFiles, gold_versions: total.goldVersions } })
  log.info({ run_id: run.id, counts: countsOf(total), duration_ms: nowMs() - startedMs }, 'vacuumed')
  metrics.removed('vacuum', total.files)
  for (let each = 0; each < failures; each++) metrics.failed('vacuum')
  if (failures === 0) metrics.succeeded('vacuum')
  return { detail: `${total.files} files removed`, fault }
}

/** Undefined where it failed, which is logged. A stop goes through. */
const attempt = async <T>(
  { log, signal, step, table, onFault }: { log: Log; signal: AbortSignal; step: string; table: string; onFault?: (error: unknown) => void },
  work: () => Promise<T>,
): Promise<T | undefined> => {
  signal.throwIfAborted()
  try {
    return await work()
  } catch (error) {
    signal.throwIfAborted()
    onFault?.(error)
    log.warn({ table, error: errorLine(error) }, `${step} failed`)
    return undefined
  }
}
