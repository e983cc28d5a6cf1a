import { randomUUID } from 'node:crypto'
import { type Dirent, readdirSync } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import {
  checkedPath,
  checkedPrefix,
  comparePaths,
  notFound,
  type ObjectInfo,
  type ObjectStore,
  replaced,
  TEMPORARY_FOLDER,
} from './store.ts'

/**
 * A lake in a local folder, which is created by the first write. Files are made under a temporary name, synced, and
 * then renamed or linked into place, and the folder is synced: a crash leaves the old object, the new one, or none. A lake that
 * had something and has nothing any more, as one whose disk is not mounted, is away: it is no empty lake, and none is made in its place.
 */
export const openFolderStore = (folder: string, url = `file:${folder}`): ObjectStore => {
  const root = resolve(folder)
  const temporary = join(root, TEMPORARY_FOLDER)
  const full = (path: string) => join(root, checkedPath(path))
  const hasSomething = (names: readonly string[]) => names.some((name) => name !== TEMPORARY_FOLDER)
  let hasHadSomething = hasSomething(namesIn(root))

  const requireLake = async (): Promise<void> => {
    const names = await readdir(root).catch((error: unknown) => (errnoOf(error) === 'ENOENT' ? [] : ['?']))
    if (hasSomething(names)) hasHadSomething = true
    else if (hasHadSomething)
      throw new ReadflowError('lake-unavailable', `the folder of the lake ${url} is gone, or empty.`, {
        hint: 'Is its disk mounted? It goes on once the folder is back.',
      })
  }

  const attempt = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      const code = errnoOf(error)
      if (code === undefined) throw error
      const hint = hints[code]
      throw new ReadflowError('lake-unavailable', `cannot use ${path} in the lake ${url}: ${code}.`, { cause: error, hint })
    }
  }

  /** The lake's own folder is made for a first write only: one that goes away in the middle of a write is not made anew. */
  const makeFolder = async (folder: string): Promise<void> => {
    await requireLake()
    return hasHadSomething ? createFolderBelow(root, folder) : createFolder(folder)
  }

  const reading = <T>(path: string, work: () => Promise<T>): Promise<T> =>
    attempt(path, async () => {
      try {
        return await work()
      } catch (error) {
        if (!absent.has(errnoOf(error) ?? '')) throw error
        await requireLake()
        throw notFound(url, path, error)
      }
    })

  let sweeping: Promise<void> | undefined

  /** Writes a synced temporary file and hands it to `place`; the temporary name is gone afterwards. */
  const withTemporary = async <T>(bytes: Uint8Array, place: (file: string) => Promise<T>): Promise<T> => {
    await requireLake()
    sweeping ??= removeLeftovers(temporary)
    const file = join(temporary, randomUUID())
    try {
      const handle = await inFolderOf(file, makeFolder, () => open(file, 'wx'))
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
      const placed = await place(file)
      hasHadSomething = true
      return placed
    } finally {
      await rm(file, { force: true })
    }
  }

  const moveIn = async (file: string, target: string) => {
    try {
      await inFolderOf(target, makeFolder, () => rename(file, target))
    } catch (error) {
      if (errnoOf(error) !== 'EXDEV') throw error
      await copyIn(file, target)
    }
    await syncFolder(dirname(target))
  }

  const getRange: ObjectStore['getRange'] = (path, start, end) =>
    reading(path, async () => {
      const handle = await open(full(path), 'r')
      try {
        const bytes = new Uint8Array(Math.max(0, Math.min(end, (await handle.stat()).size) - start))
        return bytes.subarray(0, await readFully(handle, bytes, start))
      } finally {
        await handle.close()
      }
    })

  return {
    url,
    get: (path) => reading(path, () => readFile(full(path))),
    getRange,
    pieces: async (path) => {
      const identity = async () => {
        const { size, ino, mtimeMs, isFile } = await reading(path, async () => {
          const found = await stat(full(path))
          return { size: found.size, ino: found.ino, mtimeMs: found.mtimeMs, isFile: found.isFile() }
        })
        if (!isFile) throw notFound(url, path)
        return { sizeBytes: size, of: `${ino} ${mtimeMs} ${size}` }
      }
      const first = await identity()
      const read = async (start: number, end: number) => {
        const bytes = await getRange(path, start, end)
        if ((await identity()).of !== first.of) throw replaced(url, path)
        return bytes
      }
      return { sizeBytes: first.sizeBytes, read }
    },
    put: (path, bytes) => attempt(path, () => withTemporary(bytes, (file) => moveIn(file, full(path)))),
    putFile: (path, localFilePath) =>
      attempt(path, async () => {
        await requireLake()
        await syncFile(localFilePath)
        await moveIn(localFilePath, full(path))
      }),
    putIfAbsent: (path, bytes) =>
      attempt(path, () =>
        withTemporary(bytes, async (file) => {
          const target = full(path)
          try {
            // Not O_EXCL on the target itself: a kill in the middle of the write would leave a torn entry under its name.
            await inFolderOf(target, makeFolder, () => link(file, target))
          } catch (error) {
            if (errnoOf(error) === 'EEXIST') return 'exists'
            throw error
          }
          await syncFolder(dirname(target))
          return 'created'
        }),
      ),
    list: (prefix, options = {}) => listFolder({ root, requireLake, prefix: checkedPrefix(prefix), startAfter: options.startAfter ?? '' }),
    delete: (path) =>
      attempt(path, async () => {
        await rm(full(path), { force: true })
      }),
    localPath: full,
    close: async () => sweeping,
  }
}

