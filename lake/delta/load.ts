import { ReadflowError } from '../../runtime/errors.ts'
import { type Action, decodeActions, entryName } from './actions.ts'
import { lastCheckpointVersion, readCheckpoint } from './checkpoint.ts'
import { commitTimes, newestAt } from './commit-times.ts'
import { type LogListing, listLog, type TablePlace } from './log-files.ts'
import { applyEntries, emptySnapshot, type Snapshot } from './snapshot.ts'

/** How many entries are read at once. */
const READ_AHEAD = 32
/** How often the log is listed again where a clean-up took away what was listed. */
const MAX_ATTEMPTS = 3

/** The actions of one entry. Rejects with `lake-not-found` where there is no such version. */
export const readEntry = async ({ store, root }: TablePlace, version: number): Promise<Action[]> => {
  const path = `${root}/${entryName(version)}`
  return decodeActions(await store.get(path), path)
}

/** The entries from one version to another, both included, `READ_AHEAD` at once. */
export const readEntries = async (place: TablePlace, from: number, to: number): Promise<Action[][]> => {
  const entries: Action[][] = []
  for (let version = from; version <= to; version += READ_AHEAD) {
    const count = Math.min(READ_AHEAD, to - version + 1)
    entries.push(...(await Promise.all(Array.from({ length: count }, (_, index) => readEntry(place, version + index)))))
  }
  return entries
}

/** The newest version, from the newest checkpoint that can be read and the entries after it; -1 where there is no table. */
export const loadNewest = (place: TablePlace): Promise<Snapshot> =>
  againIfCleaned(async () => {
    const hint = await lastCheckpointVersion(place)
    const recent = hint === null ? null : await listLog(place, hint)
    const fromHint = recent && recent.newestVersion >= 0 && (await build(place, recent, recent.newestVersion))
    if (fromHint) return fromHint
    const listing = await listLog(place)
    if (listing.newestVersion < 0 && !listing.hasNewerKind) return emptySnapshot
    return (await build(place, listing, listing.newestVersion)) ?? refuse(place, listing)
  })

/** One version. Rejects with `lake-not-found`, which names what there is, where that version can not be had any more. */
export const loadVersion = async (place: TablePlace, version: number): Promise<Snapshot> => {
  const { listing, snapshot } = await againIfCleaned(async () => {
    const listing = await listLog(place)
    return { listing, snapshot: version >= 0 && version <= listing.newestVersion ? await build(place, listing, version) : null }
  })
  if (snapshot) return snapshot
  const { newestVersion, oldestVersion } = listing
  if (!Number.isInteger(version) || version < 0 || version > newestVersion)
    throw new ReadflowError('lake-not-found', `${place.root} has no version ${version}; its newest is ${newestVersion}`)
  throw new ReadflowError('lake-not-found', `${place.root} has no version ${version} any more; its oldest is ${oldestVersion}`)
}

/**
 * The version that was the newest at a time, by the times at which the store took the log's entries. Rejects with
 * `lake-not-found` where the log begins later.
 */
export const versionAt = async (place: TablePlace, timestampMs: number): Promise<number> => {
  const { entries, oldestVersion } = await listLog(place)
  const times = commitTimes(entries).filter(({ version }) => version >= oldestVersion)
  const version = newestAt(times, timestampMs)
  if (version !== null) return version
  const asked = new Date(timestampMs).toISOString()
  const oldest = times[0]
  const known = oldest
    ? `its oldest version ${oldest.version} is of ${new Date(oldest.timestampMs).toISOString()}`
    : 'there is no such table'
  throw new ReadflowError('lake-not-found', `${place.root} has no version of ${asked}; ${known}`)
}

/** A version from the newest checkpoint at or before it, else from an older one or the log's beginning; null where none leads to it. */
const build = async (place: TablePlace, { entries, checkpoints }: LogListing, version: number): Promise<Snapshot | null> => {
  const present = new Set(entries.map((entry) => entry.version))
  const firstMissing = (from: number): number => {
    let next = from
    while (next <= version && present.has(next)) next++
    return next
  }
  for (const checkpoint of checkpoints.filter((candidate) => candidate.version <= version).reverse()) {
    if (firstMissing(checkpoint.version + 1) <= version) break
    const base = await readCheckpoint(place, checkpoint)
    if (base) return applyEntries(base, await readEntries(place, base.version + 1, version))
  }
  return firstMissing(0) > version ? applyEntries(emptySnapshot, await readEntries(place, 0, version)) : null
}

const refuse = ({ root }: TablePlace, listing: LogListing): never => {
  if (listing.hasNewerKind && listing.checkpoints.length === 0)
    throw new ReadflowError(
      'lake-invalid',
      `the log of ${root} has V2 checkpoints, which belong to a newer Delta protocol than ReadFlow reads`,
    )
  const first = listing.checkpoints.at(-1)?.version ?? -1
  const versions = new Set(listing.entries.map(({ version }) => version))
  let missing = first + 1
  while (versions.has(missing)) missing++
  if (missing < listing.newestVersion) throw new ReadflowError('lake-invalid', `the log of ${root} lacks version ${missing}`)
  throw new ReadflowError(
    'lake-invalid',
    `no checkpoint of ${root} can be read, and the log's entries before version ${listing.entries[0]?.version} are gone`,
  )
}

/** What was listed may be cleaned up before it is read; then a newer checkpoint stands for it. */
const againIfCleaned = async <T>(load: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await load()
    } catch (error) {
      const isGone = error instanceof ReadflowError && error.code === 'lake-not-found'
      if (!isGone || attempt === MAX_ATTEMPTS) throw error
    }
  }
}
