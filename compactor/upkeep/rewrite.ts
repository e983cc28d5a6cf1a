import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Field } from '../../lake/columns/column.ts'
import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import type { Rewrite } from '../../lake/delta/optimize.ts'
import { sqlName, tableSql } from '../../lake/sql.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import type { DuckDb, DuckDbOptions } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { fileStats } from '../file-stats.ts'

export interface RewriteOptions {
  openDuckDb: (options: DuckDbOptions) => Promise<DuckDb>
  /** Existing folder for what is in the making: the new file, what DuckDB spills, and copies of files that are not local. */
  tempDir: string
  signal?: AbortSignal | undefined
}

const MEMORY_LIMIT = '256MB'
/** What one row group may hold before it is compressed: the writer and each reader have one in memory. */
const ROW_GROUP_BYTES = 16 * 1024 ** 2
const MAX_ROW_GROUP_ROWS = 122_880
/** DuckDB works on so many rows at once, and writes no smaller row groups. */
const VECTOR_ROWS = 2048

/** Rewrites files by DuckDB, which sorts more than fits into memory, on disk. */
export const createRewrite =
  ({ openDuckDb, tempDir, signal }: RewriteOptions): Rewrite =>
  async ({ table, snapshot, files, sortBy }) => {
    const { fields, partitionColumns } = snapshot.metadata!
    const columns = fields.filter(({ name }) => !partitionColumns.includes(name))
    const dir = await mkdtemp(path.join(tempDir, 'rewrite-'))
    const target = path.join(tempDir, `${randomUUID()}.parquet`)
    try {
      const pathOf = (below: string) => `${table.root}/${below}`
      // What it copies goes with the folder.
      const held = await openLocalFiles({ store: table.store, dir, maxBytes: 0 }).hold(
        files.map((file) => ({ path: pathOf(filePath(file.path)), sizeBytes: file.size })),
        { signal },
      )
      const rowsOf = (...some: readonly AddFile[]) =>
        tableSql({
          snapshot: { metadata: snapshot.metadata, files: new Map(some.map((file) => [file.path, file])) },
          localPath: (file) => held.localPath(pathOf(file)),
        })
      const duckdb = await openDuckDb({ tempDir: dir, memoryLimit: MEMORY_LIMIT })
      try {
        const order = sortBy.length > 0 ? `ORDER BY ${sortBy.map(sqlName).join(', ')}` : ''
        const groupRows = await rowGroupRows(duckdb, files, columns, rowsOf)
        await duckdb.run(
          `COPY (SELECT ${columns.map(({ name }) => sqlName(name)).join(', ')} FROM (${rowsOf(...files)}) ${order})
           TO '${target.replaceAll("'", "''")}' (FORMAT PARQUET, COMPRESSION ZSTD, ROW_GROUP_SIZE ${groupRows})`,
          [],
          { signal },
        )
        return { localFilePath: target, sizeBytes: (await stat(target)).size, stats: await fileStats(duckdb, target, columns) }
      } finally {
        await duckdb.close()
      }
    } catch (cause) {
      await rm(target, { force: true })
      signal?.throwIfAborted()
      if (cause instanceof ReadflowError) throw cause
      const reason = cause instanceof Error ? cause.message : String(cause)
      if (/^Out of Memory Error/i.test(reason)) return 'too-large'
      throw new ReadflowError('lake-invalid', `${files.length} files of ${table.root} can not be rewritten: ${reason}`, { cause })
    } finally {
      // A copy that was on its way as another failed may come a moment later.
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    }
  }

/** Files whose first rows are measured, and how many of each. */
const SAMPLED_FILES = 4
const SAMPLED_ROWS = 512

/**
 * How many rows make a row group of bounded size. What the files say of their size is of no use here: text that repeats
 * is stored once in them, and each time in memory.
 */
const rowGroupRows = async (duckdb: DuckDb, files: readonly AddFile[], fields: readonly Field[], rowsOf: (file: AddFile) => string) => {
  const step = Math.ceil(files.length / SAMPLED_FILES)
  const samples = files.filter((_, index) => index % step === 0).map((file) => `(SELECT * FROM (${rowsOf(file)}) LIMIT ${SAMPLED_ROWS})`)
  const bytes = fields.map(({ name, type }) => `coalesce(${bytesSql(sqlName(name), type.kind)}, 0) + 8`).join(' + ')
  const [found] = await duckdb.rows<{ row_bytes: number | null }>(
    `SELECT avg(${bytes})::DOUBLE AS row_bytes FROM (${samples.join(' UNION ALL ')})`,
  )
  const rows = Math.floor(ROW_GROUP_BYTES / (found?.row_bytes ?? 1) / VECTOR_ROWS) * VECTOR_ROWS
  return Math.min(MAX_ROW_GROUP_ROWS, Math.max(VECTOR_ROWS, rows))
}

const bytesSql = (column: string, kind: Field['type']['kind']): string => {
  if (kind === 'string') return `strlen(${column})`
  if (kind === 'binary') return `octet_length(${column})`
  return kind === 'list' || kind === 'struct' || kind === 'map' ? `strlen(${column}::VARCHAR)` : '0'
}
