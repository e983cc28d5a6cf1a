import { rm } from 'node:fs/promises'
import { ReadflowError } from '../../runtime/errors.ts'
import { type AddFile, filePath } from './actions.ts'
import { commit } from './commit.ts'
import { type FileGroup, type OptimizeLimits, planOptimize } from './optimize-plan.ts'
import { mergeSchema } from './schema.ts'
import type { Snapshot } from './snapshot.ts'
import { stageLocalFile } from './stage.ts'
import type { Table } from './table.ts'

/** A finished local Parquet file; it belongs to whom it is given. */
export interface RewrittenFile {
  localFilePath: string
  sizeBytes: number
  /** Delta's statistics of it, as JSON text. */
  stats: string
}

/**
 * Writes the rows of some files of a table as one local file, sorted, with all columns of the table but those that it is
 * partitioned by. Where they need more memory than there is it says 'too-large', and is asked again for fewer of them.
 */
export type Rewrite = (rows: {
  table: Pick<Table, 'store' | 'root'>
  snapshot: Snapshot
  files: readonly AddFile[]
  sortBy: readonly string[]
}) => Promise<RewrittenFile | 'too-large'>

export interface OptimizeOptions extends OptimizeLimits {
  rewrite: Rewrite
  /** Columns that the rows of a file are sorted by, so that readers can skip; those that the table lacks do not count. */
  sortBy: readonly string[]
  signal?: AbortSignal | undefined
  /** Hears of each group when it is done, and of how many files were small when the work began. */
  onProgress?: (result: Readonly<OptimizeResult>) => void
  /** Files that are left out; those that can not be merged for want of memory are added to it. */
  leftOut?: Set<string>
  /** Hears why a group could not be rewritten; its files stay as they are. */
  onFailure?: (error: unknown, group: FileGroup) => void
}

export interface OptimizeResult {
  commits: number
  filesRemoved: number
  filesAdded: number
  bytesRemoved: number
  bytesAdded: number
  /** Groups given up because another writer was faster; they are for the next time. */
  conflicts: number
  /** Groups that could not be rewritten. */
  failures: number
  /** Files that stay small, as no two of them could be sorted in the memory that there is. */
  filesLeftOut: number
}

/**
 * Merges small files of a table into larger ones. The rows stay the same: `dataChange` is false. Each group of files is
 * a commit of its own, so that little is lost by a stop, and writers are never waited for nor made to wait: where one
 * of the files is gone meanwhile, the group is given up. Nothing to merge, or no memory for it, no commit. Rejects with
 * `lake-invalid` where the table has types that we would write in another width, and with what the store throws.
 */
export const optimize = async (table: Table, options: OptimizeOptions): Promise<OptimizeResult> => {
  const result: OptimizeResult = {
    commits: 0,
    filesRemoved: 0,
    filesAdded: 0,
    bytesRemoved: 0,
    bytesAdded: 0,
    conflicts: 0,
    failures: 0,
    filesLeftOut: 0,
  }
  const { leftOut = new Set<string>() } = options
  const failed = new Set<string>()
  // What writers add meanwhile is for the next time: of a table that is written to faster than it is merged there would be no
  // end, and the others would wait for it.
  const ours = new Set<string>()
  // A round merges at most so many files into one: what it leaves small is merged with its like in the next.
  for (let before = -1; before !== result.commits; ) {
    const snapshot = await table.snapshot()
    if (!snapshot.metadata) return result
    if (before === -1) for (const path of snapshot.files.keys()) ours.add(path)
    before = result.commits
    const isIn = ({ path }: AddFile) => ours.has(path) && !failed.has(path) && !leftOut.has(path)
    const groups = planOptimize({ files: [...snapshot.files.values()].filter(isIn) }, options)
    if (groups.length > 0) mergeSchema(snapshot.metadata.action.schemaString, snapshot.metadata.fields)
    while (groups.length > 0) {
      options.signal?.throwIfAborted()
      const group = groups.shift()!
      const outcome = await mergeGroup(table, snapshot, group, options).catch((error) => {
        options.signal?.throwIfAborted()
        if (error instanceof ReadflowError && error.code === 'lake-unavailable') throw error
        options.onFailure?.(error, group)
        return 'failed' as const
      })
      if (outcome === 'too-large' && group.files.length >= 4) groups.unshift(...halved(group))
      else if (outcome === 'too-large') {
        result.filesLeftOut += group.files.length
        for (const { path } of group.files) leftOut.add(path)
      } else if (outcome === 'conflict') result.conflicts++
      else if (outcome === 'failed') {
        result.failures++
        for (const { path } of group.files) failed.add(path)
      } else {
        result.commits++
        result.filesAdded++
        ours.add(outcome.path)
        result.filesRemoved += group.files.length
        result.bytesAdded += outcome.size
        result.bytesRemoved += bytesOf(group.files)
      }
      options.onProgress?.(result)
    }
  }
  return result
}

