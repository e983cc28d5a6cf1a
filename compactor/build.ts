import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import { openTable, type Table } from '../lake/delta/table.ts'
import type { GateHold } from '../lake/gate-log.ts'
import { type Published, readPublished } from '../lake/published.ts'
import type { LocalFiles } from '../lake/store/local-files.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import type { RunHandle } from '../lineage/runs/recorder.ts'
import type { DuckDb, DuckDbOptions } from '../runtime/duckdb.ts'
import type { Log } from '../runtime/log.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { EntityName } from '../schemas/records.ts'
import { findChanges } from './changes.ts'
import type { Audit } from './checks/check.ts'
import { completeThrough } from './complete-through.ts'
import { openGate, settleGate } from './gate/gate.ts'
import { holdLine } from './gate/state.ts'
import { modelsDigest } from './models.ts'
import { changeOf, commitAndPublish } from './publish.ts'
import { type Derived, deriveAll, deriveIncrement, type SourceOptions } from './sources.ts'
import { fileRows, goldRoot, type StagedTable, stageTable } from './stage.ts'
import { type GoldName, goldNames } from './tables.ts'

/** Handles of the tables that a build reads and writes; kept between builds, they read only what is new of a log. */
export interface BuildTables {
  silver: Record<EntityName, Table>
  gold: Record<GoldName, Table>
}

export interface BuildOptions {
  store: ObjectStore
  /** Silver's files, for DuckDB. */
  files: LocalFiles
  tables?: BuildTables
  /** Opened for one build and closed after it, so that an idle compactor holds no memory. */
  openDuckDb: (options: DuckDbOptions) => Promise<DuckDb>
  /** Existing folder for what a build writes before it is in the lake. */
  tempDir: string
  /** Checks what is staged; a failed check keeps the last Gold. */
  audit?: Audit
  /** What the audit would see in the intake besides Silver's rows and counters; see `openGate`. */
  intakeMark?: () => Promise<string>
  /** What is held is tried again at once, and not by the clock or for new Silver rows only. */
  isRetry?: boolean
  /** Another engine, which derives everything whatever changed; absent: DuckDB, by increment where it can. */
  derive?: (sources: SourceOptions & { tempDir: string }) => Promise<Derived>
  log: Log
  nowMs: () => number
  /** The build is this run, where it does anything; its id is the publish id. */
  run?: RunHandle
  signal?: AbortSignal | undefined
}

export interface BuildResult {
  /** False where Gold was of the same Silver rows already, there is no Silver yet, or the gate holds. */
  isBuilt: boolean
  /** What keeps Gold at its last version; null where nothing does. */
  held: GateHold | null
  /** The published Gold version; null where nothing was ever published. */
  version: number | null
  /** Why everything was derived; null for an increment, and where nothing was built. */
  full: string | null
  /** Rows of each Gold table. */
  rows: Record<GoldName, number>
  filesWritten: number
  filesRemoved: number
  durationMs: number
}

export const openBuildTables = (tableAt: (root: string) => Table): BuildTables => ({
  silver: keyed(entityNames, (entity) => tableAt(`silver/${entity}`)),
  gold: keyed(goldNames, (name) => tableAt(goldRoot(name))),
})

/**
 * Brings Gold to the newest Silver versions and publishes it: derives what changed in Silver since the published Gold, or
 * everything where that can't be told; writes and commits only what differs from the Gold that is there, and does nothing
 * where the published Gold is of the same Silver rows already. Either way the rows are those of a full build. A failed check
 * ends it with nothing committed. A build that dies leaves the published Gold as it was, and the next one goes on from
 * whatever was committed.
 * Throws ReadflowError `build-failed`, or what the lake throws.
 */
