import type { ColumnType, Field } from '../lake/columns/column.ts'
import { type ColumnStats, type Extremes, statsText } from '../lake/parquet/bounds.ts'
import { sqlName } from '../lake/sql.ts'
import type { DuckDb } from '../runtime/duckdb.ts'

export interface MeasuredColumn {
  name: string
  kind: ColumnType['kind']
}

/** Delta's statistics of a local Parquet file as JSON text, as the lake makes them of a batch. */
export const fileStats = async (duckdb: DuckDb, file: string, fields: readonly Field[]): Promise<string> => {
  const columns = fields.map(({ name, type }) => ({ name, kind: type.kind }))
  const [row] = await duckdb.rows(
    `SELECT ${['count(*) AS n', ...measuresSql(columns)].join(', ')} FROM read_parquet(?, hive_partitioning = false)`,
    [file],
  )
  return measuredStats(row!, columns, row!['n'] as number)
}

/** SQL aggregates of which `measuredStats` makes statistics. */
export const measuresSql = (columns: readonly MeasuredColumn[]): string[] =>
  flat(columns).flatMap(({ name, kind }, index) => {
    const column = sqlName(name)
    const [min, max] = extremesSql(`min(${column})`, `max(${column})`, kind)
    const hasNaN = kind === 'double' ? [`coalesce(bool_or(isnan(${column})), false) AS nan_${index}`] : []
    return [`count(*) - count(${column}) AS nulls_${index}`, `${min} AS min_${index}`, `${max} AS max_${index}`, ...hasNaN]
  })

/** The statistics of a file of `numRecords` rows, from a row of the aggregates. */
export const measuredStats = (row: Readonly<Record<string, unknown>>, columns: readonly MeasuredColumn[], numRecords: number): string =>
  statsText(
    numRecords,
    flat(columns).map(({ name, kind }, index): ColumnStats => {
      const [nullCount, min, max] = [row[`nulls_${index}`] as number, row[`min_${index}`], row[`max_${index}`]]
      if (min === null || max === null) return { name, nullCount, extremes: null }
      return { name, nullCount, extremes: extremesOf(kind, row[`nan_${index}`] === true ? Number.NaN : min, max) }
    }),
  )

const flat = (columns: readonly MeasuredColumn[]) => columns.filter(({ kind }) => kind !== 'list' && kind !== 'struct' && kind !== 'map')

/** In forms that lose nothing on their way. */
const extremesSql = (min: string, max: string, kind: ColumnType['kind']): [string, string] => {
  switch (kind) {
    case 'binary':
      return ['NULL', 'NULL']
    case 'long':
      return [`(${min})::VARCHAR`, `(${max})::VARCHAR`]
    case 'date':
      return [`date_diff('day', DATE '1970-01-01', ${min})`, `date_diff('day', DATE '1970-01-01', ${max})`]
    case 'timestamp':
      return [`epoch_us(${min})::VARCHAR`, `epoch_us(${max})::VARCHAR`]
    default:
      return [min, max]
  }
}

const extremesOf = (kind: ColumnType['kind'], min: unknown, max: unknown): Extremes | null => {
  switch (kind) {
    case 'string':
      return { kind, min: min as string, max: max as string }
    case 'boolean':
      return { kind, min: min as boolean, max: max as boolean }
    case 'long':
    case 'timestamp':
      return { kind, min: BigInt(min as string), max: BigInt(max as string) }
    case 'double':
    case 'date':
      return { kind, min: Number(min), max: Number(max) }
    default:
      return null
  }
}
