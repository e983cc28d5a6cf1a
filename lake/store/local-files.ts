import { rm } from 'node:fs/promises'
import path from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import { download } from './download.ts'
import type { ObjectStore } from './store.ts'

/** An immutable object: one path always has the same bytes. */
export interface WantedFile {
  /** Path in the lake. */
  path: string
  sizeBytes: number
}

export interface HeldFiles {
  /** Where a held file lies in the local file system. Throws for one that is not held. */
  localPath: (path: string) => string
  /** Once, when nobody reads them any more. */
  release: () => void
}

/** Data files for readers that can only read local ones. */
export interface LocalFiles {
  /**
   * Brings files here, or finds them here, and keeps them until they are released. Rejects with what the lake throws, or
   * `lake-unavailable` where this machine has no room; nothing is held then.
   */
  hold: (files: readonly WantedFile[], options?: { signal?: AbortSignal | undefined }) => Promise<HeldFiles>
  /** Bytes of copies that are kept where nobody reads them. */
  maxBytes: number
}

interface Entry {
  /** A folder of its own: a file that is fetched again is never where an older copy is being removed. */
  folder: string
  local: string
  sizeBytes: number
  holders: number
  arrived: Promise<void>
}

const DOWNLOADS_AT_ONCE = 4

/**
 * The files of a store: where they are in a local folder, else copies of them below `dir`, which is this process's own. Of
 * files that nobody holds, those used last stay, together with the held ones up to `maxBytes`; held ones always stay. The
 * folders of a path stay as they are, for readers that take partition values from them.
 */
export const openLocalFiles = ({ store, dir, maxBytes }: { store: ObjectStore; dir: string; maxBytes: number }): LocalFiles => {
  /** In the order of their last use. */
  const entries = new Map<string, Entry>()
  let totalBytes = 0
  let made = 0
  const inTurn = createTurns(DOWNLOADS_AT_ONCE)

  const remove = async (name: string, entry: Entry) => {
    if (entries.get(name) !== entry) return
    entries.delete(name)
    totalBytes -= entry.sizeBytes
    await rm(entry.folder, { recursive: true, force: true })
  }

  const makeRoom = async () => {
    const removals: Promise<void>[] = []
    for (const [name, entry] of entries) {
      if (totalBytes <= maxBytes) break
      if (entry.holders === 0) removals.push(remove(name, entry))
    }
    await Promise.all(removals)
  }

  const fetchFile = async ({ path: name, sizeBytes }: WantedFile, { folder, local }: Entry) => {
    try {
      await download(store, name, { localFilePath: local, sizeBytes })
    } catch (cause) {
      await rm(folder, { recursive: true, force: true })
      if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
      throw new ReadflowError('lake-unavailable', `there is no room in ${dir} for copies of the lake's files: ENOSPC.`, {
        cause,
        hint: 'Free some space there, then it goes on.',
      })
    }
  }

  /** Counts itself as a holder before anything else can run: what is held or on its way is never removed. */
  const take = (file: WantedFile, room: Promise<void>): Entry => {
    const known = entries.get(file.path)
    if (known) {
      entries.delete(file.path)
      entries.set(file.path, known)
      known.holders++
      return known
    }
    const folder = path.join(dir, String(made++))
    const local = path.join(folder, file.path)
    const arrived = room.then(() =>
      inTurn(() => {
        if (entry.holders === 0) throw new ReadflowError('stopped', `nobody waits for ${file.path} any more`)
        return fetchFile(file, entry)
      }),
    )
    const entry: Entry = { folder, local, sizeBytes: file.sizeBytes, holders: 1, arrived }
    entries.set(file.path, entry)
    totalBytes += file.sizeBytes
    arrived.catch(() => remove(file.path, entry)).catch(() => undefined)
    return entry
  }

  const hold: LocalFiles['hold'] = async (files, { signal } = {}) => {
    signal?.throwIfAborted()
    const held = new Map<string, string>()
    const copies: Entry[] = []
    const room = Promise.withResolvers<void>()
    for (const file of files) {
      if (held.has(file.path)) continue
      const own = store.localPath(file.path)
      const entry = own === null ? take(file, room.promise) : null
      if (entry) copies.push(entry)
      held.set(file.path, own ?? entry!.local)
    }
    const release = () => {
      for (const entry of copies.splice(0)) entry.holders--
      // What is beyond the limit goes now; a failure leaves a file for the end of the process.
      makeRoom().catch(() => undefined)
    }
    const stopped = Promise.withResolvers<never>()
    const stop = () => stopped.reject(signal?.reason)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const arrivals = Promise.all([room.promise, ...copies.map(({ arrived }) => arrived)])
      makeRoom().then(room.resolve, room.reject)
      await Promise.race([arrivals, stopped.promise])
    } catch (error) {
      release()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
    }
    const localPath = (name: string) => {
      const local = held.get(name)
      if (local === undefined) throw new Error(`${name} is not held`)
      return local
    }
    return { localPath, release }
  }

  return { hold, maxBytes }
}

/** Runs at most so many pieces of work at once, in the order in which they came. */
const createTurns = (atOnce: number) => {
  const waiting: (() => void)[] = []
  let running = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
