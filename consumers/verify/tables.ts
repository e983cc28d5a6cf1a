import type { Field } from '../../lake/columns/column.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { sqlName, sqlText, tableSql } from '../../lake/sql.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { type DataFiles, inspectFiles } from './data-files.ts'

/** A table at one version. */
export interface PinnedTable {
  /** Such as `bronze/ratings`. */
  root: string
  snapshot: Snapshot
}

/** A table with its files, which are local. */
export interface OpenTable extends PinnedTable, DataFiles {}

export const hasColumn = ({ snapshot }: PinnedTable, name: string): boolean =>
  snapshot.metadata?.fields.some((field) => field.name === name) ?? false

/**
 * Makes a pinned table a view of that name, of the files whose rows can be read. Tables are read by DuckDB because their
 * files were written by another library, because it joins and sorts more than fits into memory, and because it only reads
 * the columns in question. A table that is not there has `fields` and no rows. `release` is for when the view is not
 * needed any more; `faults` are what is wrong with the table's data files.
 */
export const openView = async (
  options: { duckdb: DuckDb; files: LocalFiles; signal: AbortSignal },
  name: string,
  pinned: PinnedTable,
  fields: readonly Field[],
): Promise<OpenTable> => {
  const files = await inspectFiles(options, pinned)
  const { snapshot, localPath, release } = files
  const sql = tableSql({ snapshot, localPath, fields: snapshot.metadata?.fields ?? fields })
  await options.duckdb.run(`CREATE OR REPLACE VIEW ${sqlName(name)} AS ${sql}`).catch((cause: unknown) => {
    release()
    throw new ReadflowError('lake-invalid', `${pinned.root} can not be read: ${cause instanceof Error ? cause.message : cause}`, { cause })
  })
  return { root: pinned.root, ...files }
}

/** The statement that makes a table of some rows; `topic_id` is text, every other column a number. */
export const valuesSql = (name: string, columns: readonly string[], rows: readonly (readonly (number | string)[])[]): string => {
  const literal = (value: number | string) => (typeof value === 'number' ? String(value) : sqlText(value))
  const values = rows.length > 0 ? rows.map((row) => `(${row.map(literal).join(', ')})`) : [`(${columns.map(() => 'NULL').join(', ')})`]
  const typed = columns.map((column) => `${column}::${column === 'topic_id' ? 'VARCHAR' : 'BIGINT'} AS ${column}`)
  return `CREATE OR REPLACE TABLE ${name} AS SELECT ${typed.join(', ')} FROM (VALUES ${values.join(', ')}) AS v(${columns.join(', ')}) WHERE topic_id IS NOT NULL`
}
