import type { DuckDb } from '../runtime/duckdb.ts'
import type { GoldTable, GoldType } from './tables.ts'

/** One partition of a freshly derived table (an unpartitioned table has one, or none where it is empty). */
export interface Partition {
  /** Partition column to its value; empty for an unpartitioned table. */
  values: Record<string, string>
  rows: number
  /** Of the partition's content, whatever the order of its rows: equal content, equal digest. */
  digest: string
  /** Delta's statistics of the one file that holds it. */
  stats: Stats
}

export interface Stats {
  numRecords: number
  minValues: Record<string, unknown>
  maxValues: Record<string, unknown>
  nullCount: Record<string, number>
}

/** Where Delta's readers stop looking at text: longer bounds only make the log long. */
const MAX_TEXT = 32

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const dataColumns = (table: GoldTable): [string, GoldType][] =>
  Object.entries(table.columns).filter(([name]) => !table.partitionColumns.includes(name))

/** What `digest` depends on besides the rows: a new column or order of rows makes every file be written anew. */
const layoutOf = (table: GoldTable) => JSON.stringify([table.columns, table.partitionColumns, table.sortedBy])

const minOf = (name: string, type: GoldType) => {
  if (type === 'strings') return 'NULL'
  return type === 'string' ? `left(min(${name}), ${MAX_TEXT})` : `min(${name})`
}

const maxOf = (name: string, type: GoldType) => {
  if (type === 'strings') return 'NULL'
  // A cut text is an upper bound with Unicode's last character after it, where that does not itself follow the cut.
  if (type === 'string')
    return `(SELECT CASE WHEN length(m) <= ${MAX_TEXT} OR m[${MAX_TEXT + 1}] = chr(1114111) THEN m ELSE left(m, ${MAX_TEXT}) || chr(1114111) END FROM (SELECT max(${name}) AS m))`
  // Rounded up to the millisecond that statistics hold.
  if (type === 'timestamp') return `make_timestamptz((epoch_us(max(${name})) + 999) // 1000 * 1000)`
  return `max(${name})`
}

/** Partitions of the DuckDB table `name`, with their digests and statistics, in one pass. */
export const readPartitions = async (duckdb: DuckDb, name: string, table: GoldTable): Promise<Partition[]> => {
  const columns = dataColumns(table)
  const keys = table.partitionColumns.map(quoted)
  const measures = columns.flatMap(([column, type], index) => [
    `${minOf(quoted(column), type)} AS min_${index}`,
    `${maxOf(quoted(column), type)} AS max_${index}`,
    `count(*) - count(${quoted(column)}) AS nulls_${index}`,
  ])
  const hash = `hash(${[...columns.map(([column]) => quoted(column)), `$layout`].join(', ')})`
  const found = await duckdb.rows(
    `SELECT ${[...keys, 'count(*) AS n', `concat_ws('-', count(*), sum(${hash}), bit_xor(${hash})) AS digest`, ...measures].join(', ')}
     FROM ${quoted(name)} ${keys.length > 0 ? `GROUP BY ${keys.join(', ')} ORDER BY ${keys.join(', ')}` : 'HAVING count(*) > 0'}`,
    { layout: layoutOf(table) },
  )
  return found.map((row) => {
    const pick = (prefix: string) =>
      Object.fromEntries(
        columns
          .map(([column, type], index) => [column, row[`${prefix}_${index}`], type] as const)
          .filter(([, value, type]) => isBound(value, type)),
      )
    return {
      values: Object.fromEntries(table.partitionColumns.map((column) => [column, String(row[column])])),
      rows: row['n'] as number,
      digest: row['digest'] as string,
      stats: {
        numRecords: row['n'] as number,
        minValues: pick('min'),
        maxValues: pick('max'),
        nullCount: Object.fromEntries(columns.map(([column], index) => [column, row[`nulls_${index}`] as number])),
      },
    }
  })
}

/** Numbers that JSON cannot hold (NaN, integers beyond 2^53) are left out of the statistics. */
const isBound = (value: unknown, type: GoldType) => (type === 'long' || type === 'double' ? Number.isFinite(value) : value !== null)

/** Writes one partition to a local Parquet file (zstd; partition columns are left to the path, as Delta has it). */
export const writePartition = async (
  duckdb: DuckDb,
  name: string,
  table: GoldTable,
  partition: Partition,
  file: string,
  signal?: AbortSignal,
): Promise<void> => {
  const where = table.partitionColumns.map((column) => `${quoted(column)} = $${column}`).join(' AND ')
  await duckdb.run(
    `COPY (
       SELECT ${dataColumns(table)
         .map(([column]) => quoted(column))
         .join(', ')} FROM ${quoted(name)}
       ${where && `WHERE ${where}`} ORDER BY ${table.sortedBy.map(quoted).join(', ')}
     ) TO '${file.replaceAll("'", "''")}' (FORMAT PARQUET, COMPRESSION ZSTD)`,
    partition.values,
    { signal },
  )
}
