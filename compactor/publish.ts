import type { Field } from '../lake/columns/column.ts'
import type { AddFile } from '../lake/delta/actions.ts'
import { commit } from '../lake/delta/commit.ts'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import type { Table } from '../lake/delta/table.ts'
import { type Published, publish } from '../lake/published.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import { ReadflowError } from '../runtime/errors.ts'
import { type GoldName, type GoldTable, type GoldType, goldTables } from './tables.ts'

/**
 * Counts the builds that changed a table. A commit requires the count that its plan was made on: of two builds at
 * once, each of which would add the same rows, one gets through.
 */
const BUILD_APP = 'readflow.gold.build'

/** What a build does to a table, and the table that it was made for. Plain data: a held build is kept as this. */
export interface GoldChange {
  name: GoldName
  adds: readonly AddFile[]
  removes: readonly { path: string }[]
  /** The table's version then; -1 where it was not there yet. */
  version: number
  /** How many builds had changed it; null for none. */
  builds: number | null
}

export const changeOf = (staged: {
  name: GoldName
  adds: readonly AddFile[]
  removes: readonly AddFile[]
  current: Snapshot
}): GoldChange => ({
  name: staged.name,
  adds: staged.adds,
  removes: staged.removes.map(({ path }) => ({ path })),
  version: staged.current.version,
  builds: buildsOf(staged.current),
})

export interface PublishOptions {
  store: ObjectStore
  tables: Readonly<Record<GoldName, Table>>
  changes: readonly GoldChange[]
  /** The Gold version that the changes were made for; null: none. */
  after: number | null
  entry: Omit<Published, 'version' | 'tables'>
}

/**
 * Commits each table and then the entry of the published list. Who died in the middle may do it again: what is committed
 * or published already is found as such. Throws `lake-fenced` or `lake-conflict` where another build came first.
 */
export const commitAndPublish = async ({ store, tables, changes, after, entry }: PublishOptions): Promise<Published> => {
  const versions: Record<string, number> = {}
  for (const change of changes) versions[change.name] = await commitChange(tables[change.name], change, entry.publishId)
  return publish(store, { ...entry, tables: versions }, { after })
}

/** The version of the table with the change in it. */
const commitChange = async (table: Table, change: GoldChange, publishId: string): Promise<number> => {
  const { name, adds, removes, version, builds } = change
  if (isEmpty(change)) return version
  try {
    const committed = await commit(table, {
      operation: 'BUILD GOLD',
      fields: deltaFields(goldTables[name]),
      partitionColumns: [...goldTables[name].partitionColumns],
      adds,
      removes,
      txns: [{ appId: BUILD_APP, version: (builds ?? 0) + 1 }],
      requires: { txns: [{ appId: BUILD_APP, version: builds }] },
      info: { publishId },
    })
    return committed.version
  } catch (error) {
    const isLate = error instanceof ReadflowError && (error.code === 'lake-fenced' || error.code === 'lake-conflict')
    if (!isLate) throw error
    const snapshot = await table.snapshot()
    if (stateOf(change, snapshot) !== 'committed') throw error
    return snapshot.version
  }
}

/** How a table stands to a change: it may still be made, it is made already, or another build has come since. */
export const stateOf = (change: GoldChange, snapshot: Snapshot): 'open' | 'committed' | 'superseded' => {
  const builds = buildsOf(snapshot)
  if (builds === change.builds) return 'open'
  // Names of files are unique, so those that are live are from this very change.
  const isMade = !isEmpty(change) && builds === (change.builds ?? 0) + 1 && change.adds.every(({ path }) => snapshot.files.has(path))
  return isMade && change.removes.every(({ path }) => !snapshot.files.has(path)) ? 'committed' : 'superseded'
}

// A table is made by its first build even where it has no row.
const isEmpty = ({ adds, removes, version }: GoldChange) => version >= 0 && adds.length === 0 && removes.length === 0

const buildsOf = ({ txns }: Snapshot): number | null => txns.get(BUILD_APP) ?? null

const deltaFields = (table: GoldTable): Field[] =>
  Object.entries(table.columns).map(([name, type]) => ({ name, type: columnType(type), nullable: true }))

const columnType = (type: GoldType): Field['type'] => (type === 'strings' ? { kind: 'list', element: { kind: 'string' } } : { kind: type })
