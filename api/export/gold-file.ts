import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import yazl from 'yazl'
import { filePath } from '../../lake/delta/actions.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { Published } from '../../lake/published.ts'
import { sqlName, sqlText, tableSql } from '../../lake/sql.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'

export const exportFormats = ['duckdb', 'parquet'] as const
export type ExportFormat = (typeof exportFormats)[number]

export interface ExportOptions {
  store: ObjectStore
  files: LocalFiles
  /** Of its own: a file is attached to it for a while. */
  duckdb: DuckDb
  /** The Gold version that is exported. */
  published: Published
  /** Hears the name of each table before it is written. */
  progress?: (table: string) => void
  signal?: AbortSignal | undefined
}

/** Name of an export for a person who saves it. */
export const exportName = ({ version }: Pick<Published, 'version'>, format: ExportFormat): string =>
  `readflow-gold-v${version}.${format === 'duckdb' ? 'duckdb' : 'parquet.zip'}`

/**
 * Writes one published Gold to one file that must not exist: a DuckDB database with a table `gold_…` each, or a zip with a Parquet
 * file each. `readflow_export` tells in both which version it is of. A failure leaves nothing.
 */
export const exportGold = async (options: ExportOptions, format: ExportFormat, file: string): Promise<void> => {
  try {
    await (format === 'duckdb' ? toDuckDb(options, file) : toZip(options, file))
  } catch (error) {
    await rm(file, { force: true })
    await rm(`${file}.wal`, { force: true })
    throw error
  }
}

/** Does work on SQL of each table's rows, one table after the other. */
const eachTable = async (
  { store, files, published, progress, signal }: ExportOptions,
  work: (name: string, select: string) => Promise<void>,
) => {
  for (const [name, version] of Object.entries(published.tables)) {
    signal?.throwIfAborted()
    progress?.(`gold_${name}`)
    const root = `gold/${name}`
    const snapshot = await openTable(store, root).snapshot({ version })
    const wanted = [...snapshot.files.values()].map((each) => ({ path: `${root}/${filePath(each.path)}`, sizeBytes: each.size }))
    const held = await files.hold(wanted, { signal })
    try {
      await work(`gold_${name}`, tableSql({ snapshot, localPath: (each) => held.localPath(`${root}/${each}`) }))
    } finally {
      held.release()
    }
  }
  const { version, publishedAt, completeThrough } = published
  await work(
    'readflow_export',
    `SELECT ${version}::BIGINT AS gold_version, ${sqlText(publishedAt)}::TIMESTAMPTZ AS published_at,
      ${completeThrough === null ? 'NULL' : sqlText(completeThrough)}::TIMESTAMPTZ AS complete_through`,
  )
}

const toDuckDb = async (options: ExportOptions, file: string): Promise<void> => {
  const { duckdb, signal } = options
  await duckdb.run(`ATTACH ${sqlText(file)} AS exported`)
  try {
    await eachTable(options, (name, select) =>
      duckdb.run(`CREATE TABLE exported.${sqlName(name)} AS ${select}`, [], signal ? { signal } : {}),
    )
    await duckdb.run('CHECKPOINT exported')
  } finally {
    await duckdb.run('DETACH exported')
  }
}

const toZip = async (options: ExportOptions, file: string): Promise<void> => {
  const { duckdb, signal } = options
  const zip = new yazl.ZipFile()
  const writing = pipeline(zip.outputStream, createWriteStream(file, { flags: 'wx' }), signal ? { signal } : {})
  // It is awaited at the end; until then a failure is not an unhandled one.
  writing.catch(() => undefined)
  const parts: string[] = []
  try {
    await eachTable(options, async (name, select) => {
      const part = `${file}.${name}.parquet`
      parts.push(part)
      await duckdb.run(`COPY (${select}) TO ${sqlText(part)} (FORMAT parquet, COMPRESSION zstd)`, [], signal ? { signal } : {})
      // Parquet is compressed already.
      zip.addFile(part, `${name}.parquet`, { compress: false })
    })
    zip.end()
    await writing
  } finally {
    await Promise.all(parts.map((part) => rm(part, { force: true })))
  }
}
