import { z } from 'zod'
import { sqlText } from '../../lake/sql.ts'
import { type Condition, monthsBetween, partitionIs } from '../../lineage/conditions.ts'
import type { GoldVersion } from './version.ts'

/** The filters that charts share; days as YYYY-MM-DD. */
export interface ChartFilters {
  genre?: string | undefined
  language_code?: string | undefined
  from?: string | undefined
  to?: string | undefined
}

/** What every chart answers beside its figures. */
export const chartAnswer = { sql: z.string().describe('SQL that gives the same figures, for POST /v1/sql at this version') }

/** The rows of a chart, by SQL in the names that people use and with its values in it, so that it can be shown as it is. */
export const chartRows = async <T = Record<string, unknown>>(
  gold: GoldVersion,
  sql: string,
  scan?: { fact: string; conditions: readonly Condition[] },
): Promise<{ rows: T[]; sql: string }> => {
  const shown = sql
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '')
    .join('\n')
  if (!scan) return { rows: await gold.rows<T>(gold.expand(shown)), sql: shown }
  return gold.scan(scan.fact, scan.conditions, async (relation) => ({
    rows: await gold.rows<T>(gold.expand(shown, { [scan.fact]: relation })),
    sql: shown,
  }))
}

/** `WHERE …` by filters: of a column of days or times, of one of genres, of one of languages. Empty where nothing filters. */
export const chartWhere = (
  { genre, language_code, from, to }: ChartFilters,
  columns: { at: string; genre: string; language: string },
  more: readonly string[] = [],
): string => {
  const conditions = [
    ...(genre === undefined ? [] : [`${columns.genre} = ${sqlText(genre)}`]),
    ...(language_code === undefined ? [] : [`${columns.language} = ${sqlText(language_code)}`]),
    ...(from === undefined ? [] : [`${columns.at} >= DATE ${sqlText(from)}`]),
    ...(to === undefined ? [] : [`${columns.at} < DATE ${sqlText(to)}`]),
    ...more,
  ]
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
}

/** Which files of a fact table filters leave. */
export const chartScan = ({ genre, from, to }: ChartFilters, fact: string, month: string) => ({
  fact,
  conditions: [
    ...(genre === undefined ? [] : [partitionIs('primary_genre', genre)]),
    ...(from === undefined && to === undefined ? [] : [monthsBetween(month, from ?? '0001-01-01', to ?? '9999-12-31')]),
  ],
})

/** Lengths of a point in time, with the SQL that names the one in which a day lies; they sort as texts. */
export const buckets = {
  day: (date: string) => `strftime(${date}, '%Y-%m-%d')`,
  week: (date: string) => `strftime(date_trunc('week', ${date}), '%Y-%m-%d')`,
  month: (date: string) => `strftime(${date}, '%Y-%m')`,
  quarter: (date: string) => `strftime(${date}, '%Y-Q') || quarter(${date})`,
  year: (date: string) => `strftime(${date}, '%Y')`,
} as const

export const bucketNames = ['day', 'week', 'month', 'quarter', 'year'] as const
