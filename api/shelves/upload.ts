import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Problem } from '../http/problem.ts'

/** An export of 20,000 books with long reviews has about 10 MiB. */
export const MAX_UPLOAD_BYTES = 16 * 1024 * 1024

const tooLarge = () =>
  new Problem(
    413,
    `An export may have at most ${MAX_UPLOAD_BYTES / 1024 ** 2} MiB. For a larger one start with --source goodreads-export:FILE.`,
    {
      headers: { Connection: 'close' },
    },
  )

/**
 * Streams a request's body into a file that is not there yet, and gives its size in bytes. Throws a 413 where it is larger
 * than it may be, a 400 where it is empty or breaks off; no file is left then.
 */
export const receiveUpload = async (body: Readable, declaredBytes: number | null, file: string): Promise<number> => {
  if (declaredBytes !== null && declaredBytes > MAX_UPLOAD_BYTES) throw tooLarge()
  let bytes = 0
  const limit = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length
      done(bytes > MAX_UPLOAD_BYTES ? tooLarge() : null, chunk)
    },
  })
  try {
    // The request itself stays open, so that it can still be answered.
    await pipeline(body.iterator({ destroyOnReturn: false }), limit, createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }))
    if (bytes === 0) throw new Problem(400, 'The upload is empty. Send the CSV file itself as the body of the request.')
    return bytes
  } catch (error) {
    await rm(file, { force: true })
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') throw new Problem(400, 'The upload broke off.')
    throw error
  }
}
