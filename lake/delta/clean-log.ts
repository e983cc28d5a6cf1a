import { readCheckpoint } from './checkpoint.ts'
import { commitTimes, newestAt } from './commit-times.ts'
import { listLog, logFileOf } from './log-files.ts'
import { isLogCleanupOn, logRetentionMs } from './properties.ts'
import type { Table } from './table.ts'

export interface CleanLogOptions {
  nowMs?: number
  /** The oldest version that somebody still needs, such as one that a published list names; none by default. */
  keepFromVersion?: number
}

export interface CleanLogResult {
  /** Files of the log that were deleted. */
  deletedFiles: number
  /** The oldest version that can be read from now on; -1 where there is no table. */
  oldestVersion: number
}

const DAY_MS = 86_400_000

/**
 * Deletes what the log holds of versions older than the table's `delta.logRetentionDuration`, by the protocol's rules:
 * the newest checkpoint that is old enough, its entry and all after it stay, so that every version from there on can
 * be read. Does nothing where there is no such checkpoint, where it can not be read, or where the table property
 * `delta.enableExpiredLogCleanup` is false. Safe beside writers, readers and other clean-ups; a crash leaves files that
 * the next one deletes.
 */
export const cleanLog = async (table: Table, { nowMs = Date.now(), keepFromVersion }: CleanLogOptions = {}): Promise<CleanLogResult> => {
  const snapshot = await table.snapshot()
  const listing = await listLog(table)
  const unchanged = { deletedFiles: 0, oldestVersion: listing.oldestVersion }
  if (snapshot.version < 0 || !isLogCleanupOn(snapshot)) return unchanged
  // Whole days of UTC, as other writers clean up.
  const cutOffMs = Math.floor((nowMs - logRetentionMs(snapshot)) / DAY_MS) * DAY_MS
  const expired = newestAt(commitTimes(listing.entries), cutOffMs)
  const lastNeeded = Math.min(expired ?? -1, keepFromVersion ?? Number.POSITIVE_INFINITY)
  for (const checkpoint of listing.checkpoints.filter(({ version }) => version <= lastNeeded).reverse()) {
    // Nothing is deleted on the word of a file's name.
    if ((await readCheckpoint(table, checkpoint)) === null) continue
    return { deletedFiles: await deleteBefore(table, checkpoint.version), oldestVersion: checkpoint.version }
  }
  return unchanged
}

const deleteBefore = async ({ store, root }: Table, version: number): Promise<number> => {
  let deletedFiles = 0
  // Oldest first: a crash leaves a log that begins later, not one with a hole.
  for await (const { path } of store.list(`${root}/_delta_log/`)) {
    const file = logFileOf(path)
    if (file === null) continue
    const isCovered = file.kind === 'compacted' ? file.version <= version : file.version < version
    if (!isCovered) continue
    await store.delete(path)
    deletedFiles++
  }
  return deletedFiles
}
