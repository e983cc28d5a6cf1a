import { openTable, type Table } from '../../lake/delta/table.ts'
import { listPublished, type Published, publishedAsOf, readPublished } from '../../lake/published.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { isOutOfMemory } from '../../runtime/duckdb-errors.ts'
import { errorLine } from '../../runtime/errors.ts'
import { follow as followAt } from '../../runtime/follow.ts'
import type { Log } from '../../runtime/log.ts'
import { createVersion, type DerivedTables, type GoldVersion, type OpenVersion } from './version.ts'

export interface GoldReader {
  /** The version that answers come from now; null before the first is open. */
  current: () => GoldVersion | null
  /**
   * Does work on one version, the newest unless one is named, and keeps it open that long. Null where no Gold
   * is published, or the named version is not kept any more.
   */
  use: <T>(version: number | undefined, work: (gold: GoldVersion) => Promise<T>) => Promise<{ result: T } | null>
  /** The number of the version that readers saw at a time (epoch milliseconds); null where none that is kept is as old. */
  versionAt: (timeMs: number) => Promise<number | null>
  /** What is kept, newest first, from version `before` (exclusive) on back. */
  list: (options: { before?: number | undefined; limit: number }) => Promise<Published[]>
  /** Looks for a new published version and opens it. Rejects where it can't be read; the old one stays. */
  refresh: () => Promise<void>
  /** Refreshes from now on, every `intervalMs`, until it is closed. Faults go to the log, once each. */
  follow: (intervalMs: number) => void
  close: () => Promise<void>
}

export interface GoldOptions {
  store: ObjectStore
  /** Gold's files, for DuckDB. */
  files: LocalFiles
  /** Opened when there is a Gold to read, so that a start waits for nothing. */
  openDuckDb: () => Promise<DuckDb>
  log: Log
  /** Versions that stay open, so that paging goes on where it began. */
  keepVersions?: number
  /** What the API makes of every version once. */
  derived?: DerivedTables
  /** Is given a new version before it answers, and the one before it: what people ask is made ahead of them. */
  warm?: (next: GoldVersion, last: GoldVersion | null) => Promise<void>
  /** Hears of a version from which answers come from now on (epoch milliseconds), and of the one before it. */
  onServing?: (next: GoldVersion, last: GoldVersion | null, nowMs: number) => void
  /** Hears of each answer that is asked for, whether it was made before. */
  onAnswer?: (isHit: boolean) => void
}

/** Follows the published list and serves its versions as DuckDB views over the pinned Delta versions. */
export const openGold = ({
  store,
  files,
  openDuckDb,
  log,
  keepVersions = 4,
  derived = {},
  warm = async () => undefined,
  onServing,
  onAnswer,
}: GoldOptions): GoldReader => {
  const controller = new AbortController()
  const open = new Map<number, Promise<OpenVersion | null>>()
  let duckdb: Promise<DuckDb> | undefined
  let current: OpenVersion | null = null
  let refreshing: Promise<void> | undefined

  const tables = new Map<string, Table>()
  const tableAt = (root: string): Table => {
    const table = tables.get(root) ?? openTable(store, root)
    tables.set(root, table)
    return table
  }

  const database = () => {
    duckdb ??= openDuckDb()
    return duckdb
  }

  const openVersion = (version: number, entry?: Published): Promise<OpenVersion | null> => {
    const known = open.get(version)
    if (known) return known
    const opening = (async () => {
      const published = entry ?? (await readPublished(store, { version }))
      return published && createVersion({ files, duckdb: await database(), published, tableAt, derived, onAnswer })
    })()
    open.set(version, opening)
    // What failed or is not there may be there the next time.
    opening.then((found) => found ?? open.delete(version)).catch(() => open.delete(version))
    return opening
  }

  const release = async (version: OpenVersion) => {
    if (--version.users === 0 && version.isRetired) await version.drop()
  }

  const retireOld = async () => {
    const surplus = [...open.keys()].filter((version) => version !== current?.version).slice(0, Math.max(0, open.size - keepVersions))
    for (const number of surplus) {
      const opening = open.get(number)
      // First, so that who asks from here on opens it anew, and who asked before holds it by the next line.
      open.delete(number)
      const version = await opening?.catch(() => null)
      if (!version) continue
      version.isRetired = true
      if (version.users === 0) await version.drop()
    }
  }

  const look = async () => {
    const published = await readPublished(store)
    if (!published || published.version === current?.version) return
    const startedAtMs = performance.now()
    const next = await openVersion(published.version, published)
    if (!next) return
    await warm(next, current).catch((error) =>
      log.warn({ version: next.version, error: errorLine(error) }, 'answers could not be made ahead'),
    )
    const last = current
    current = next
    onServing?.(next, last, Date.now())
    log.info({ version: next.version, durationMs: Math.round(performance.now() - startedAtMs) }, 'serving gold version')
    await retireOld()
  }

  const refresh = () => {
    refreshing ??= look().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  const followUntilClosed = (intervalMs: number) =>
    followAt({
      look: refresh,
      complain: (error) => log.warn({ error }, 'gold version can not be opened'),
      intervalMs,
      signal: controller.signal,
    })
  let following: Promise<void> | undefined
  const follow = (intervalMs: number) => {
    following ??= followUntilClosed(intervalMs)
  }

  const openOlder = (number: number) =>
    openVersion(number).catch((error: unknown) => {
      if (isOutOfMemory(error)) throw error
      log.warn({ version: number, error: errorLine(error) }, 'gold version is not readable any more')
      return null
    })

  const use = async <T>(number: number | undefined, work: (gold: GoldVersion) => Promise<T>) => {
    const version = number === undefined ? current : await openOlder(number)
    if (!version) return null
    version.users++
    try {
      if (number !== undefined) await retireOld()
      return { result: await work(version) }
    } finally {
      await release(version)
    }
  }

  const close = async () => {
    controller.abort()
    await following
    await refreshing?.catch(() => undefined)
    await (await duckdb?.catch(() => undefined))?.close()
  }

  return {
    current: () => current,
    use,
    versionAt: async (timeMs) => (await publishedAsOf(store, timeMs))?.version ?? null,
    list: (options) => listPublished(store, options),
    refresh,
    follow,
    close,
  }
}
