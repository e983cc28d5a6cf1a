import { openTable, type Table } from '../../lake/delta/table.ts'
import { listPublished, type Published, publishedAsOf, readPublished } from '../../lake/published.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { damagedFile } from '../../runtime/duckdb-errors.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import { follow as followAt } from '../../runtime/follow.ts'
import type { Log } from '../../runtime/log.ts'
import { createLanes, TooMany } from '../http/lanes.ts'
import { createVersion, type DerivedTables, type GoldVersion, type OpenVersion } from './version.ts'

export interface GoldReader {
  /** The version that answers come from now; null before the first is open. */
  current: () => GoldVersion | null
  /**
   * Does work on one version, the newest unless one is named, and keeps it open that long. Null where no Gold
   * is published, or the named version is not kept any more. Rejects where the lake does not answer, with `TooMany`
   * where too many wait for older ones.
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

/** A version that is open, or is being opened. */
interface Slot {
  opening: Promise<OpenVersion | null>
  /** How many use it, or wait for it. */
  holders: number
}

/** Older versions that are read at once beyond those that stay open, and how many may wait for one, and how long. */
const MORE_IN_USE = 4
const MAX_WAITING = 200
const MAX_WAIT_MS = 30_000

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
  const open = new Map<number, Slot>()
  const older = createLanes({ workers: keepVersions + MORE_IN_USE, maxWaiting: MAX_WAITING })
  let duckdb: Promise<DuckDb> | undefined
  let current: { slot: Slot; version: OpenVersion } | null = null
  /** The one that is made ready to be the current one. */
  let next: Slot | undefined
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

  const versionOf = async (published: Published): Promise<OpenVersion> =>
    createVersion({ files, duckdb: await database(), published, tableAt, derived, onAnswer })

  const openSlot = (number: number, make: () => Promise<OpenVersion | null>): Slot => {
    const slot: Slot = { opening: make(), holders: 0 }
    open.set(number, slot)
    const forget = () => open.get(number) === slot && open.delete(number)
    // What failed or is not there may be there the next time.
    slot.opening.then((found) => found ?? forget(), forget)
    return slot
  }

  /** A version that is not the newest: so many are open at once, and others wait until one of them is let go. */
  const openOlder = async (number: number): Promise<OpenVersion | null> => {
    const published = await readPublished(store, { version: number })
    if (!published) return null
    await retireIdle()
    const place = await older
      .enter(() => undefined, AbortSignal.timeout(MAX_WAIT_MS))
      .catch((error: unknown) => {
        if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error
        throw new TooMany(`no older version was let go within ${MAX_WAIT_MS / 1000} s`)
      })
    const version = await versionOf(published).catch((error: unknown) => {
      place.leave()
      throw error
    })
    return { ...version, drop: () => version.drop().finally(place.leave) }
  }

  /** Does work on a version, which stays open that long; it is held from before it is open. */
  const holding = async <T>(slot: Slot, work: (version: OpenVersion) => Promise<T>): Promise<{ result: T } | null> => {
    slot.holders++
    try {
      const version = await slot.opening
      return version && { result: await work(version) }
    } finally {
      if (--slot.holders === 0) await retireIdle()
    }
  }

  /** Lets go of versions that nobody uses, the one opened first before the others, until no more are open than are kept. */
  const retireIdle = async () => {
    const idle = [...open].filter(([, slot]) => slot.holders === 0 && slot !== current?.slot && slot !== next)
    const surplus = idle.slice(0, Math.max(0, open.size - keepVersions))
    // First, so that who asks from here on opens them anew.
    for (const [number] of surplus) open.delete(number)
    for (const [, slot] of surplus) await (await slot.opening.catch(() => null))?.drop()
  }

  const look = async () => {
    const published = await readPublished(store)
    if (!published || published.version === current?.version.version) return
    const startedAtMs = performance.now()
    const slot = open.get(published.version) ?? openSlot(published.version, () => versionOf(published))
    // Nobody who asks for other versions meanwhile pushes it out.
    next = slot
    try {
      const version = await slot.opening
      if (!version) return
      await warm(version, current?.version ?? null).catch((error) =>
        log.warn({ gold_version: version.version, error: errorLine(error) }, 'answers could not be made ahead'),
      )
      const last = current?.version ?? null
      current = { slot, version }
      onServing?.(version, last, Date.now())
      log.info({ gold_version: version.version, duration_ms: Math.round(performance.now() - startedAtMs) }, 'serving gold version')
    } finally {
      next = undefined
    }
    await retireIdle()
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

  const isGone = (error: unknown) =>
    error instanceof ReadflowError ? error.code === 'lake-not-found' : error instanceof Error && damagedFile(error.message) !== null

  const use = async <T>(number: number | undefined, work: (gold: GoldVersion) => Promise<T>) => {
    if (number === undefined) return current && holding(current.slot, work)
    const slot = open.get(number) ?? openSlot(number, () => openOlder(number))
    // The work has its own faults: only one of the opening says that the version is gone.
    let isOpen = false
    return holding(slot, (version) => {
      isOpen = true
      return work(version)
    }).catch((error: unknown) => {
      if (isOpen || !isGone(error)) throw error
      log.warn({ gold_version: number, error: errorLine(error) }, 'gold version is not readable any more')
      return null
    })
  }

  const close = async () => {
    controller.abort()
    await following
    await refreshing?.catch(() => undefined)
    await (await duckdb?.catch(() => undefined))?.close()
  }

  return {
    current: () => current?.version ?? null,
    use,
    versionAt: async (timeMs) => {
      const found = (await publishedAsOf(store, timeMs))?.version ?? null
      // One that is published and not open yet nobody has seen here.
      return found !== null && current !== null ? Math.min(found, current.version.version) : found
    },
    list: (options) => listPublished(store, options),
    refresh,
    follow,
    close,
  }
}
