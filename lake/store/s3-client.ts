import { createReadStream } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  type StorageClass,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { S3Fault } from './s3-fault.ts'
import type { S3Location } from './s3-url.ts'

const CONNECT_TIMEOUT_MS = 5000
const MAX_SOCKETS = 32
/** Objects of more bytes than this are sent in parts of so many: the bound of what an upload from a file holds, twice. */
export const PART_BYTES = 8 * 1024 ** 2
const PARTS_AT_ONCE = 2
const PART_ATTEMPTS = 5

export interface S3Page {
  objects: { key: string; sizeBytes: number; modifiedMs: number }[]
  /** Where the next page begins; null after the last. */
  next: string | null
}

/** One attempt of each request, on one bucket; rejects with what the SDK or the connection say, or S3Fault. */
export interface S3Requests {
  /** `range` is in bytes, its end exclusive. With `ifMatch` another object than that of the ETag is a fault `exists`. */
  get: (key: string, range?: { start: number; end: number }, ifMatch?: string) => Promise<Uint8Array>
  /** How large an object is, its ETag, and at most so many of its first bytes. One without bytes is a fault `no-range`. */
  look: (key: string, firstBytes: number) => Promise<{ sizeBytes: number; etag: string | undefined; first: Uint8Array }>
  put: (key: string, bytes: Uint8Array, options: { isIfAbsent?: boolean; storageClass?: string | undefined }) => Promise<void>
  /** In parts, each tried again by itself; what a failed one had sent is removed. */
  upload: (
    key: string,
    body: Uint8Array | { file: string; sizeBytes: number },
    options: { storageClass?: string | undefined },
  ) => Promise<void>
  list: (prefix: string, from: { startAfter?: string | undefined; token?: string | undefined }) => Promise<S3Page>
  delete: (key: string) => Promise<void>
  /** Closes the connections that are not in use: where one is dead, others are, and each would take a time limit to find out. */
  dropIdle: () => void
  close: () => void
}

/** Credentials come from the SDK's default chain. A request without an answer, or a body that stands still, ends in time. */
export const openS3Client = ({
  location: { bucket, endpoint, region },
  requestTimeoutMs,
}: {
  location: S3Location
  requestTimeoutMs: number
}): S3Requests => {
  const pooled = { keepAlive: true, maxSockets: MAX_SOCKETS }
  const [httpAgent, httpsAgent] = [new http.Agent(pooled), new https.Agent(pooled)]
  const config: S3ClientConfig = {
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true, region: 'us-east-1' }),
    ...(region === null ? {} : { region }),
    requestHandler: {
      connectionTimeout: Math.min(CONNECT_TIMEOUT_MS, requestTimeoutMs),
      // Until the answer begins; its body may take longer, but must not stand still for as long.
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: requestTimeoutMs,
      httpAgent,
      httpsAgent,
    },
    // The store tries again itself: it must see each answer.
    maxAttempts: 1,
  }
  const client = new S3Client(config)
  const uploads = new S3Client({ ...config, requestHandler: client.config.requestHandler, maxAttempts: PART_ATTEMPTS })
  const storage = (storageClass: string | undefined) => (storageClass === undefined ? {} : { StorageClass: storageClass as StorageClass })

  return {
    look: async (key, firstBytes) => {
      // A byte at least, as an answer to HEAD has no body that tells an object that is not there from a wrong endpoint.
      const { Body, ContentRange, ContentLength, ETag } = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=0-${Math.max(1, firstBytes) - 1}` }),
      )
      const first = await readBody(Body as AsyncIterable<Uint8Array> | undefined, ContentLength)
      const sizeBytes = Number(/\/(\d+)$/.exec(ContentRange ?? '')?.[1] ?? Number.NaN)
      if (Number.isNaN(sizeBytes)) throw new S3Fault('transient', 'an answer without a length')
      return { sizeBytes, etag: ETag, first }
    },
    get: async (key, range, ifMatch) => {
      const limits = {
        ...(range ? { Range: `bytes=${range.start}-${range.end - 1}` } : {}),
        ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
      }
      const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...limits }))
      return readBody(Body as AsyncIterable<Uint8Array> | undefined, ContentLength)
    },
    put: async (key, bytes, { isIfAbsent = false, storageClass }) => {
      const condition = isIfAbsent ? { IfNoneMatch: '*' } : {}
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ...condition, ...storage(storageClass) }))
    },
    upload: async (key, body, { storageClass }) => {
      const isFile = 'file' in body
      const stream = isFile ? createReadStream(body.file, { highWaterMark: 256 * 1024 }) : null
      try {
        const upload = new Upload({
          client: uploads,
          params: {
            Bucket: bucket,
            Key: key,
            Body: stream ?? (body as Uint8Array),
            ...storage(storageClass),
          },
          partSize: partBytes(isFile ? body.sizeBytes : body.length),
          queueSize: PARTS_AT_ONCE,
        })
        await upload.done()
      } finally {
        stream?.destroy()
      }
    },
    list: async (prefix, { startAfter, token }) => {
      const page = await client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          // XML has no way to say some of the characters that a key may have.
          EncodingType: 'url',
          ...(token === undefined ? {} : { ContinuationToken: token }),
          ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
        }),
      )
      const objects = (page.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
        key: decodeURIComponent(Key.replaceAll('+', ' ')),
        sizeBytes: Size,
        modifiedMs: LastModified?.getTime() ?? 0,
      }))
      return { objects, next: page.IsTruncated ? (page.NextContinuationToken ?? null) : null }
    },
    delete: async (key) => void (await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
    dropIdle: () => {
      for (const agent of [httpAgent, httpsAgent])
        for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    },
    close: () => {
      client.destroy()
      uploads.destroy()
    },
  }
}

/** S3 takes at most 10,000 parts. */
const partBytes = (sizeBytes: number): number => Math.max(PART_BYTES, Math.ceil(sizeBytes / 10_000))

const readBody = async (body: AsyncIterable<Uint8Array> | undefined, length: number | undefined): Promise<Uint8Array> => {
  if (!body || length === undefined) throw new S3Fault('transient', 'an answer without a body')
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const chunk of body) {
    if (filled + chunk.length > length) break
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  if (filled !== length) throw new S3Fault('transient', `${filled} of ${length} bytes came`)
  return bytes
}
