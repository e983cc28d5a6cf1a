import { ReadflowError } from '../runtime/errors.ts'
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
  /** ISO 8601, UTC: all that was there until then is in it; null where nobody knows. */
  completeThrough: string | null
}

const FOLDER = 'gold/_published/'
const entryPath = (version: number) => `${FOLDER}${String(version).padStart(20, '0')}.json`

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

/** Adds the next entry. Rejects with `lake-conflict` where somebody else published in the meantime. */
export const publish = async (store: ObjectStore, entry: Omit<Published, 'version'>): Promise<Published> => {
  const published = { version: ((await latestVersion(store)) ?? -1) + 1, ...entry }
  if ((await store.putIfAbsent(entryPath(published.version), encode(published))) === 'exists')
    throw new ReadflowError('lake-conflict', `somebody else published Gold version ${published.version}`)
  return published
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

/** The newest version that was seen of each lake: the list grows by one a build, and only its end is of interest. */
const seen = new WeakMap<ObjectStore, number>()

const latestVersion = async (store: ObjectStore): Promise<number | null> => {
  const known = seen.get(store)
  const latest = (await lastListed(store, known === undefined ? '' : entryPath(known - 1))) ?? (await lastListed(store, ''))
  if (latest !== null) seen.set(store, latest)
  return latest
}

const lastListed = async (store: ObjectStore, startAfter: string): Promise<number | null> => {
  let latest: number | null = null
  for await (const { path } of store.list(FOLDER, { startAfter })) {
    latest = versionOf(path) ?? latest
  }
  return latest
}

const versionOf = (path: string): number | null => {
  const version = /\/(\d{20})\.json$/.exec(path)?.[1]
  return version === undefined ? null : Number(version)
}

// The file is a public interface, in the case that SQL and JSON tools around it use.
const encode = ({ version, publishId, publishedAt, tables, inputs, completeThrough }: Published): Uint8Array =>
  new TextEncoder().encode(
    `${JSON.stringify({ version, publish_id: publishId, published_at: publishedAt, tables, inputs, complete_through: completeThrough })}\n`,
  )

const decode = (version: number, bytes: Uint8Array): Published => {
  try {
    const { publish_id, published_at, tables, inputs, complete_through } = JSON.parse(new TextDecoder().decode(bytes))
    return { version, publishId: publish_id, publishedAt: published_at, tables, inputs, completeThrough: complete_through ?? null }
  } catch (cause) {
    throw new ReadflowError('lake-invalid', `${entryPath(version)} is not valid JSON`, { cause })
  }
}
