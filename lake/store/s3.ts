import { rm, stat } from 'node:fs/promises'
import { ReadflowError } from '../../runtime/errors.ts'
import { withDeadline, withRetries } from './retry.ts'
import type { S3Requests } from './s3-client.ts'
import { faultOf, S3Fault, type S3FaultKind } from './s3-fault.ts'
import { parseS3Url } from './s3-url.ts'
import {
  checkedPath,
  checkedPrefix,
  comparePaths,
  notFound,
  type ObjectInfo,
  type ObjectStore,
  replaced,
  type StoreOptions,
} from './store.ts'

const PATIENCE_MS = 30_000
const REQUEST_TIMEOUT_MS = 30_000
/** A program that is told to stop has 30 s in all. */
const GRACE_MS = 5000
/** Larger objects are sent in parts. */
const MULTIPART_FROM_BYTES = 16 * 1024 ** 2

/**
 * A lake in an S3 bucket: AWS, MinIO or another that has conditional writes. Nothing is asked of the store before the
 * first call. Faults that may pass are tried again for `patienceMs`, then `lake-unavailable`; a bucket that is not there or
 * refuses is `config`, for a person to put right. Throws ReadflowError `config` for a wrong URL.
 */
export const openS3Store = (lakeUrl: string, options: StoreOptions = {}): ObjectStore => {
  const location = parseS3Url(lakeUrl)
  const { patienceMs = PATIENCE_MS, requestTimeoutMs = REQUEST_TIMEOUT_MS, signal } = options
  const keyOf = (path: string) => `${location.prefix}${checkedPath(path)}`

  const late = () => new S3Fault('transient', `no answer within ${GRACE_MS / 1000} s of the stop`)
  const inTime = signal ? withDeadline({ signal, graceMs: GRACE_MS, late }) : <T>(work: () => Promise<T>) => work()

  let opening: Promise<S3Requests> | undefined
  // The SDK takes most of a second to load: a lake in a folder need not wait for it.
  const requests = () => (opening ??= import('./s3-client.ts').then(({ openS3Client }) => openS3Client({ location, requestTimeoutMs })))

  /** Tries an attempt again while it fails transiently, then says what was not possible. `what` is such as `get a/b`. */
  const attempt = async <T>(what: string, work: (s3: S3Requests) => Promise<T>): Promise<T> => {
    const s3 = await requests()
    try {
      const limits = {
        patienceMs,
        signal,
        onRetry: () => {
          s3.dropIdle()
          options.metrics?.retried()
        },
        isTransient: (error: unknown) => kindOf(error) === 'transient',
      }
      return await inTime(() => withRetries(() => work(s3), limits))
    } catch (error) {
      throw failure(error, what)
    }
  }

  const failure = (error: unknown, what: string): unknown => {
    const fault = faultOf(error)
    if (!fault) return error
    if (fault.kind === 'no-bucket')
      return new ReadflowError('config', `there is no bucket ${location.bucket} at ${location.endpoint ?? 'AWS'}.`, { hint: fault.hint })
    const code = fault.kind === 'refused' ? 'config' : 'lake-unavailable'
    return new ReadflowError(code, `cannot ${what} in the lake ${lakeUrl}: ${fault.message}.`, { hint: fault.hint, cause: fault })
  }

  const reading = async <T>(path: string, work: (s3: S3Requests, key: string) => Promise<T>): Promise<T> => {
    const key = keyOf(path)
    const absent = () => {
      throw notFound(lakeUrl, path)
    }
    return attempt(`get ${path}`, (s3) => work(s3, key).catch(instead('absent', absent)))
  }

  async function* list(prefix: string, startAfter: string): AsyncGenerator<ObjectInfo> {
    const full = `${location.prefix}${prefix}`
    let token: string | undefined
    do {
      const from = token === undefined && startAfter !== '' ? { startAfter: `${location.prefix}${startAfter}` } : { token }
      const { objects, next } = await attempt(`list ${prefix}`, (s3) => s3.list(full, from))
      for (const { key, sizeBytes, modifiedMs } of objects) {
        const path = key.slice(location.prefix.length)
        // Consoles make empty objects that stand for folders.
        if (!path.endsWith('/') && path !== '' && comparePaths(path, startAfter) > 0) yield { path, sizeBytes, modifiedMs }
      }
      token = next ?? undefined
    } while (token !== undefined)
  }

  return {
    url: lakeUrl,
    get: (path) => reading(path, (s3, key) => s3.get(key)),
    getRange: async (path, start, end) => {
      // An empty range can not be asked for, but whether the object is there can.
      const range = end > start ? { start, end } : { start: 0, end: 1 }
      const found = await reading(path, (s3, key) => s3.get(key, range).catch(instead('no-range', () => null)))
      return found && end > start ? found : new Uint8Array()
    },
    pieces: async (path, firstBytes = 0) => {
      const { sizeBytes, etag, first } = await reading(path, (s3, key) =>
        s3.look(key, firstBytes).catch(instead('no-range', () => ({ sizeBytes: 0, etag: undefined, first: new Uint8Array() }))),
      )
      const other = () => {
        throw replaced(lakeUrl, path)
      }
      const read = async (start: number, end: number) => {
        const last = Math.min(end, sizeBytes)
        if (last <= start) return new Uint8Array()
        if (last <= Math.min(first.length, firstBytes)) return first.subarray(start, last)
        return reading(path, (s3, key) => s3.get(key, { start, end: last }, etag).catch(instead('exists', other)))
      }
      return { sizeBytes, read }
    },
    put: async (path, bytes, { storageClass } = {}) => {
      const key = keyOf(path)
      const isLarge = bytes.length > MULTIPART_FROM_BYTES
      await attempt(`put ${path}`, (s3) => (isLarge ? s3.upload(key, bytes, { storageClass }) : s3.put(key, bytes, { storageClass })))
    },
    putFile: async (path, localFilePath, { storageClass } = {}) => {
      const key = keyOf(path)
      const { size } = await stat(localFilePath)
      await attempt(`put ${path}`, (s3) => s3.upload(key, { file: localFilePath, sizeBytes: size }, { storageClass }))
      await rm(localFilePath, { force: true })
    },
    putIfAbsent: async (path, bytes) => {
      const key = keyOf(path)
      return attempt(`put ${path}`, (s3) => createOnce(s3, key, bytes))
    },
    list: (prefix, { startAfter = '' } = {}) => list(checkedPrefix(prefix), startAfter),
    delete: async (path) => {
      const key = keyOf(path)
      await attempt(`delete ${path}`, (s3) => s3.delete(key).catch(instead('absent', () => undefined)))
    },
    localPath: (path) => {
      checkedPath(path)
      return null
    },
    close: async () => (await opening)?.close(),
  }
}

const kindOf = (error: unknown): S3FaultKind | undefined => faultOf(error)?.kind

/** What to do about a fault of one kind; every other goes on. */
const instead =
  <T>(kind: S3FaultKind, handle: () => T) =>
  (error: unknown): T => {
    if (kindOf(error) === kind) return handle()
    throw error
  }

/**
 * One attempt to create an object. Only 200 is an answer. A time-out may hide a success, and so may 'exists', where a
 * request reached the store twice: what stands there tells, as nobody else writes these bytes.
 */
const createOnce = async (s3: S3Requests, key: string, bytes: Uint8Array): Promise<'created' | 'exists'> => {
  try {
    await s3.put(key, bytes, { isIfAbsent: true })
    return 'created'
  } catch (error) {
    const fault = faultOf(error)
    if (fault?.kind !== 'exists' && fault?.kind !== 'conflict' && fault?.kind !== 'transient') throw error
    const again = () => {
      throw new S3Fault('transient', fault.message, fault.hint)
    }
    const found = await s3.get(key).catch(instead('absent', again))
    return Buffer.compare(found, bytes) === 0 ? 'created' : 'exists'
  }
}
