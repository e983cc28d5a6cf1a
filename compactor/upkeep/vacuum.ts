import { type CleanLogResult, cleanLog } from '../../lake/delta/clean-log.ts'
import { checkedRetentionMs, type VacuumOptions, type VacuumResult, vacuum } from '../../lake/delta/vacuum.ts'
import { type Published, prunePublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
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

/**
 * Removes the entries of the published list that are older than what the Gold tables keep. Gives how many, and the
 * newest Gold versions, which stay: what they name must not be vacuumed. Throws `config` where the retention is too
 * short for one of the tables, Gold or not, before anything is removed.
 */
export const pruneGold = async (
  store: ObjectStore,
  tables: readonly UpkeepTable[],
  options: TableVacuumOptions,
): Promise<{ removed: number; newest: Published[] }> => {
  let retainMs = Number.POSITIVE_INFINITY
  for (const { name, table } of tables) {
    const tableMs = checkedRetentionMs(table.root, await table.snapshot(), options)
    if (name.startsWith('gold.')) retainMs = Math.min(retainMs, tableMs)
  }
  const { nowMs = Date.now(), isDryRun = false } = options
  return prunePublished(store, { keepNewest: KEPT_GOLD_VERSIONS, retainMs: Math.max(0, retainMs - BUILD_MS), nowMs, isDryRun })
}

/** Versions of a Gold table that these Gold versions name. */
const versionsKept = (name: string, newest: readonly Published[]): number[] =>
  name.startsWith('gold.') ? newest.flatMap(({ tables }) => tables[name.slice('gold.'.length)] ?? []) : []

/**
 * Removes the files of one table that no retained version needs, and what its log holds of expired versions.
 * `newest` are the Gold versions that stay.
 */
export const vacuumTable = async (
  { name, table }: UpkeepTable,
  newest: readonly Published[],
  options: TableVacuumOptions,
): Promise<VacuumResult & { logFiles: number }> => {
  const versions = versionsKept(name, newest)
  const result = await vacuum(table, { ...options, keepVersions: versions })
  const cleaned: Pick<CleanLogResult, 'deletedFiles'> = options.isDryRun
    ? { deletedFiles: 0 }
    : await cleanLog(table, {
        ...(options.nowMs === undefined ? {} : { nowMs: options.nowMs }),
        ...(versions.length > 0 ? { keepFromVersion: Math.min(...versions) } : {}),
      })
  return { ...result, logFiles: cleaned.deletedFiles }
}
