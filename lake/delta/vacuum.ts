import { rmdir } from 'node:fs/promises'
import { ReadflowError } from '../../runtime/errors.ts'
import type { ObjectInfo } from '../store/store.ts'
import { filePath } from './actions.ts'
import { readEntries } from './load.ts'
import { listLog } from './log-files.ts'
import { deletedFileRetentionMs } from './properties.ts'
import type { Snapshot } from './snapshot.ts'
import type { Table } from './table.ts'

const HOUR_MS = 3_600_000
/**
 * A file that no version names may be about to be committed. So long, by the store's clock, it is left alone; nobody
 * takes that long from writing a file to committing it.
 */
export const STAGED_MS = 24 * HOUR_MS
/** Queries that began on a version which is no longer the newest are given at least so long, unless a person says otherwise. */
export const MIN_RETAIN_MS = 24 * HOUR_MS

export interface VacuumOptions {
  /** How long a version stays readable after a newer one; without it what the table's property says. */
  retainMs?: number | undefined
  /** Where neither `retainMs` nor the property says it; 7 days without it. */
  defaultRetainMs?: number | undefined
  /** Lets `retainMs` be shorter than the table's property or a day. */
  isShortAllowed?: boolean
  /** Finds what would be removed, and removes nothing. */
  isDryRun?: boolean
  /** Further versions whose files stay, whatever their age. One that can not be read any more does not count. */
  keepVersions?: Iterable<number>
  /** Files that stay though no version names them yet, however old they are: by the path in their action. */
  keepPaths?: Iterable<string>
  nowMs?: number
  signal?: AbortSignal | undefined
  /** Hears of each file that was removed, or would be. */
  onFile?: (file: ObjectInfo) => void
}

export interface VacuumResult {
  files: number
  bytes: number
}

const DELETES_AT_ONCE = 16
const BATCH_FILES = 512

/**
 * Removes the data files under a table's root that no retained version needs: those of versions which ceased to be the
 * newest longer ago than the retention, and those that were written and never committed, once they are older than
 * `STAGED_MS`. Only Parquet files count; the log and other folders that begin with `_` or `.` are not looked into.
 * Throws `config` where the retention is too short.
 */
export const vacuum = async (table: Table, options: VacuumOptions = {}): Promise<VacuumResult> => {
  const { nowMs = Date.now(), isDryRun = false, signal, onFile } = options
  const snapshot = await table.snapshot()
  const result: VacuumResult = { files: 0, bytes: 0 }
  if (!snapshot.metadata) return result
  const cutoffMs = nowMs - checkedRetentionMs(table.root, snapshot, options)
  const needed = await neededFiles(table, snapshot, { cutoffMs, nowMs, keepVersions: options.keepVersions ?? [] })
  for (const path of options.keepPaths ?? []) needed.add(filePath(path))
  // What a commit took out of the table nobody is about to commit, however young it is.
  const removed = pathsOf(snapshot.tombstones)

  let live = { version: snapshot.version, paths: new Set<string>() }
  const remove = async (batch: readonly ObjectInfo[]) => {
    signal?.throwIfAborted()
    // What was committed while we listed is live now: asked before it would be too late.
    const { version, files } = await table.snapshot()
    if (version !== live.version) live = { version, paths: pathsOf(files) }
    const dead = batch.filter(({ path }) => !live.paths.has(belowRoot(table.root, path)))
    if (!isDryRun) await deleteAll(table, dead)
    for (const file of dead) {
      result.files++
      result.bytes += file.sizeBytes
      onFile?.(file)
    }
  }

  let batch: ObjectInfo[] = []
  for await (const file of table.store.list(`${table.root}/`)) {
    const below = belowRoot(table.root, file.path)
    if (!isDataFile(below, snapshot) || needed.has(below)) continue
    if (!removed.has(below) && file.modifiedMs > nowMs - STAGED_MS) continue
    batch.push(file)
    if (batch.length < BATCH_FILES) continue
    await remove(batch)
    batch = []
  }
  if (batch.length > 0) await remove(batch)
  return result
}