/** Names in a folder; none where it can't be read. */
const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder)
  } catch {
    return [] // It is not there yet, or is not for us: what is done with it will tell.
  }
}

/** No write takes as long: a temporary file of that age is of a process that was killed. */
const LEFTOVER_AGE_MS = 24 * 3_600_000

/** Removes temporary files that killed processes left. What can not be removed stays for the next time. */
const removeLeftovers = async (temporary: string): Promise<void> => {
  const names = await readdir(temporary).catch(() => [])
  for (const name of names) {
    const file = join(temporary, name)
    const info = await stat(file).catch(() => null)
    if (info && Date.now() - info.mtimeMs > LEFTOVER_AGE_MS) await rm(file, { force: true }).catch(() => undefined)
  }
}

/** What a read meets where there is no such object: nothing, a folder, or a file in a folder's place. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'EISDIR', 'ENOTDIR'])

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free some space, then it goes on.',
  EACCES: 'Give this user the right to write there.',
  EPERM: 'The file system must allow hard links and writes by this user.',
  ENOTDIR: 'A part of the path is a file, not a folder.',
  EEXIST: 'A part of the path is a file, not a folder.',
  EROFS: 'The file system is read-only.',
}

const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : undefined

/** Runs `place`, creating the target's folder first where it is missing. */
const inFolderOf = async <T>(target: string, make: (folder: string) => Promise<void>, place: () => Promise<T>): Promise<T> => {
  try {
    return await place()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    await make(dirname(target))
    return place()
  }
}

/** Onto another file system, such as the disk of a cold folder: only a copy beside the target can be put in place in one step. */
const copyIn = async (file: string, target: string) => {
  const beside = join(dirname(target), `.${randomUUID()}`)
  try {
    await copyFile(file, beside)
    await syncFile(beside)
    await rename(beside, target)
    await rm(file, { force: true })
  } finally {
    await rm(beside, { force: true })
  }
}

const createFolder = async (folder: string) => {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  // A new folder lives in its parent's entries: each of them has to reach the disk too.
  for (let created = folder; created.length >= first.length; created = dirname(created)) await syncFolder(dirname(created))
}

/** The same below a folder that is there; it never makes that one. */
const createFolderBelow = async (root: string, folder: string): Promise<void> => {
  if (folder === root) return
  try {
    await mkdir(folder)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return
    if (errnoOf(error) !== 'ENOENT' || dirname(folder) === root) throw error
    await createFolderBelow(root, dirname(folder))
    return createFolderBelow(root, folder)
  }
  await syncFolder(dirname(folder))
}

const syncFile = async (file: string) => {
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// Windows has no way to sync a folder, and needs none.
const syncFolder = async (folder: string) => (process.platform === 'win32' ? undefined : syncFile(folder))

const readFully = async (handle: FileHandle, bytes: Uint8Array, start: number): Promise<number> => {
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

interface Listing {
  root: string
  /** Rejects where the lake itself is away. */
  requireLake: () => Promise<void>
  prefix: string
  startAfter: string
  folder?: string
}

async function* listFolder(options: Listing): AsyncGenerator<ObjectInfo> {
  const { root, prefix, startAfter } = options
  const folder = options.folder ?? prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(async (error) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') {
      if (
        await stat(root).then(
          (found) => !found.isDirectory(),
          () => false,
        )
      )
        throw new ReadflowError('lake-unavailable', `the lake ${root} is a file, not a folder`, {
          hint: 'Put the folder back, or name another with --lake.',
        })
      await options.requireLake()
      return []
    }
    throw new ReadflowError('lake-unavailable', `cannot list ${join(root, folder)}: ${errnoOf(error)}`, { cause: error })
  })
  if (entries.length === 0 && folder === '') await options.requireLake()
  const kinds = await Promise.all(entries.map((entry) => kindOf(join(root, folder), entry)))
  const paths = entries
    .map((entry, index) => ({ name: entry.name, kind: kinds[index] }))
    .filter(({ name, kind }) => kind === 'file' || (kind === 'folder' && !(folder === '' && name === TEMPORARY_FOLDER)))
    // The '/' belongs to the order: 'a.b' comes before what is in the folder 'a'.
    .map(({ name, kind }) => `${folder}${name}${kind === 'folder' ? '/' : ''}`)
    .filter((path) => path.startsWith(prefix) || (path.endsWith('/') && prefix.startsWith(path)))
    .filter((path) => comparePaths(path, startAfter) > 0 || startAfter.startsWith(path))
    .sort(comparePaths)
  for (const path of paths) {
    if (path.endsWith('/')) {
      yield* listFolder({ ...options, folder: path })
    } else if (path !== startAfter) {
      const info = await stat(join(root, path)).catch(() => null)
      // Deleted since the folder was read: as if it had been deleted just before.
      if (info) yield { path, sizeBytes: info.size, modifiedMs: info.mtimeMs }
    }
  }
}

/** A link counts as what it leads to, as a folder on another disk does; one that leads back above itself as nothing. */
const kindOf = async (folder: string, entry: Dirent): Promise<'file' | 'folder' | null> => {
  if (!entry.isSymbolicLink()) return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : null
  try {
    const target = await realpath(join(folder, entry.name))
    const info = await stat(target)
    if (info.isFile()) return 'file'
    const isAbove = `${await realpath(folder)}/`.startsWith(`${target}/`)
    return info.isDirectory() && !isAbove ? 'folder' : null
  } catch {
    return null // It leads nowhere, or somewhere that is not ours to read.
  }
}
