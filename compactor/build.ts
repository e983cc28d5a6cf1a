import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Field } from '../lake/columns/column.ts'
import { filePath } from '../lake/delta/actions.ts'
import { commit } from '../lake/delta/commit.ts'
import { mayDiffer } from '../lake/delta/data-change.ts'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import { openTable, type Table } from '../lake/delta/table.ts'
import { type Published, publish, readPublished } from '../lake/published.ts'
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
import { goldRoot, type StagedTable, stageTable } from './stage.ts'
import { type GoldName, type GoldTable, type GoldType, goldNames, goldTables } from './tables.ts'

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
    let staged: Staged[]
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
    const entry = await commitAndPublish({ store, tables, staged, inputs, publishId: options.run?.id ?? randomUUID(), nowMs })
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

/**
 * Counts the builds that changed a table. A commit requires the count that its plan was made on: of two builds at
 * once, each of which would add the same rows, one gets through.
 */
const BUILD_APP = 'readflow.gold.build'

type Staged = StagedTable & { current: Snapshot }

interface PublishOptions {
  store: ObjectStore
  tables: BuildTables
  staged: Staged[]
  inputs: Record<EntityName, number>
  publishId: string
  nowMs: () => number
}

const commitAndPublish = async ({ store, tables, staged, inputs, publishId, nowMs }: PublishOptions): Promise<Published> => {
  const versions: Record<string, number> = {}
  for (const { name, adds, removes, current } of staged) {
    const isSame = current.version >= 0 && adds.length === 0 && removes.length === 0
    const builds = current.txns.get(BUILD_APP) ?? null
    const committed = isSame
      ? current
      : await commit(tables.gold[name], {
          operation: 'BUILD GOLD',
          fields: deltaFields(goldTables[name]),
          partitionColumns: [...goldTables[name].partitionColumns],
          adds,
          removes,
          txns: [{ appId: BUILD_APP, version: (builds ?? 0) + 1 }],
          requires: { txns: [{ appId: BUILD_APP, version: builds }] },
          info: { publishId },
        })
    versions[name] = committed.version
  }
  return publish(store, { publishId, publishedAt: new Date(nowMs()).toISOString(), tables: versions, inputs, completeThrough: null })
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

const deltaFields = (table: GoldTable): Field[] =>
  Object.entries(table.columns).map(([name, type]) => ({ name, type: columnType(type), nullable: true }))

const columnType = (type: GoldType): Field['type'] => (type === 'strings' ? { kind: 'list', element: { kind: 'string' } } : { kind: type })

const keyed = <K extends string, V>(keys: readonly K[], make: (key: K) => V) =>
  Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>

const keyedAsync = async <K extends string, V>(keys: readonly K[], make: (key: K) => Promise<V>) =>
  Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await make(key)] as const))) as Record<K, V>
