import { ReadflowError } from '../../runtime/errors.ts'
import type { Action, AddFile, CommitInfo } from './actions.ts'
import { readEntry } from './load.ts'
import type { TablePlace } from './log-files.ts'

/** The commit by which a file came into a table. */
export interface AddedBy {
  version: number
  commitInfo: CommitInfo | null
}

/** Clocks of writers differ a little. */
const CLOCKS_MS = 120_000
/** From the time that the file was written on, so many entries are looked through. */
const MAX_ENTRIES = 1024
const AT_ONCE = 16

/**
 * Which commit added a live file, at the given version or before it. A file is written shortly before its commit, so the
 * log is entered by time. Null where the log does not tell: its entry was cleaned up, or another writer's clock misleads.
 */
export const findAdd = async (place: TablePlace, file: AddFile, version: number): Promise<AddedBy | null> => {
  const first = await firstSince(place, file.modificationTime - CLOCKS_MS, version)
  for (let from = first; from <= version && from < first + MAX_ENTRIES; from += AT_ONCE) {
    const to = Math.min(version, from + AT_ONCE - 1)
    const entries = await Promise.all(Array.from({ length: to - from + 1 }, (_, index) => entryOrNull(place, from + index)))
    for (const [index, actions] of entries.entries())
      if (actions?.some((action) => 'add' in action && action.add.path === file.path))
        return { version: from + index, commitInfo: infoOf(actions) }
  }
  return null
}

/** The first version that was committed at or after a time, by the writers' clocks; one that is cleaned up counts as older. */
const firstSince = async (place: TablePlace, sinceMs: number, newest: number): Promise<number> => {
  let [low, high] = [0, newest]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const actions = await entryOrNull(place, middle)
    if (actions === null || (infoOf(actions)?.timestamp ?? 0) < sinceMs) low = middle + 1
    else high = middle
  }
  return low
}

const infoOf = (actions: readonly Action[]): CommitInfo | null => actions.find((action) => 'commitInfo' in action)?.commitInfo ?? null

const entryOrNull = async (place: TablePlace, version: number): Promise<Action[] | null> => {
  try {
    return await readEntry(place, version)
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
    throw error
  }
}
