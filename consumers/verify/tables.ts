import type { Field } from '../../lake/columns/column.ts'
import { filePath } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { sqlName, tableSql } from '../../lake/sql.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'

/** A table at one version. */
export interface PinnedTable {
  /** Such as `bronze/ratings`. */
  root: string
  snapshot: Snapshot
}

export const hasColumn = ({ snapshot }: PinnedTable, name: string): boolean =>
  snapshot.metadata?.fields.some((field) => field.name === name) ?? false

/**
 * Makes a pinned table a view of that name. Tables are read by DuckDB because their files were written by another
 * library, because it joins and sorts more than fits into memory, and because it only reads the columns in question.
 * A table that is not there has `fields` and no rows. `release` is for when the view is not needed any more.
 */
export const openView = async (
  { duckdb, files, signal }: { duckdb: DuckDb; files: LocalFiles; signal: AbortSignal },
  name: string,
  { root, snapshot }: PinnedTable,
  fields: readonly Field[],
): Promise<{ release: () => void }> => {
  const wanted = [...snapshot.files.values()].map((file) => ({ path: `${root}/${filePath(file.path)}`, sizeBytes: file.size }))
  const { localPath, release } = await files.hold(wanted, { signal })
  const sql = tableSql({ snapshot, localPath: (file) => localPath(`${root}/${file}`), fields: snapshot.metadata?.fields ?? fields })
  await duckdb.run(`CREATE OR REPLACE VIEW ${sqlName(name)} AS ${sql}`).catch((cause: unknown) => {
    release()
    const reason = cause instanceof Error ? cause.message : String(cause)
    const missing = /No files found that match the pattern "([^"]+)"/.exec(reason)?.[1]
    throw new ReadflowError(
      'lake-invalid',
      missing ? `${root} names the data file ${missing}, which is not there.` : `${root} can not be read: ${reason}`,
      {
        cause,
        hint: missing ? 'Bring it back, or replay the offsets that it held.' : undefined,
      },
    )
  })
  return { release }
}

/** The statement that makes a table of some rows; `topic_id` is text, every other column a number. */
export const valuesSql = (name: string, columns: readonly string[], rows: readonly (readonly (number | string)[])[]): string => {
  const literal = (value: number | string) => (typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`)
  const values = rows.length > 0 ? rows.map((row) => `(${row.map(literal).join(', ')})`) : [`(${columns.map(() => 'NULL').join(', ')})`]
  const typed = columns.map((column) => `${column}::${column === 'topic_id' ? 'VARCHAR' : 'BIGINT'} AS ${column}`)
  return `CREATE OR REPLACE TABLE ${name} AS SELECT ${typed.join(', ')} FROM (VALUES ${values.join(', ')}) AS v(${columns.join(', ')}) WHERE topic_id IS NOT NULL`
}
