import { ReadflowError } from '../runtime/errors.ts'
import type { ColumnType, Field } from './columns/column.ts'
import { type AddFile, filePath } from './delta/actions.ts'
import { isFaithfulPath } from './delta/partition.ts'
import type { Snapshot } from './delta/snapshot.ts'

/** A text as an SQL literal. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A name as an SQL identifier. */
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** The DuckDB type of a column. */
export const sqlType = (type: ColumnType): string => {
  switch (type.kind) {
    case 'string':
      return 'VARCHAR'
    case 'long':
      return 'BIGINT'
    case 'timestamp':
      return 'TIMESTAMPTZ'
    case 'binary':
      return 'BLOB'
    case 'list':
      return `${sqlType(type.element)}[]`
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${sqlName(field.name)} ${sqlType(field.type)}`).join(', ')})`
    case 'map':
      return `MAP(VARCHAR, ${sqlType(type.value)})`
    default:
      return type.kind.toUpperCase()
  }
}

export interface TableSqlOptions {
  /** Some of a table's files are enough: then it is the rows of those. */
  snapshot: Pick<Snapshot, 'metadata'> & { files: ReadonlyMap<string, AddFile> }
  /** Where a data file lies in the local file system, from its path below the table's root. */
  localPath: (path: string) => string
  /** Columns of a table that does not exist yet; without them such a table is `lake-not-found`. */
  fields?: readonly Field[]
}

/**
 * A DuckDB SELECT of the table's rows at that snapshot: all of its columns in the order of its schema, with their
 * types, whatever the files hold. Columns that a file lacks are NULL, partition columns come from the log. A session
 * should run in UTC. Filters on partition columns skip files.
 */
export const tableSql = ({ snapshot, localPath, fields = snapshot.metadata?.fields }: TableSqlOptions): string => {
  if (!fields) throw new ReadflowError('lake-not-found', 'the table does not exist yet')
  const columns = snapshot.metadata?.fields ?? fields
  const empty = `SELECT ${columns.map(({ name, type }) => `NULL::${sqlType(type)} AS ${sqlName(name)}`).join(', ')} WHERE false`
  if (snapshot.files.size === 0) return empty
  const partitions = (snapshot.metadata?.partitionColumns ?? []).map((name) => columns.find((field) => field.name === name)!)
  const files = [...snapshot.files.values()].map((file) => ({ file, local: localPath(filePath(file.path)) }))
  const rows = files.every(({ file, local }) => isFaithfulPath(file, local)) ? byFolder(files, partitions) : byFile(files, partitions)
  return `SELECT ${columns.map(({ name }) => sqlName(name)).join(', ')} FROM (${empty} UNION ALL BY NAME ${rows})`
}

type LocalFile = { file: AddFile; local: string }

const listOf = (files: readonly LocalFile[]) => `[${files.map(({ local }) => sqlText(local)).join(', ')}]`

/** Partition values as DuckDB itself finds them in the names of the folders: the way in which it skips files best. */
const byFolder = (files: readonly LocalFile[], partitions: readonly Field[]): string => {
  const types = partitions.map(({ name, type }) => `${sqlText(name)}: ${sqlType(type)}`).join(', ')
  const hive = partitions.length > 0 ? `hive_partitioning = true, hive_types = {${types}}` : 'hive_partitioning = false'
  return `SELECT * FROM read_parquet(${listOf(files)}, union_by_name = true, ${hive})`
}

/** Partition values as the log has them, for files whose folders say something else or nothing. */
const byFile = (files: readonly LocalFile[], partitions: readonly Field[]): string => {
  const file = '"__readflow_file"'
  const stored = `SELECT * FROM read_parquet(${listOf(files)}, union_by_name = true, hive_partitioning = false, filename = '__readflow_file')`
  const rows = files.map(({ file: { partitionValues }, local }) => {
    const values = partitions.map(({ name }) => partitionValues[name] || null).map((value) => (value === null ? 'NULL' : sqlText(value)))
    return `(${[sqlText(local), ...values].join(', ')})`
  })
  const names = [file, ...partitions.map(({ name }) => sqlName(name))].join(', ')
  const typed = [file, ...partitions.map(({ name, type }) => `${sqlName(name)}::${sqlType(type)} AS ${sqlName(name)}`)].join(', ')
  return `SELECT * EXCLUDE (${file}) FROM (${stored}) JOIN (SELECT ${typed} FROM (VALUES ${rows.join(', ')}) AS parts(${names})) USING (${file})`
}
