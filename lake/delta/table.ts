import { ReadflowError } from '../../runtime/errors.ts'
import { checkedPath, type ObjectStore } from '../store/store.ts'
import { type Action, type CommitInfo, decodeActions, entryName } from './actions.ts'
import { applyEntries, emptySnapshot, type Snapshot } from './snapshot.ts'

export interface HistoryEntry {
  version: number
  /** Epoch milliseconds, by the writer's clock. */
  timestampMs: number
  operation: string
  commitInfo: CommitInfo | null
}

/** A Delta table at `root` in a store. What it has read of the log it keeps, and reads only what is newer. */
export interface Table {
  store: ObjectStore
  root: string
  /** The newest snapshot, or the one at `version`; rejects with `lake-not-found` where there is no such version. */
  snapshot: (options?: { version?: number }) => Promise<Snapshot>
  /** The newest snapshot that was read so far, without asking the store. */
  known: () => Snapshot
  /** Takes note of an entry just written by us, and gives the snapshot after it. */
  advance: (base: Snapshot, actions: readonly Action[]) => Snapshot
  /** The newest `limit` entries of the log, newest first. */
  history: (options?: { limit?: number }) => Promise<HistoryEntry[]>
}

/** How many entries are read at once when a table is opened. */
const READ_AHEAD = 32

/** Opens a table, which need not exist. Nothing is read yet. */
export const openTable = (store: ObjectStore, root: string): Table => {
  checkedPath(root)
  let latest = emptySnapshot
  let refreshing: Promise<Snapshot> = Promise.resolve(latest)

  const entryPath = (version: number) => `${root}/${entryName(version)}`

  const readEntry = async (version: number): Promise<Action[]> => decodeActions(await store.get(entryPath(version)), entryPath(version))

  const readEntries = async (from: number, to: number): Promise<Action[][]> => {
    const entries: Action[][] = []
    for (let version = from; version <= to; version += READ_AHEAD) {
      const count = Math.min(READ_AHEAD, to - version + 1)
      entries.push(...(await Promise.all(Array.from({ length: count }, (_, index) => readEntry(version + index)))))
    }
    return entries
  }

  /** The last version in the log, from a listing: for a table that was not read yet. */
  const lastListed = async (): Promise<number> => {
    let expected = 0
    for await (const { path } of store.list(`${root}/_delta_log/`)) {
      const version = /\/(\d{20})\.json$/.exec(path)?.[1]
      if (version === undefined) continue
      // Reading from a checkpoint is not built yet; without it a log that does not begin at 0 can not be understood.
      if (Number(version) !== expected) throw new ReadflowError('lake-invalid', `the log of ${root} lacks version ${expected}`)
      expected++
    }
    return expected - 1
  }

  const adopt = (snapshot: Snapshot): Snapshot => {
    if (snapshot.version > latest.version) latest = snapshot
    return snapshot
  }

  const refresh = async (): Promise<Snapshot> => {
    if (latest.version < 0) {
      const entries = await readEntries(0, await lastListed())
      return adopt(applyEntries(emptySnapshot, entries))
    }
    const base = latest
    const entries: Action[][] = []
    for (;;) {
      const entry = await readEntry(base.version + entries.length + 1).catch(nullIfNotFound)
      if (entry === null) break
      entries.push(entry)
    }
    adopt(applyEntries(base, entries))
    return latest
  }

  // One after the other, and each caller waits for a refresh that began after it asked.
  const queueRefresh = (): Promise<Snapshot> => {
    refreshing = refreshing.then(refresh, refresh)
    return refreshing
  }

  return {
    store,
    root,
    known: () => latest,
    advance: (base, actions) => adopt(applyEntries(base, [actions])),
    snapshot: async ({ version } = {}) => {
      if (version !== undefined && version === latest.version) return latest
      const newest = await queueRefresh()
      if (version === undefined || version === newest.version) return newest
      if (!Number.isInteger(version) || version < 0 || version > newest.version)
        throw new ReadflowError('lake-not-found', `${root} has no version ${version}; its newest is ${newest.version}`)
      return applyEntries(emptySnapshot, await readEntries(0, version))
    },
    history: async ({ limit = Number.POSITIVE_INFINITY } = {}) => {
      const { version: newest } = await queueRefresh()
      const first = Math.max(0, newest + 1 - limit)
      const entries = await readEntries(first, newest)
      return entries.map((actions, index) => historyEntry(first + index, actions)).reverse()
    },
  }
}

const nullIfNotFound = (error: unknown): null => {
  if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
  throw error
}

const historyEntry = (version: number, actions: readonly Action[]): HistoryEntry => {
  const commitInfo = actions.find((action) => 'commitInfo' in action)?.commitInfo ?? null
  return { version, timestampMs: commitInfo?.timestamp ?? 0, operation: commitInfo?.operation ?? 'UNKNOWN', commitInfo }
}
