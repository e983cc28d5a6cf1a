import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { filePath } from '../lake/delta/actions.ts'
import { mayDiffer } from '../lake/delta/data-change.ts'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import { openTable, type Table } from '../lake/delta/table.ts'
import { type Published, readPublished } from '../lake/published.ts'
import { tableSql } from '../lake/sql.ts'
import type { HeldFiles, LocalFiles } from '../lake/store/local-files.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import type { RunHandle } from '../lineage/runs/recorder.ts'
import type { DuckDb, DuckDbOptions } from '../runtime/duckdb.ts'
import type { Log } from '../runtime/log.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { EntityName } from '../schemas/records.ts'
import type { Audit } from './checks/check.ts'
import { deriveGold, type Inputs } from './derive.ts'
import { changeOf, commitAndPublish } from './publish.ts'
import { goldRoot, type StagedTable, stageTable } from './stage.ts'
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
  log: Log
  nowMs: () => number
  /** The build is this run, where it does anything; its id is the publish id. */
  run?: RunHandle
  signal?: AbortSignal | undefined
}

export interface BuildResult {
  /** False where Gold was of the same Silver rows already, or there is no Silver yet. */
  isBuilt: boolean
  /** The published Gold version; null where nothing was ever published. */
  version: number | null
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
 * Builds Gold from the newest Silver versions, whole, and publishes it; writes and commits only what differs from
 * the Gold that is there, and does nothing where the published Gold is of the same Silver rows already. A build
 * that dies leaves the published Gold as it was, and the next one goes on from whatever was committed.
 * Throws ReadflowError `build-failed`, or what the lake throws.
 */
export const buildGold = async (options: BuildOptions): Promise<BuildResult> => {
  const { store, tables = openBuildTables((root) => openTable(store, root)), openDuckDb, log, nowMs, signal } = options
  const startedMs = nowMs()
  const published = await readPublished(store)
  const silver = await keyedAsync(entityNames, (entity) => tables.silver[entity].snapshot())
  const inputs = keyed(entityNames, (entity) => silver[entity].version)

  const isEmpty = entityNames.every((entity) => inputs[entity] < 0)
  if (isEmpty || (await isBuiltFrom(published, inputs, tables))) {
    const version = published?.version ?? null
    return {
      isBuilt: false,
      version,
      rows: await publishedRows(tables, published),
      filesWritten: 0,
      filesRemoved: 0,
      durationMs: nowMs() - startedMs,
    }
  }

  options.run?.begin({ inputs: entityNames.map((entity) => ({ type: 'table', name: `silver.${entity}`, version: inputs[entity] })) })
  const tempDir = await mkdtemp(path.join(options.tempDir, 'build-'))
  let held: HeldFiles | undefined
  try {
    held = await options.files.hold(
      entityNames.flatMap((entity) =>
        [...silver[entity].files.values()].map((file) => ({ path: silverPath(entity, file.path), sizeBytes: file.size })),
      ),
      { signal },
    )
    const duckdb = await openDuckDb({ tempDir })
    let staged: (StagedTable & { current: Snapshot })[]
    try {
      await deriveGold({ duckdb, inputs: relations(held, silver), signal })
      staged = []
      for (const name of goldNames) {
        const current = await tables.gold[name].snapshot()
        staged.push({ ...(await stageTable({ store, duckdb, name, current, tempDir, nowMs, signal })), current })
      }
    } finally {
      await duckdb.close()
    }
    // Nothing is visible yet. From here a stop signal waits: the commits are quick and belong together.
    signal?.throwIfAborted()
    const publishId = options.run?.id ?? randomUUID()
    const entry = await commitAndPublish({
      store,
      tables: tables.gold,
      changes: staged.map(changeOf),
      after: published?.version ?? null,
      entry: { publishId, publishedAt: new Date(nowMs()).toISOString(), inputs, completeThrough: null },
    })
    const result = {
      isBuilt: true,
      version: entry.version,
      rows: keyed(goldNames, (name) => staged.find((table) => table.name === name)?.rows ?? 0),
      filesWritten: staged.reduce((sum, { adds }) => sum + adds.length, 0),
      filesRemoved: staged.reduce((sum, { removes }) => sum + removes.length, 0),
      durationMs: nowMs() - startedMs,
    }
    log.info({ ...result, inputs }, 'gold built')
    return result
  } finally {
    held?.release()
    await rm(tempDir, { recursive: true, force: true })
  }
}

/** Whether the published Gold is of the rows that Silver has, be they in other files since. */
const isBuiltFrom = async (published: Published | null, inputs: Record<EntityName, number>, { silver }: BuildTables): Promise<boolean> => {
  if (published === null || goldNames.some((name) => published.tables[name] === undefined)) return false
  for (const entity of entityNames) {
    const builtFrom = published.inputs[entity]
    if (builtFrom === undefined || (await mayDiffer(silver[entity], builtFrom, inputs[entity]))) return false
  }
  return true
}

const publishedRows = (tables: BuildTables, published: Published | null) =>
  keyedAsync(goldNames, async (name) => {
    const version = published?.tables[name]
    if (version === undefined) return 0
    const { files } = await tables.gold[name].snapshot({ version })
    return [...files.values()].reduce((sum, { stats }) => sum + ((JSON.parse(stats ?? '{}') as { numRecords?: number }).numRecords ?? 0), 0)
  })

const silverPath = (entity: EntityName, file: string) => `silver/${entity}/${filePath(file)}`

const relations = (held: HeldFiles, silver: Record<EntityName, Snapshot>): Inputs =>
  keyed(entityNames, (entity) => {
    const snapshot = silver[entity]
    if (!snapshot.metadata) return { relation: null, columns: new Set<string>() }
    const localPath = (file: string) => held.localPath(`silver/${entity}/${file}`)
    return { relation: `(${tableSql({ snapshot, localPath })})`, columns: new Set(snapshot.metadata.fields.map((field) => field.name)) }
  })

const keyed = <K extends string, V>(keys: readonly K[], make: (key: K) => V) =>
  Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>

const keyedAsync = async <K extends string, V>(keys: readonly K[], make: (key: K) => Promise<V>) =>
  Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await make(key)] as const))) as Record<K, V>
