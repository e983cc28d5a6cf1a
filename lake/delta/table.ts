import { ReadflowError } from '../../runtime/errors.ts'
import { checkedPath, type ObjectStore } from '../store/store.ts'
import { type Action, type CommitInfo, entryName } from './actions.ts'
import { createCheckpointer } from './checkpointer.ts'
import { loadNewest, loadVersion, readEntry, versionAt } from './load.ts'
import type { TablePlace } from './log-files.ts'
import { deletedFileRetentionMs } from './properties.ts'
import { applyEntries, emptySnapshot, type Snapshot, withoutExpired } from './snapshot.ts'

export interface HistoryEntry {
  version: number
  /** Epoch milliseconds, by the writer's clock. */
  timestampMs: number
  operation: string
  commitInfo: CommitInfo | null
}

/** A Delta table at `root` in a store. What it has read of the log it keeps, and reads only what is newer. */
export interface Table extends TablePlace {
  /**
   * The newest snapshot, the one at `version`, or the one that was the newest at `timestampMs`, by the store's clock.
   * Rejects with `lake-not-found` where there is no such version, or none any more.
   */
  snapshot: (at?: { version?: number; timestampMs?: number }) => Promise<Snapshot>
  /** The newest snapshot that was read so far, without asking the store. */
  known: () => Snapshot
  /** What was read so far where that was not long ago, else the newest snapshot: what a commit may be planned on. */
  recent: () => Promise<Snapshot>
  /** Takes note of an entry just written by us, and gives the snapshot after it. */
  advance: (base: Snapshot, actions: readonly Action[]) => Snapshot
  /** Writes the checkpoint that is due after a commit, in the background; at most one at a time. */
  checkpointAfter: (committed: Snapshot, nowMs: number) => Promise<void>
  /** Waits for what is being written in the background. */
  settled: () => Promise<void>
  /** The newest `limit` entries of the log, newest first; fewer where older ones have been cleaned up. */
  history: (options?: { limit?: number }) => Promise<HistoryEntry[]>
}

export interface TableOptions {
  /** Hears of faults that stop nothing, such as a checkpoint that could not be written. */
  warn?: (error: unknown) => void
}

/** Further behind than so many entries, a checkpoint and what comes after it are read faster than all of them. */
const MAX_BEHIND = 64
/** After so many versions a table forgets the removed files whose time is over. */
const FORGET_EVERY = 100
/** How many entries of the history are read at once. */
const READ_AHEAD = 32
/**
 * The log is cleaned up behind checkpoints, and only of entries much older than this. So the entry after a version that
 * was the newest a shorter time ago is either there or was never written; after a longer time it may be gone.
 */
const RECENT_MS = 10 * 60_000

/** Opens a table, which need not exist. Nothing is read yet. */
export const openTable = (store: ObjectStore, root: string, { warn = () => {} }: TableOptions = {}): Table => {
  checkedPath(root)
  const place = { store, root }
  let latest = emptySnapshot
  /** When `latest` was known to be the newest. */
  let confirmedMs = 0
  let refreshing: Promise<Snapshot> = Promise.resolve(latest)
  const checkpointer = createCheckpointer(place, warn)

  const isRecent = () => latest.version >= 0 && Math.abs(Date.now() - confirmedMs) < RECENT_MS

  const adopt = (snapshot: Snapshot, atMs: number): Snapshot => {
    if (snapshot.version >= latest.version) {
      latest = snapshot.version % FORGET_EVERY === 0 ? forgetful(snapshot, atMs) : snapshot
      confirmedMs = atMs
    }
    return snapshot
  }

  const reload = async (atMs: number): Promise<Snapshot> => {
    latest = await loadNewest(place)
    confirmedMs = atMs
    return latest
  }

  const refresh = async (): Promise<Snapshot> => {
    const startedMs = Date.now()
    if (latest.version < 0) return reload(startedMs)
    const base = latest
    const entries: Action[][] = []
    for (;;) {
      const entry = await nullIfNotFound(readEntry(place, base.version + entries.length + 1))
      if (entry === null) break
      entries.push(entry)
      if (entries.length === MAX_BEHIND) return reload(startedMs)
    }
    const mayBeCleaned = entries.length === 0 && !isRecent()
    if (mayBeCleaned && (await nullIfNotFound(store.getRange(`${root}/${entryName(base.version)}`, 0, 1))) === null)
      return reload(startedMs)
    adopt(applyEntries(base, entries), startedMs)
    return latest
  }

  // One after the other, and each caller waits for a refresh that began after it asked.
  const queueRefresh = (): Promise<Snapshot> => {
    refreshing = refreshing.then(refresh, refresh)
    return refreshing
  }

  const atVersion = async (version: number) => (version >= 0 && version === latest.version ? latest : loadVersion(place, version))

  return {
    store,
    root,
    known: () => latest,
    recent: async () => (isRecent() ? latest : queueRefresh()),
    advance: (base, actions) => adopt(applyEntries(base, [actions]), Date.now()),
    checkpointAfter: checkpointer.after,
    settled: checkpointer.settled,
    snapshot: async ({ timestampMs, version } = {}) => {
      if (timestampMs !== undefined) return atVersion(await versionAt(place, timestampMs))
      return version === undefined ? queueRefresh() : atVersion(version)
    },
    history: async ({ limit = Number.POSITIVE_INFINITY } = {}) => {
      const { version: newest } = await queueRefresh()
      const history: HistoryEntry[] = []
      for (let version = newest; version >= 0 && history.length < limit; version -= READ_AHEAD) {
        const count = Math.min(READ_AHEAD, version + 1, limit - history.length)
        const entries = await Promise.all(Array.from({ length: count }, (_, index) => nullIfNotFound(readEntry(place, version - index))))
        const isCleaned = entries.indexOf(null)
        const kept = (isCleaned < 0 ? entries : entries.slice(0, isCleaned)) as Action[][]
        history.push(...kept.map((actions, index) => historyEntry(version - index, actions)))
        if (isCleaned >= 0) break
      }
      return history
    },
  }
}

/** Without what a table that stays open for weeks would otherwise remember for ever. */
const forgetful = (snapshot: Snapshot, nowMs: number): Snapshot => {
  const expiry = snapshot.tombstones.size === 0 ? null : expiryOf(snapshot)
  return expiry === null ? snapshot : withoutExpired(snapshot, nowMs - expiry)
}

// A property that is no duration is for those to name who remove files by it.
const expiryOf = (snapshot: Snapshot): number | null => {
  try {
    return deletedFileRetentionMs(snapshot)
  } catch (error) {
    if (error instanceof ReadflowError) return null
    throw error
  }
}

const nullIfNotFound = <T>(reading: Promise<T>): Promise<T | null> =>
  reading.catch((error: unknown) => {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
    throw error
  })

const historyEntry = (version: number, actions: readonly Action[]): HistoryEntry => {
  const commitInfo = actions.find((action) => 'commitInfo' in action)?.commitInfo ?? null
  return { version, timestampMs: commitInfo?.timestamp ?? 0, operation: commitInfo?.operation ?? 'UNKNOWN', commitInfo }
}
