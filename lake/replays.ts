import { ReadflowError } from '../runtime/errors.ts'
import type { AddFile } from './delta/actions.ts'
import type { ObjectStore } from './store/store.ts'

/*
 * Replays under way, and what became of them: `_readflow/replays/<id>.json`. An entry is its replay's own until it is over;
 * what it has staged for a table is named in it, so that another process can go on, and vacuum leaves it alone.
 */

/** `open`: under way, or left by a process that is gone. The others are over. */
export type ReplayState = 'open' | 'swapped' | 'unchanged' | 'aborted'

export interface ReplayEntry<W = unknown> {
  id: string
  /** Such as `silver.books`. */
  table: string
  state: ReplayState
  /** What was asked for, as text: the same request again goes on with the same replay. */
  request: string
  /** ISO 8601, UTC. */
  startedAt: string
  updatedAt: string
  host: string
  pid: number
  /** Tells that process from a later one of the same id; null where the machine has no such mark, absent in entries of before. */
  mark?: string | null
  /** Data files of the table that are nobody's until the swap. */
  staged: readonly AddFile[]
  /** The table's version that the swap made. */
  version: number | null
  /** What the program needs to go on. */
  work: W | null
}

const FOLDER = '_readflow/replays/'
const pathOf = (id: string) => `${FOLDER}${id}.json`
/** So many that are over are kept. */
const KEPT = 50

/** Null where there is no such replay. Throws `lake-invalid` for an entry that can not be read. */
export const readReplay = async <W>(store: ObjectStore, id: string): Promise<ReplayEntry<W> | null> => {
  if (!/^[0-9a-f]{8}$/.test(id)) return null
  try {
    return JSON.parse(new TextDecoder().decode(await store.get(pathOf(id)))) as ReplayEntry<W>
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
    if (error instanceof SyntaxError) throw new ReadflowError('lake-invalid', `${pathOf(id)} is not valid JSON`, { cause: error })
    throw error
  }
}

export const writeReplay = (store: ObjectStore, entry: ReplayEntry): Promise<void> =>
  store.put(pathOf(entry.id), new TextEncoder().encode(`${JSON.stringify(entry)}\n`))

/** All replays, newest first. */
export const listReplays = async <W>(store: ObjectStore): Promise<ReplayEntry<W>[]> => {
  const ids: string[] = []
  for await (const { path } of store.list(FOLDER)) {
    const id = /([0-9a-f]{8})\.json$/.exec(path)?.[1]
    if (id !== undefined) ids.push(id)
  }
  const entries = await Promise.all(ids.map((id) => readReplay<W>(store, id)))
  return entries.filter((entry) => entry !== null).sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
}

/** Removes the oldest entries of replays that are over. */
export const pruneReplays = async (store: ObjectStore): Promise<void> => {
  const over = (await listReplays(store)).filter(({ state }) => state !== 'open')
  for (const { id } of over.slice(KEPT)) await store.delete(pathOf(id))
}

/** Paths, as in their actions, of what replays that are not over have staged, by the table's name. */
export const stagedByReplays = async (store: ObjectStore): Promise<ReadonlyMap<string, readonly string[]>> => {
  const staged = new Map<string, string[]>()
  for (const entry of await listReplays(store))
    if (entry.state === 'open') staged.set(entry.table, [...(staged.get(entry.table) ?? []), ...entry.staged.map(({ path }) => path)])
  return staged
}

/** Where a replay keeps further files of its own, such as dead letters that are not sent yet. */
export const replayFile = (id: string, name: string): string => `${FOLDER}${id}/${name}`
