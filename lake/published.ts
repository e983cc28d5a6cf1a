import { ReadflowError } from '../runtime/errors.ts'
import { numberedList } from './numbered-list.ts'
import type { ObjectStore } from './store/store.ts'

/** One consistent set of Gold tables. Its number is the Gold version that people see. */
export interface Published {
  version: number
  publishId: string
  /** ISO 8601, UTC. */
  publishedAt: string
  /** Delta version of each Gold table. */
  tables: Record<string, number>
  /** Delta version of each Silver table that it was built from. */
  inputs: Record<string, number>
  /** Names the models that derived it; null where nobody knows. */
  models: string | null
  /** ISO 8601, UTC: all that Kafka got before then is in it; null where nobody knows. */
  completeThrough: string | null
  /** The same of each entity that it was built from. */
  completeThroughByEntity: Record<string, string | null>
  /** Where a person published it though checks had failed: which build, who, and why. */
  released?: { run: string; by: string; why: string }
}

const FOLDER = 'gold/_published/'
const { path: entryPath, numberOf: versionOf, latest: latestVersion } = numberedList(FOLDER)

/** The newest entry, or that of a version; null where there is none. */
export const readPublished = async (store: ObjectStore, { version }: { version?: number } = {}): Promise<Published | null> => {
  const wanted = version ?? (await latestVersion(store))
  if (wanted === null) return null
  const bytes = await store.get(entryPath(wanted)).catch((error) => {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
    throw error
  })
  return bytes === null ? null : decode(wanted, bytes)
}

/**
 * The entry that readers saw at a time (epoch milliseconds): the newest one that was published by then. Null where none
 * that is kept is as old. Entries go oldest first, so those that are missing are taken for older ones.
 */
export const publishedAsOf = async (store: ObjectStore, timeMs: number): Promise<Published | null> => {
  const newest = await latestVersion(store)
  let found: Published | null = null
  for (let [low, high] = [0, newest ?? -1]; low <= high; ) {
    const middle = Math.floor((low + high) / 2)
    const entry = await readPublished(store, { version: middle })
    if (entry && Date.parse(entry.publishedAt) > timeMs) high = middle - 1
    else {
      found = entry ?? found
      low = middle + 1
    }
  }
  return found
}

/** Entries from version `before` (exclusive; without it the newest) on back, newest first, as far as they are kept. */
export const listPublished = async (
  store: ObjectStore,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<Published[]> => {
  const newest = (await latestVersion(store)) ?? -1
  const listed: Published[] = []
  for (let version = Math.min(newest, (before ?? newest + 1) - 1); version >= 0 && listed.length < limit; version--) {
    const entry = await readPublished(store, { version })
    if (!entry) break
    listed.push(entry)
  }
  return listed
}

/**
 * Adds the next entry, after the one of version `after` (null: none) where that is given. Where the same publish id is
 * there already, that entry: who goes on from a crash may ask again. Rejects with `lake-conflict` where somebody else
 * published in the meantime.
 */
export const publish = async (
  store: ObjectStore,
  entry: Omit<Published, 'version'>,
  { after }: { after?: number | null } = {},
): Promise<Published> => {
  const last = after === undefined ? await latestVersion(store) : after
  const published = { version: (last ?? -1) + 1, ...entry }
  if ((await store.putIfAbsent(entryPath(published.version), encode(published))) === 'created') return published
  const theirs = await readPublished(store, { version: published.version })
  if (theirs?.publishId === entry.publishId && after !== undefined) return theirs
  throw new ReadflowError('lake-conflict', `somebody else published Gold version ${published.version}`)
}

/**
 * Removes entries that were published longer ago than `retainMs`, oldest first, but never one of the newest
 * `keepNewest`. Gives how many, and those newest ones, oldest first.
 */
export const prunePublished = async (
  store: ObjectStore,
  { keepNewest, retainMs, nowMs, isDryRun = false }: { keepNewest: number; retainMs: number; nowMs: number; isDryRun?: boolean },
): Promise<{ removed: number; newest: Published[] }> => {
  const entries: { version: number; modifiedMs: number }[] = []
  for await (const { path, modifiedMs } of store.list(FOLDER)) {
    const version = versionOf(path)
    if (version !== null) entries.push({ version, modifiedMs })
  }
  const newest: Published[] = []
  for (const { version } of entries.splice(-keepNewest)) newest.push((await readPublished(store, { version }))!)
  const old = entries.filter(({ modifiedMs }) => modifiedMs <= nowMs - retainMs)
  if (!isDryRun) for (const { version } of old) await store.delete(entryPath(version))
  return { removed: old.length, newest }
}

// The file is a public interface, in the case that SQL and JSON tools around it use.
const encode = ({ publishId, publishedAt, completeThrough, completeThroughByEntity, released, ...built }: Published): Uint8Array => {
  const { version, tables, inputs, models } = built
  const entry = {
    version,
    publish_id: publishId,
    published_at: publishedAt,
    tables,
    inputs,
    models,
    complete_through: completeThrough,
    complete_through_by_entity: completeThroughByEntity,
    released,
  }
  return new TextEncoder().encode(`${JSON.stringify(entry)}\n`)
}

const decode = (version: number, bytes: Uint8Array): Published => {
  try {
    const entry = JSON.parse(new TextDecoder().decode(bytes))
    return {
      version,
      publishId: entry.publish_id,
      publishedAt: entry.published_at,
      tables: entry.tables,
      inputs: entry.inputs,
      models: entry.models ?? null,
      completeThrough: entry.complete_through ?? null,
      completeThroughByEntity: entry.complete_through_by_entity ?? {},
      ...(entry.released ? { released: entry.released } : {}),
    }
  } catch (cause) {
    throw new ReadflowError('lake-invalid', `${entryPath(version)} is not valid JSON`, { cause })
  }
}