/** How long a table's versions are kept by those options. Throws `config` where that takes files from under readers. */
export const checkedRetentionMs = (
  root: string,
  snapshot: Pick<Snapshot, 'metadata'>,
  { retainMs, defaultRetainMs, isShortAllowed }: Pick<VacuumOptions, 'retainMs' | 'defaultRetainMs' | 'isShortAllowed'>,
): number => {
  const ownMs = deletedFileRetentionMs(snapshot)
  const isOwn = snapshot.metadata?.configuration['delta.deletedFileRetentionDuration'] !== undefined
  const minMs = isOwn ? ownMs : MIN_RETAIN_MS
  if (retainMs !== undefined && retainMs < minMs && !isShortAllowed)
    throw new ReadflowError(
      'config',
      `a retention of ${inHours(retainMs)} is shorter than the ${inHours(minMs)} that readers of ${root} are promised.`,
      { hint: 'Nobody may be reading an older version then; --allow-short-retention does it anyway.' },
    )
  return retainMs ?? (isOwn ? ownMs : Math.max(minMs, defaultRetainMs ?? ownMs))
}

const inHours = (durationMs: number): string =>
  durationMs < HOUR_MS ? `${durationMs / 1000} s` : `${Math.round((durationMs / HOUR_MS) * 100) / 100} h`

const belowRoot = (root: string, path: string): string => path.slice(root.length + 1)

/** Whether a path below the root is one that data files have: folders of partitions may begin with `_`, others not. */
const isDataFile = (below: string, { metadata }: Snapshot): boolean => {
  const isPartition = (folder: string) => metadata!.partitionColumns.some((name) => folder.startsWith(`${encodeURIComponent(name)}=`))
  return below.endsWith('.parquet') && below.split('/').every((part) => !/^[_.]/.test(part) || isPartition(part))
}

/** Paths below the root of the files that a map has by the path in their action. */
const pathsOf = (files: ReadonlyMap<string, unknown>): Set<string> => new Set([...files.keys()].map(filePath))

/** Paths below the root of the files of every retained version. */
const neededFiles = async (
  table: Table,
  snapshot: Snapshot,
  { cutoffMs, nowMs, keepVersions }: { cutoffMs: number; nowMs: number; keepVersions: Iterable<number> },
): Promise<Set<string>> => {
  const needed = new Set<string>()
  const keep = ({ files }: Pick<Snapshot, 'files'>) => {
    for (const path of files.keys()) needed.add(filePath(path))
  }
  keep(snapshot)
  // A file that was removed since the cutoff was in a version that was the newest then, or later.
  for (const { path, deletionTimestamp } of snapshot.tombstones.values())
    if ((deletionTimestamp ?? 0) >= cutoffMs) needed.add(filePath(path))
  // Checkpoints forget a removed file after the table's own retention. Asked for a longer one, only the log knows.
  if (cutoffMs < nowMs - deletedFileRetentionMs(snapshot))
    for (const path of await removedSince(table, snapshot.version, cutoffMs)) needed.add(filePath(path))
  for (const version of new Set(keepVersions)) {
    if (version === snapshot.version) continue
    const kept = await table.snapshot({ version }).catch((error: unknown) => {
      if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
      throw error
    })
    if (kept) keep(kept)
  }
  return needed
}

const ENTRIES_AT_ONCE = 256

const removedSince = async (table: Table, newest: number, cutoffMs: number): Promise<Set<string>> => {
  const removed = new Set<string>()
  const versions = (await listLog(table)).entries.filter(({ modifiedMs }) => modifiedMs >= cutoffMs).map(({ version }) => version)
  const last = Math.min(newest, versions.at(-1) ?? -1)
  for (let from = versions[0] ?? 0; from <= last; from += ENTRIES_AT_ONCE)
    for (const actions of await readEntries(table, from, Math.min(last, from + ENTRIES_AT_ONCE - 1)))
      for (const action of actions) if ('remove' in action) removed.add(action.remove.path)
  return removed
}

const deleteAll = async ({ store, root }: Table, files: readonly ObjectInfo[]) => {
  for (let index = 0; index < files.length; index += DELETES_AT_ONCE)
    await Promise.all(files.slice(index, index + DELETES_AT_ONCE).map(({ path }) => store.delete(path)))
  // In a folder, what a partition leaves behind is an empty folder. One that is not empty stays: rmdir refuses it.
  const folders = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf('/'))))
  for (let folder of folders) {
    for (; folder.length > root.length; folder = folder.slice(0, folder.lastIndexOf('/'))) {
      const local = store.localPath(folder)
      if (local === null || !(await isRemoved(local))) break
    }
  }
}

const isRemoved = (folder: string): Promise<boolean> =>
  rmdir(folder).then(
    () => true,
    () => false,
  )
