import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import { download } from '../store/download.ts'
import { type AddFile, filePath } from './actions.ts'
import { commit } from './commit.ts'
import { partitionFolder } from './partition.ts'
import type { Snapshot } from './snapshot.ts'
import { encodePath } from './stage.ts'
import type { Table } from './table.ts'

/** Name of the tag of a file that lies in the cold place; its value says which. Such a file is never merged again. */
export const COLD_TAG = 'readflow.cold'

export interface LifecycleOptions {
  /** Partitions are moved whose date is longer ago than this. */
  coldAfterMs: number
  /** Folder inside the table's root that the files go to; it may be another disk. */
  folder: string
  /** Storage class of the copies, on a store that has such. */
  storageClass?: string | undefined
  /** Existing folder for copies in the making. */
  tempDir: string
  nowMs?: number
  signal?: AbortSignal | undefined
}

export interface LifecycleResult {
  commits: number
  files: number
  bytes: number
  /** Groups of files given up because another writer was faster; they are for the next time. */
  conflicts: number
}

/** What one commit moves, and a stop may lose the copying of. */
const MAX_FILES = 64
const MAX_BYTES = 256 * 1024 ** 2

/**
 * Moves the files of old partitions of a table that is partitioned by a date into a cold folder inside its root, and
 * into another storage class: each is copied, and then the copy takes its place in a commit that changes no data. The
 * old file stays for readers of older versions, until vacuum. Done again it does nothing; a crash leaves copies that
 * nobody names, for vacuum. Rejects with `lake-invalid` where a file is not as large as the log says.
 */
export const moveCold = async (table: Table, options: LifecycleOptions): Promise<LifecycleResult> => {
  const result: LifecycleResult = { commits: 0, files: 0, bytes: 0, conflicts: 0 }
  for (const files of planLifecycle(await table.snapshot(), options)) {
    const copies: AddFile[] = []
    for (const file of files) {
      options.signal?.throwIfAborted()
      copies.push(await copyOf(table, file, options))
    }
    if (await replace(table, files, copies)) {
      result.commits++
      result.files += files.length
      result.bytes += files.reduce((sum, { size }) => sum + size, 0)
    } else result.conflicts++
  }
  return result
}

/** The files that are to be moved, in groups of bounded size. Pure. */
export const planLifecycle = (
  { metadata, files }: Pick<Snapshot, 'metadata' | 'files'>,
  { coldAfterMs, nowMs = Date.now() }: Pick<LifecycleOptions, 'coldAfterMs' | 'nowMs'>,
): AddFile[][] => {
  const column = metadata?.partitionColumns.find((name) => metadata.fields.find((field) => field.name === name)?.type.kind === 'date')
  if (column === undefined) return []
  const firstHotDay = new Date(nowMs - coldAfterMs).toISOString().slice(0, 10)
  const groups: AddFile[][] = []
  let bytes = 0
  for (const file of files.values()) {
    const day = file.partitionValues[column]
    if (!day || day >= firstHotDay || file.tags?.[COLD_TAG] !== undefined) continue
    const last = groups.at(-1)
    if (last && last.length < MAX_FILES && bytes + file.size <= MAX_BYTES) last.push(file)
    else {
      groups.push([file])
      bytes = 0
    }
    bytes += file.size
  }
  return groups
}

const copyOf = async (table: Table, file: AddFile, { folder, storageClass, tempDir }: LifecycleOptions): Promise<AddFile> => {
  const copyPath = `${folder}/${partitionFolder(file.partitionValues)}part-${randomUUID()}.zstd.parquet`
  const localFilePath = path.join(tempDir, `${randomUUID()}.parquet`)
  try {
    await download(table.store, `${table.root}/${filePath(file.path)}`, { localFilePath, sizeBytes: file.size })
    await table.store.putFile(`${table.root}/${copyPath}`, localFilePath, { storageClass })
  } finally {
    await rm(localFilePath, { force: true })
  }
  return { ...file, path: encodePath(copyPath), tags: { ...file.tags, [COLD_TAG]: storageClass ?? folder } }
}

/** False where one of the files is gone meanwhile: then the copies are too. */
const replace = async (table: Table, files: readonly AddFile[], copies: readonly AddFile[]): Promise<boolean> => {
  try {
    await commit(table, {
      operation: 'MOVE COLD',
      operationParameters: { to: copies[0]?.tags?.[COLD_TAG] },
      adds: copies,
      removes: files,
      requires: { live: files.map((file) => file.path) },
      dataChange: false,
      info: { operationMetrics: { numMovedFiles: String(files.length) } },
    })
    return true
  } catch (error) {
    if (!(error instanceof ReadflowError) || error.code !== 'lake-conflict') throw error
    for (const copy of copies) await table.store.delete(`${table.root}/${filePath(copy.path)}`)
    return false
  }
}
