import { before, describe } from 'node:test'
import { minioSkip, startTestMinio, type TestMinio } from '../helpers/minio.ts'
import { type Reader, type ReaderName, readerNames, readerSkip, startReader } from './readers.ts'

let minio: Promise<TestMinio> | null = null
const readers = new Map<ReaderName, Promise<Reader>>()

/** The MinIO of all tests of this process, each with a lake of its own; null where none can run here. */
export const sharedMinio = async (): Promise<TestMinio | null> => {
  if (minioSkip()) return null
  minio ??= startTestMinio()
  return minio
}

/** A reader for all tests of this process, as Spark takes ten seconds to start: of files, and of the MinIO where there is one. */
export const sharedReader = (name: ReaderName): Promise<Reader> => {
  const start = async () => {
    const server = await sharedMinio()
    return startReader(name, server ? { ...server.env, AWS_ENDPOINT_URL: server.endpoint } : {})
  }
  const reader = readers.get(name) ?? start()
  readers.set(name, reader)
  return reader
}

/** Checks by each reader that is here, one after the other. */
export const describeReaders = (checks: (name: ReaderName, readerOf: () => Reader) => void): void => {
  for (const name of readerNames)
    describe(name, { skip: readerSkip(name) }, () => {
      let reader: Reader
      before(async () => {
        reader = await sharedReader(name)
      })
      checks(name, () => reader)
    })
}

/** Ends them all, after the last test. */
export const closeShared = async (): Promise<void> => {
  for (const reader of readers.values()) await (await reader).close()
  await (await minio)?.stop()
}