export const buildGold = async (options: BuildOptions): Promise<BuildResult> => {
  const { store, tables = openBuildTables((root) => openTable(store, root)), openDuckDb, log, nowMs, signal } = options
  const startedMs = nowMs()
  await settleGate({ store, gold: tables.gold, nowMs })
  const published = await readPublished(store)
  const silver = await keyedAsync(entityNames, (entity) => tables.silver[entity].snapshot())
  const gold = await keyedAsync(goldNames, (name) => tables.gold[name].snapshot())
  const inputs = keyed(entityNames, (entity) => silver[entity].version)
  const digest = modelsDigest()

  const runId = options.run?.id ?? randomUUID()
  const present = entityNames.filter((entity) => inputs[entity] >= 0)
  const begin = () =>
    options.run?.begin({ inputs: present.map((entity) => ({ type: 'table', name: `silver.${entity}`, version: inputs[entity] })) })
  const { audit, intakeMark, isRetry = false } = options
  const silverTables = tables.silver
  const gate = await openGate({ store, gold: tables.gold, nowMs, audit, intakeMark, runId, published, silver, silverTables, isRetry })
  const unbuilt = async (held: GateHold | null): Promise<BuildResult> => {
    if (held?.run === runId) {
      options.run?.end('held', holdLine(held))
      log.warn({ run_id: runId, checks: held.checks.map(({ id }) => id), gold_version: published?.version ?? null }, holdLine(held))
    }
    const rows = await publishedRows(tables, published)
    const version = published?.version ?? null
    return { isBuilt: false, held, version, full: null, rows, filesWritten: 0, filesRemoved: 0, durationMs: nowMs() - startedMs }
  }

  const found = { published, silver: { tables: tables.silver, snapshots: silver }, gold, digest }
  const changes = (await gate.isDue()) ? await findChanges(found) : null
  if (changes === null || changes.kind === 'none') return unbuilt(await gate.auditIntake(begin))

  begin()
  const tempDir = await mkdtemp(path.join(options.tempDir, 'build-'))
  let derived: Derived | undefined
  try {
    const duckdb = await openDuckDb({ tempDir })
    const staged: (StagedTable & { current: Snapshot })[] = []
    const said = { inputs, models: digest, ...completeThrough(silver, nowMs()) }
    let held: GateHold | null
    try {
      const sources = { duckdb, files: options.files, silver, signal }
      if (options.derive) derived = await options.derive({ ...sources, tempDir })
      else derived = changes.kind === 'full' ? await deriveAll(sources) : await deriveIncrement(sources, gold, changes.files)
      for (const name of goldNames) {
        const current = gold[name]
        const { months } = derived
        staged.push({ ...(await stageTable({ store, duckdb, name, current, months, tempDir, nowMs, signal })), current })
      }
      held = await gate.audit(duckdb, staged, said)
    } finally {
      await duckdb.close()
    }
    if (held) return unbuilt(held)
    // Nothing is visible yet. From here a stop signal waits: the commits are quick and belong together.
    signal?.throwIfAborted()
    const entry = await commitAndPublish({
      store,
      tables: tables.gold,
      changes: staged.map(changeOf),
      after: published?.version ?? null,
      entry: { ...said, publishId: runId, publishedAt: new Date(nowMs()).toISOString() },
    })
    await gate.passed(entry.version)
    const result = {
      isBuilt: true,
      held: null,
      version: entry.version,
      full: changes.kind === 'full' ? changes.reason : options.derive ? 'this engine derives everything' : null,
      rows: keyed(goldNames, (name) => staged.find((table) => table.name === name)?.rows ?? 0),
      filesWritten: staged.reduce((sum, { adds }) => sum + adds.length, 0),
      filesRemoved: staged.reduce((sum, { removes }) => sum + removes.length, 0),
      durationMs: nowMs() - startedMs,
    }
    const { version, rows, full: reason, filesWritten, filesRemoved } = result
    const counts = { ...rows, files_written: filesWritten, files_removed: filesRemoved }
    log.info({ run_id: runId, gold_version: version, inputs, counts, reason, duration_ms: result.durationMs }, 'gold built')
    return result
  } finally {
    derived?.release()
    await rm(tempDir, { recursive: true, force: true })
  }
}

const publishedRows = (tables: BuildTables, published: Published | null) =>
  keyedAsync(goldNames, async (name) => {
    const version = published?.tables[name]
    if (version === undefined) return 0
    const { files } = await tables.gold[name].snapshot({ version })
    return [...files.values()].reduce((sum, file) => sum + fileRows(file), 0)
  })

const keyed = <K extends string, V>(keys: readonly K[], make: (key: K) => V) =>
  Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>

const keyedAsync = async <K extends string, V>(keys: readonly K[], make: (key: K) => Promise<V>) =>
  Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await make(key)] as const))) as Record<K, V>
