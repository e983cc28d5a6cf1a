import { type CleanLogResult, cleanLog } from '../../lake/delta/clean-log.ts'
import { checkedRetentionMs, type VacuumOptions, type VacuumResult, vacuum } from '../../lake/delta/vacuum.ts'
import { type Published, prunePublished } from '../../lake/published.ts'
import { stagedByReplays } from '../../lake/replays.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { heldFiles } from '../gate/held-files.ts'
import type { UpkeepTable } from './tables.ts'

/** So many of the newest Gold versions stay, whatever their age. */
const KEPT_GOLD_VERSIONS = 10
/**
 * What a Gold version names was committed before it was published, and may have been replaced by then. By so much sooner
 * than its files an entry of the published list goes.
 */
const BUILD_MS = 3_600_000

export type TableVacuumOptions = Pick<
  VacuumOptions,
  'retainMs' | 'defaultRetainMs' | 'isShortAllowed' | 'isDryRun' | 'nowMs' | 'signal' | 'onFile'
>

/** What stays of Gold, whatever its age. */
export interface KeptGold {
  newest: readonly Published[]
  /** Paths of files that no version names, by the table's name, such as `dim_book`. */
  held: ReadonlyMap<string, readonly string[]>
}

/**
 * Removes the entries of the published list that are older than what the Gold tables keep. Gives how many, and what must
 * not be vacuumed: what the newest Gold versions name, and what a held build staged that a person may release. Throws `config` where the retention is too
 * short for one of the tables, Gold or not, before anything is removed.
 */
export const pruneGold = async (
  store: ObjectStore,
  tables: readonly UpkeepTable[],
  options: TableVacuumOptions,
): Promise<{ removed: number; kept: KeptGold }> => {
  let retainMs = Number.POSITIVE_INFINITY
  for (const { name, table } of tables) {
    const tableMs = checkedRetentionMs(table.root, await table.snapshot(), options)
    if (name.startsWith('gold.')) retainMs = Math.min(retainMs, tableMs)
  }
  const { nowMs = Date.now(), isDryRun = false } = options
  const retained = { keepNewest: KEPT_GOLD_VERSIONS, retainMs: Math.max(0, retainMs - BUILD_MS), nowMs, isDryRun }
  const { removed, newest } = await prunePublished(store, retained)
  return { removed, kept: { newest, held: await heldFiles(store) } }
}

/**
 * Removes the files of one table that no retained version needs, and what its log holds of expired versions.
 * `kept` is what stays of Gold, for a table of it.
 */
export const vacuumTable = async (
  { name, table }: UpkeepTable,
  kept: KeptGold | null,
  options: TableVacuumOptions,
): Promise<VacuumResult & { logFiles: number }> => {
  const gold = name.startsWith('gold.') ? name.slice('gold.'.length) : null
  const versions = gold === null ? [] : (kept?.newest ?? []).flatMap(({ tables }) => tables[gold] ?? [])
  // Asked before the files are listed: what is staged later is too young to go.
  const keepPaths = gold === null ? ((await stagedByReplays(table.store)).get(name) ?? []) : (kept?.held.get(gold) ?? [])
  const result = await vacuum(table, { ...options, keepVersions: versions, keepPaths })
  const cleaned: Pick<CleanLogResult, 'deletedFiles'> = options.isDryRun
    ? { deletedFiles: 0 }
    : await cleanLog(table, {
        ...(options.nowMs === undefined ? {} : { nowMs: options.nowMs }),
        ...(versions.length > 0 ? { keepFromVersion: Math.min(...versions) } : {}),
      })
  return { ...result, logFiles: cleaned.deletedFiles }
}
