import { ReadflowError } from '../../runtime/errors.ts'
import type { StoreMetrics } from './measured.ts'

/** One stored object, as a listing gives it. */
export interface ObjectInfo {
  path: string
  sizeBytes: number
  modifiedMs: number
}

export interface ObjectPieces {
  sizeBytes: number
  /** Bytes `start` to `end` (exclusive), fewer where the object ends before. */
  read: (start: number, end: number) => Promise<Uint8Array>
}

export interface PutOptions {
  /** S3 storage class, such as `STANDARD_IA`; stores without classes ignore it. */
  storageClass?: string | undefined
}

/** Limits of a store that is reached by a network, of which a folder has none; and who is told what it is asked. */
export interface StoreOptions {
  metrics?: StoreMetrics | undefined
  /** How long a fault that may pass is tried again before it is `lake-unavailable`; default 30,000. */
  patienceMs?: number
  /** Limit of one request until its answer begins, and of each pause in the answer; default 30,000. */
  requestTimeoutMs?: number
  /** Once it is aborted nothing is tried again, and nothing waited for longer than a few seconds more. */
  signal?: AbortSignal | undefined
}

/**
 * Where the lake's bytes are. Paths are relative to the lake's root, with '/' between their parts. An object is seen
 * whole or not at all, and what a call has put is durable when it returns. Faults of the store are ReadflowError
 * `lake-unavailable`; a path that leaves the root is `lake-invalid`.
 */
export interface ObjectStore {
  /** The URL that it was opened with, for people. */
  url: string
  /** All bytes of an object. Rejects with `lake-not-found`. */
  get: (path: string) => Promise<Uint8Array>
  /** Bytes `start` to `end` (exclusive), fewer where the object ends before. Rejects with `lake-not-found`. */
  getRange: (path: string, start: number, end: number) => Promise<Uint8Array>
  /**
   * Looks at an object that is to be read piece by piece, and is the same one throughout: a piece of one that was replaced in
   * between rejects with `lake-invalid`, one that is gone with `lake-not-found`. Who is to read the first bytes says how many: a
   * store that is asked by a network brings them along.
   */
  pieces: (path: string, firstBytes?: number) => Promise<ObjectPieces>
  /** Creates or replaces an object. */
  put: (path: string, bytes: Uint8Array, options?: PutOptions) => Promise<void>
  /** Like `put`, with the bytes of a finished local file. The file belongs to the store: it is moved or removed. */
  putFile: (path: string, localFilePath: string, options?: PutOptions) => Promise<void>
  /**
   * Creates an object unless there is one: of any number of callers at once exactly one is told 'created'. The bytes must
   * be the caller's own, such as by an id in them: a store that lost an answer knows by them whose object stands there.
   */
  putIfAbsent: (path: string, bytes: Uint8Array) => Promise<'created' | 'exists'>
  /** All objects whose path begins with `prefix` and sorts after `startAfter`, in the order of their UTF-8 bytes. */
  list: (prefix: string, options?: { startAfter?: string }) => AsyncIterable<ObjectInfo>
  /** Removes an object; one that is not there is no fault. */
  delete: (path: string) => Promise<void>
  /** Where the object lies in the local file system, whether it exists or not; null where the store has no such place. */
  localPath: (path: string) => string | null
  close: () => Promise<void>
}

/** What is said of an object that is another one than it was. */
export const replaced = (url: string, path: string) =>
  new ReadflowError('lake-invalid', `${path} in the lake ${url} was replaced while it was read`)

/** Folder inside the lake's root for files in the making. It is no part of the lake: never listed, never addressed. */
export const TEMPORARY_FOLDER = '.tmp'

/** The path itself, or `lake-invalid` where it could leave the root or mean two things. */
export const checkedPath = (path: string): string => {
  const parts = path.split('/')
  const isSafe =
    parts.every((part) => part !== '' && part !== '.' && part !== '..') && !/[\0\\]/.test(path) && parts[0] !== TEMPORARY_FOLDER
  if (!isSafe) throw new ReadflowError('lake-invalid', `${JSON.stringify(path)} is no path inside the lake`)
  return path
}

/** The prefix itself, or `lake-invalid` as for a path; it may be empty and end in the middle of a name. */
export const checkedPrefix = (prefix: string): string => {
  const folders = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folders !== '') checkedPath(folders.slice(0, -1))
  if (/[\0\\]/.test(prefix)) throw new ReadflowError('lake-invalid', `${JSON.stringify(prefix)} is no prefix inside the lake`)
  return prefix
}

const hasSurrogate = /[\ud800-\udfff]/

/** Order of a listing: by UTF-8 bytes, which differs from JavaScript's own order beyond U+FFFF only. */
export const comparePaths = (a: string, b: string): number => {
  if (hasSurrogate.test(a) || hasSurrogate.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : a > b ? 1 : 0
}

export const notFound = (url: string, path: string, cause?: unknown): ReadflowError =>
  new ReadflowError('lake-not-found', `there is no ${path} in the lake ${url}`, { cause })
