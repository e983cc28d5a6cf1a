import type { Field } from '../lake/columns/column.ts'
import { sqlName } from '../lake/sql.ts'
import type { DuckDb } from '../runtime/duckdb.ts'

/** Text longer than this, in code points, is cut in the statistics. */
const MAX_TEXT = 32
const HIGHEST_CHARACTER = '\u{10ffff}'

/**
 * Delta's statistics of a local Parquet file as JSON text, under the same rules as those that the lake makes of a batch:
 * a bound that can not be given exactly is rounded outwards or left out.
 */
export const fileStats = async (duckdb: DuckDb, file: string, fields: readonly Field[]): Promise<string> => {
  const flat = fields.filter(({ type }) => type.kind !== 'list' && type.kind !== 'struct' && type.kind !== 'map')
  const measures = flat.flatMap(({ name, type }, index) => {
    const column = sqlName(name)
    const { min, max } = boundsSql(column, type.kind)
    return [`count(*) - count(${column}) AS nulls_${index}`, `${min} AS min_${index}`, `${max} AS max_${index}`]
  })
  const [row] = await duckdb.rows(`SELECT ${['count(*) AS n', ...measures].join(', ')} FROM read_parquet(?, hive_partitioning = false)`, [
    file,
  ])
  const bounds = (prefix: string) =>
    Object.fromEntries(
      flat
        .map(({ name, type }, index) => [name, row![`${prefix}_${index}`], type.kind] as const)
        .filter(([, value, kind]) => isBound(value, kind))
        .map(([name, value]) => [name, value]),
    )
  return JSON.stringify({
    numRecords: row!['n'],
    minValues: bounds('min'),
    maxValues: bounds('max'),
    nullCount: Object.fromEntries(flat.map(({ name }, index) => [name, row![`nulls_${index}`]])),
  })
}

const boundsSql = (column: string, kind: Field['type']['kind']): { min: string; max: string } => {
  switch (kind) {
    case 'string':
      return {
        min: `left(min(${column}), ${MAX_TEXT})`,
        // A cut text is a bound only with something behind it that sorts after all.
        max: `CASE WHEN length(max(${column})) <= ${MAX_TEXT} THEN max(${column})
              WHEN substr(max(${column}), ${MAX_TEXT + 1}, 1) < '${HIGHEST_CHARACTER}' THEN left(max(${column}), ${MAX_TEXT}) || '${HIGHEST_CHARACTER}' END`,
      }
    case 'double':
      // Engines differ in where NaN sorts.
      return {
        min: `CASE WHEN NOT coalesce(bool_or(isnan(${column})), false) THEN min(${column}) END`,
        max: `CASE WHEN NOT coalesce(bool_or(isnan(${column})), false) THEN max(${column}) END`,
      }
    case 'timestamp':
      // Statistics hold milliseconds; the lower bound is cut to them where it is read.
      return { min: `min(${column})`, max: `make_timestamptz((epoch_us(max(${column})) + 999) // 1000 * 1000)` }
    case 'long':
    case 'date':
      return { min: `min(${column})`, max: `max(${column})` }
    default:
      return { min: 'NULL', max: 'NULL' }
  }
}

/** Numbers that JSON can not hold, and times beyond the year 9999 or before the year 1, are left out. */
const isBound = (value: unknown, kind: Field['type']['kind']): boolean => {
  if (kind === 'long' || kind === 'double') return Number.isFinite(value)
  if (kind === 'date') return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)
  if (kind === 'timestamp') return typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)
  return value !== null
}
