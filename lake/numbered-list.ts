import type { ObjectStore } from './store/store.ts'

/** A folder of entries that are numbered from 0 on and created by put-if-absent: `<folder>/%020d.json`. */
export interface NumberedList {
  path: (number: number) => string
  /** The number of an entry's path; null for a path that is none. */
  numberOf: (path: string) => number | null
  /** The newest entry's number; null where there is none. */
  latest: (store: ObjectStore) => Promise<number | null>
}

/** `folder` ends with a slash. */
export const numberedList = (folder: string): NumberedList => {
  /** The newest number that was seen of each lake: the list grows slowly, and only its end is of interest. */
  const seen = new WeakMap<ObjectStore, number>()
  const path = (number: number) => `${folder}${String(number).padStart(20, '0')}.json`
  const numberOf = (text: string): number | null => {
    const number = /\/(\d{20})\.json$/.exec(text)?.[1]
    return number === undefined ? null : Number(number)
  }
  const lastListed = async (store: ObjectStore, startAfter: string): Promise<number | null> => {
    let latest: number | null = null
    for await (const entry of store.list(folder, { startAfter })) latest = numberOf(entry.path) ?? latest
    return latest
  }
  return {
    path,
    numberOf,
    latest: async (store) => {
      const known = seen.get(store)
      const latest = (await lastListed(store, known === undefined ? '' : path(known - 1))) ?? (await lastListed(store, ''))
      if (latest !== null) seen.set(store, latest)
      return latest
    },
  }
}
