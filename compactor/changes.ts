import { type ChangedFiles, changedFiles } from '../lake/delta/changed-files.ts'
import { mayDiffer } from '../lake/delta/data-change.ts'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import type { Table } from '../lake/delta/table.ts'
import type { Published } from '../lake/published.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { EntityName } from '../schemas/records.ts'
import { type GoldName, goldNames } from './tables.ts'

/** What a build has to derive. */
export type Changes =
  /** The published Gold is of the rows that Silver has, be they in other files since; or there is no Silver yet. */
  | { kind: 'none' }
  /** Everything, and why. */
  | { kind: 'full'; reason: string }
  /** What these files of Silver changed since the published Gold. */
  | { kind: 'increment'; files: Record<EntityName, ChangedFiles> }

export interface ChangesOptions {
  published: Published | null
  silver: { tables: Record<EntityName, Table>; snapshots: Record<EntityName, Snapshot> }
  /** The newest versions. */
  gold: Record<GoldName, Snapshot>
  /** Of the models that the build runs. */
  digest: string
}

/** Where more than this share of an entity's rows changed, and more than so many, to derive everything costs less. */
const LARGE_SHARE = 0.3
const LARGE_ROWS = 200_000

/** What changed in Silver since the published Gold. Rejects with what the lake throws. */
export const findChanges = async ({ published, silver, gold, digest }: ChangesOptions): Promise<Changes> => {
  const { tables, snapshots } = silver
  if (entityNames.every((entity) => snapshots[entity].version < 0)) return { kind: 'none' }
  if (published === null) return { kind: 'full', reason: 'there is no Gold yet' }
  if (goldNames.some((name) => published.tables[name] === undefined)) return { kind: 'full', reason: 'Gold has new tables' }
  if (published.models !== digest) return { kind: 'full', reason: 'the models are others' }
  if (!(await differs(published, silver))) return { kind: 'none' }
  const moved = goldNames.find((name) => gold[name].version !== published.tables[name])
  if (moved) return { kind: 'full', reason: `gold.${moved} is not what was published` }
  const files: Partial<Record<EntityName, ChangedFiles>> = {}
  for (const entity of entityNames) {
    const snapshot = snapshots[entity]
    const changed = await changedFiles(tables[entity], published.inputs[entity] ?? -1, snapshot.version)
    if (!changed) return { kind: 'full', reason: `the log of silver.${entity} does not tell what changed` }
    const [rows, all] = [rowsOf(changed.added) + rowsOf(changed.removed), rowsOf([...snapshot.files.values()])]
    if (rows > LARGE_ROWS && rows > all * LARGE_SHARE) return { kind: 'full', reason: `${rows} of ${all} rows of silver.${entity} changed` }
    files[entity] = changed
  }
  return { kind: 'increment', files: files as Record<EntityName, ChangedFiles> }
}

const differs = async (published: Published, { tables, snapshots }: ChangesOptions['silver']): Promise<boolean> => {
  for (const entity of entityNames) {
    const [builtFrom, version] = [published.inputs[entity] ?? -1, snapshots[entity].version]
    if (builtFrom !== version && (builtFrom < 0 || (await mayDiffer(tables[entity], builtFrom, version)))) return true
  }
  return false
}

/** Rows by the files' statistics; a file without them counts as none. */
const rowsOf = (files: readonly { stats?: string }[]): number =>
  files.reduce(
    (sum, { stats }) => sum + ((stats === undefined ? null : (JSON.parse(stats) as { numRecords?: number }))?.numRecords ?? 0),
    0,
  )
