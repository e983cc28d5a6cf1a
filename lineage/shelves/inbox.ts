import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { readJson, writeWhole } from '../whole-file.ts'
import type { ShelfAddress } from './address.ts'

/*
 * The inbox of a data folder: what people add while the pipeline runs, each a folder `<data>/inbox/<id>/`.
 *   request.json        what was added; written by `serve` alone
 *   <revision>.csv      an export, whole; or
 *   <revision>.feed     the address of a feed, with its key; readable by this user alone
 *   status.json         what became of it; written by the poller alone
 * Every file appears whole or not at all. A new revision replaces the one before it.
 */

export interface ShelfRequest {
  id: string
  kind: 'export' | 'feed'
  /** As the person called it. */
  name: string
  /** The user id of its records. */
  userId: string
  /** A feed without its key; null for an export. */
  feed: string | null
  sizeBytes: number | null
  revision: string
  /** ISO 8601. */
  addedAt: string
}

export const shelfStates = ['waiting', 'reading', 'read', 'failed'] as const

export interface ShelfStatus {
  /** What it is of: another revision has not been looked at yet. */
  revision: string
  state: (typeof shelfStates)[number]
  /** Why it failed or waits, in one line. */
  detail: string | null
  /** Records of the last read that had any, by entity. */
  counts: Readonly<Record<string, number>> | null
  /** Lines of an export that are no rows. */
  unreadLines: number
  /** When the last whole read ended, ISO 8601: its records are with Kafka by then. */
  readAt: string | null
  /** Where the topics ended then: next offset by `entity/topic id/partition`. What Silver has beyond has all of it. */
  ends: Readonly<Record<string, number>>
  /** When it is read again, epoch ms; null where it is not. */
  nextMs: number | null
}

export interface Shelf {
  request: ShelfRequest
  /** Of this very revision. */
  status: ShelfStatus | null
}

const MAX_NAME_CHARS = 40
const UPLOAD_MS = 3_600_000
const idForm = /^(?:export|feed)-[\p{L}\p{M}\p{N}-]{1,80}$/u

/** A name as it stands in ids: lower case, letters and digits of any script, `-` between; null where nothing is left. */
export const plainName = (name: string): string | null =>
  Array.from(
    name
      .normalize('NFC')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '-'),
  )
    .slice(0, MAX_NAME_CHARS)
    .join('')
    .replaceAll(/^-+|-+$/g, '') || null

/** Of an export: its user id, which is nobody's at GoodReads, and its shelf's id. */
export const exportId = (name: string): string | null => {
  const plain = plainName(name)
  return plain === null ? null : `export-${plain}`
}

/** The id of a feed's shelf. */
export const feedId = ({ userId, shelf }: Pick<ShelfAddress, 'userId' | 'shelf'>): string => {
  const plain = shelf === null ? null : plainName(shelf)
  return plain === null ? `feed-${userId}` : `feed-${userId}-${plain}`
}

/** The user id of a shelf's records, by its id; null for what is no id. */
export const userOfShelf = (id: string): string | null => {
  if (!idForm.test(id)) return null
  return id.startsWith('export-') ? id : (/^feed-(\d{1,18})(?:-|$)/.exec(id)?.[1] ?? null)
}

export type NewShelf = Pick<ShelfRequest, 'id' | 'kind' | 'name' | 'userId' | 'feed'>

/** The inbox of a data folder. It is made when something is first put into it. */
export const openInbox = (dataDir: string) => {
  const root = path.join(dataDir, 'inbox')
  const dirOf = (id: string) => {
    if (!idForm.test(id)) throw new Error(`'${id}' is no id of a shelf`)
    return path.join(root, id)
  }

  const get = async (id: string): Promise<Shelf | null> => {
    if (!idForm.test(id)) return null
    const request = await readJson<ShelfRequest>(path.join(dirOf(id), 'request.json'))
    if (request === null) return null
    const status = await readJson<ShelfStatus>(path.join(dirOf(id), 'status.json'))
    return { request, status: status?.revision === request.revision ? status : null }
  }

  const publish = async (shelf: NewShelf, revision: string, sizeBytes: number | null): Promise<ShelfRequest> => {
    const dir = dirOf(shelf.id)
    const request = { ...shelf, sizeBytes, revision, addedAt: new Date().toISOString() }
    await writeWhole(path.join(dir, 'request.json'), JSON.stringify(request))
    for (const name of await readdir(dir)) {
      if (/\.(?:csv|feed|part)$/.test(name) && !name.startsWith(revision)) await rm(path.join(dir, name), { force: true })
    }
    return request
  }

  return {
    get,
    /** All of them, the newest first. */
    list: async (): Promise<Shelf[]> => {
      const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
      const shelves = await Promise.all(names.map(get))
      return shelves.filter((shelf) => shelf !== null).sort((a, b) => (a.request.addedAt < b.request.addedAt ? 1 : -1))
    },
    /** A place for an upload that is on its way; `putExport` takes it from there. */
    uploadPath: async (): Promise<string> => {
      await mkdir(root, { recursive: true })
      return path.join(root, `.upload-${randomUUID()}`)
    },
    /** Removes what uploads that were broken off left behind: no upload takes an hour. */
    removeUploads: async (): Promise<void> => {
      for (const name of await readdir(root).catch(() => [])) {
        const file = path.join(root, name)
        const found = name.startsWith('.upload-') ? await stat(file).catch(() => null) : null
        if (found && Date.now() - found.mtimeMs > UPLOAD_MS) await rm(file, { force: true })
      }
    },
    /** Adds an export that lies at an upload path, or replaces the one of its id. */
    putExport: async (shelf: NewShelf, uploaded: string, sizeBytes: number): Promise<ShelfRequest> => {
      const revision = randomUUID()
      await mkdir(dirOf(shelf.id), { recursive: true })
      await rename(uploaded, path.join(dirOf(shelf.id), `${revision}.csv`))
      return publish(shelf, revision, sizeBytes)
    },
    putFeed: async (shelf: NewShelf, address: ShelfAddress): Promise<ShelfRequest> => {
      const revision = randomUUID()
      await mkdir(dirOf(shelf.id), { recursive: true })
      await writeWhole(path.join(dirOf(shelf.id), `${revision}.feed`), JSON.stringify(address), 0o600)
      return publish(shelf, revision, null)
    },
    exportFile: ({ id, revision }: ShelfRequest): string => path.join(dirOf(id), `${revision}.csv`),
    /** The address of a feed with its key; null where it was replaced or removed meanwhile. */
    feedAddress: ({ id, revision }: ShelfRequest): Promise<ShelfAddress | null> =>
      readJson<ShelfAddress>(path.join(dirOf(id), `${revision}.feed`)),
    /** Tells what became of it. Of one that was removed meanwhile nothing is written. */
    writeStatus: async (id: string, status: ShelfStatus): Promise<void> => {
      await writeWhole(path.join(dirOf(id), 'status.json'), JSON.stringify(status)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    },
    /** Forgets it, with its file; its rows stay. Gives whether it was there. */
    remove: async (id: string): Promise<boolean> => {
      if ((await get(id)) === null) return false
      // First, so that the poller lets go of it.
      await rm(path.join(dirOf(id), 'request.json'), { force: true })
      await rm(dirOf(id), { recursive: true, force: true })
      return true
    },
  }
}

export type Inbox = ReturnType<typeof openInbox>