const halved = ({ partitionValues, files }: FileGroup): FileGroup[] => {
  const middle = files.length >> 1
  return [
    { partitionValues, files: files.slice(0, middle) },
    { partitionValues, files: files.slice(middle) },
  ]
}

const mergeGroup = async (
  table: Table,
  snapshot: Snapshot,
  { partitionValues, files }: FileGroup,
  { rewrite, sortBy, targetBytes, signal }: OptimizeOptions,
): Promise<AddFile | 'conflict' | 'too-large'> => {
  const known = snapshot.metadata!.fields.map(({ name }) => name)
  const rewritten = await rewrite({ table, snapshot, files, sortBy: sortBy.filter((name) => known.includes(name)) })
  if (rewritten === 'too-large') return rewritten
  try {
    checkRows(table.root, files, rewritten)
    signal?.throwIfAborted()
    const add = await stageLocalFile(table, { ...rewritten, partitionValues })
    return (await replace(table, files, add, targetBytes)) ? add : 'conflict'
  } finally {
    // A store that does not move files leaves it where it was.
    await rm(rewritten.localFilePath, { force: true })
  }
}

/** False where one of the files is gone meanwhile. */
const replace = async (table: Table, files: readonly AddFile[], add: AddFile, targetBytes: number): Promise<boolean> => {
  try {
    await commit(table, {
      operation: 'OPTIMIZE',
      operationParameters: { predicate: '[]', zOrderBy: '[]', targetSize: String(targetBytes) },
      adds: [add],
      removes: files,
      requires: { live: files.map(({ path }) => path) },
      dataChange: false,
      info: {
        operationMetrics: {
          numAddedFiles: '1',
          numRemovedFiles: String(files.length),
          numAddedBytes: String(add.size),
          numRemovedBytes: String(bytesOf(files)),
        },
      },
    })
    return true
  } catch (error) {
    if (!(error instanceof ReadflowError) || error.code !== 'lake-conflict') throw error
    // It is in no version, and never will be.
    await table.store.delete(`${table.root}/${filePath(add.path)}`)
    return false
  }
}

const bytesOf = (files: readonly AddFile[]): number => files.reduce((sum, { size }) => sum + size, 0)

/** The last guard before the old files go: the new one holds as many rows as they did. */
const checkRows = (root: string, files: readonly AddFile[], { stats }: RewrittenFile) => {
  const rows = files.map((file) => rowsOf(file.stats))
  if (rows.includes(null)) return
  const before = rows.reduce<number>((sum, count) => sum + count!, 0)
  if (before !== rowsOf(stats))
    throw new ReadflowError('lake-invalid', `${files.length} files of ${root} have ${rowsOf(stats)} rows, where the log says ${before}`)
}

const rowsOf = (stats: string | undefined): number | null =>
  stats === undefined ? null : ((JSON.parse(stats) as { numRecords?: number }).numRecords ?? null)
