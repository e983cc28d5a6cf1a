import { sqlName } from '../lake/sql.ts'
import type { DuckDb } from '../runtime/duckdb.ts'
import { measuredStats, measuresSql } from './file-stats.ts'
import type { GoldTable, GoldType } from './tables.ts'

/** One partition of a freshly derived table (an unpartitioned table has one, or none where it is empty). */
export interface Partition {
  /** Partition column to its value; empty for an unpartitioned table. */
  values: Record<string, string>
  rows: number
  /** Of the partition's content, whatever the order of its rows: equal content, equal digest. */
  digest: string
  /** Delta's statistics of the one file that holds it, as JSON text. */
  stats: string
}

export const dataColumns = (table: GoldTable): [string, GoldType][] =>
  Object.entries(table.columns).filter(([name]) => !table.partitionColumns.includes(name))

/** What `digest` depends on besides the rows: a new column or order of rows makes every file be written anew. */
const layoutOf = (table: GoldTable) => JSON.stringify([table.columns, table.partitionColumns, table.sortedBy])

/** Partitions of the DuckDB table `name`, with their digests and statistics, in one pass. */
export const readPartitions = async (duckdb: DuckDb, name: string, table: GoldTable): Promise<Partition[]> => {
  const columns = dataColumns(table)
  const keys = table.partitionColumns.map(sqlName)
  const measured = columns.map(([column, type]) => ({ name: column, kind: type === 'strings' ? ('list' as const) : type }))
  const hash = `hash(${[...columns.map(([column]) => sqlName(column)), `$layout`].join(', ')})`
  const found = await duckdb.rows(
    `SELECT ${[...keys, 'count(*) AS n', `concat_ws('-', count(*), sum(${hash}), bit_xor(${hash})) AS digest`, ...measuresSql(measured)].join(', ')}
     FROM ${sqlName(name)} ${keys.length > 0 ? `GROUP BY ${keys.join(', ')} ORDER BY ${keys.join(', ')}` : 'HAVING count(*) > 0'}`,
    { layout: layoutOf(table) },
  )
  return found.map((row) => ({
    values: Object.fromEntries(table.partitionColumns.map((column) => [column, String(row[column])])),
    rows: row['n'] as number,
    digest: row['digest'] as string,
    stats: measuredStats(row, measured, row['n'] as number),
  }))
}

/** Writes one partition to a local Parquet file (zstd; partition columns are left to the path, as Delta has it). */
export const writePartition = async (
  duckdb: DuckDb,
  name: string,
  table: GoldTable,
  partition: Partition,
  file: string,
  signal?: AbortSignal,
): Promise<void> => {
  const where = table.partitionColumns.map((column) => `${sqlName(column)} = $${column}`).join(' AND ')
  await duckdb.run(
    `COPY (
       SELECT ${dataColumns(table)
         .map(([column]) => sqlName(column))
         .join(', ')} FROM ${sqlName(name)}
       ${where && `WHERE ${where}`} ORDER BY ${table.sortedBy.map(sqlName).join(', ')}
     ) TO '${file.replaceAll("'", "''")}' (FORMAT PARQUET, COMPRESSION ZSTD)`,
    partition.values,
    { signal },
  )
}
