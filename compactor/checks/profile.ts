import { appendRows } from '../../lake/delta/append-rows.ts'
import type { Table } from '../../lake/delta/table.ts'
import { sqlName } from '../../lake/sql.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { systemFields, systemTables } from '../../schemas/system-tables.ts'
import { type GoldName, type GoldTable, goldTables } from '../tables.ts'
import type { AuditedTable } from './check.ts'
import { tableStats } from './table-stats.ts'

/** Where the table is in the lake. */
export const PROFILES_ROOT = 'ops/profiles'

/** What is in one column of a Gold table. */
export interface ColumnProfile {
  table: string
  column: string
  type: string
  /** From 0, in the order of the table. */
  position: number
  rows: number
  /** Null where nothing tells it of the whole table. */
  nulls: number | null
  /** Of `distinctOfRows` rows: where an increment derived some months only, of those. Null for lists. */
  distinctValues: number | null
  distinctOfRows: number
  isDistinctExact: boolean
  /** As text, cut to 64 characters; null where there is no value, and for lists. */
  min: string | null
  max: string | null
}

const MAX_TEXT = 64
/** Up to so many rows are counted exactly; DuckDB's estimate of more is off by some percent. */
const MAX_EXACT_ROWS = 200_000
const text = (value: unknown) => (value === null || value === undefined ? null : String(value).slice(0, MAX_TEXT))

/** The profile of a table as it would be with the build: of what was derived by its rows, of the rest by the files' statistics. */
export const profileTable = async (duckdb: DuckDb, audited: AuditedTable): Promise<ColumnProfile[]> => {
  const { columns }: GoldTable = goldTables[audited.name as GoldName]
  const names = Object.entries(columns)
  const [counted] = await duckdb.rows<{ n: number }>(`SELECT count(*) AS n FROM ${audited.name}`)
  const derived = counted?.n ?? 0
  const isDistinctExact = derived <= MAX_EXACT_ROWS
  const measures = names.flatMap(([name, type], index) => {
    const column = sqlName(name)
    const extremes = type === 'strings' ? [] : [`min(${column}) AS min_${index}`, `max(${column}) AS max_${index}`]
    const distinct =
      type === 'strings'
        ? []
        : [`${isDistinctExact ? `count(DISTINCT ${column})` : `approx_count_distinct(${column})`} AS distinct_${index}`]
    return [`count(*) - count(${column}) AS nulls_${index}`, ...distinct, ...extremes]
  })
  const [row = {}] = await duckdb.rows(`SELECT ${measures.join(', ')} FROM ${audited.name}`)
  const stats = tableStats(audited)
  const isWhole = derived === stats.rows
  return names.map(([column, type], position) => {
    const of = { table: audited.name, column, type, position, rows: stats.rows, distinctOfRows: derived, isDistinctExact }
    const distinctValues = type === 'strings' ? null : Math.min(derived, Number(row[`distinct_${position}`]))
    const [nulls, min, max] = isWhole
      ? [Number(row[`nulls_${position}`]), row[`min_${position}`], row[`max_${position}`]]
      : [stats.nulls[column] ?? null, stats.min[column], stats.max[column]]
    return { ...of, distinctValues, nulls, min: text(min), max: text(max) }
  })
}

/** Puts the profiles of a build on record. */
export const writeProfiles = async (
  table: Table,
  { runId, profiledMs, profiles }: { runId: string; profiledMs: number; profiles: readonly ColumnProfile[] },
): Promise<void> => {
  await appendRows(table, {
    fields: systemFields(systemTables.profiles),
    partitionColumns: systemTables.profiles.partitionColumns,
    rows: profiles.map((profile) => ({
      ...{ run_id: runId, profiled_at: profiledMs, table_name: profile.table, column_name: profile.column, column_type: profile.type },
      ...{ position: profile.position, rows: profile.rows, nulls: profile.nulls },
      ...{
        distinct_values: profile.distinctValues,
        distinct_of_rows: profile.distinctOfRows,
        min_value: profile.min,
        max_value: profile.max,
      },
      is_distinct_exact: profile.isDistinctExact,
      profiled_date: Math.floor(profiledMs / 86_400_000),
    })),
  })
}
