import type { AuditedTable } from './check.ts'

interface FileStats {
  numRecords?: number
  nullCount?: Record<string, unknown>
  minValues?: Record<string, unknown>
  maxValues?: Record<string, unknown>
}

type Extreme = string | number | boolean

/** What the files' own statistics say of a table with the build in it: exact, and of all its rows. */
export interface TableStats {
  rows: number
  /** Column to number of nulls; a column without statistics (a list, a partition column) has no entry. */
  nulls: Record<string, number>
  /** Least and greatest value of a column, as statistics have them: long texts are cut there, times are text. */
  min: Record<string, Extreme>
  max: Record<string, Extreme>
  /** Newest `ingestion_timestamp`, epoch ms; null where there is none. */
  newestMs: number | null
}

export const tableStats = ({ adds, removes, current }: AuditedTable): TableStats => {
  const removed = new Set(removes.map(({ path }) => path))
  const files = [...[...current.files.values()].filter(({ path }) => !removed.has(path)), ...adds]
  const stats: TableStats = { rows: 0, nulls: {}, min: {}, max: {}, newestMs: null }
  for (const { stats: text } of files) {
    const { numRecords = 0, nullCount = {}, minValues = {}, maxValues = {} } = (text === undefined ? {} : JSON.parse(text)) as FileStats
    stats.rows += numRecords
    for (const [column, count] of Object.entries(nullCount))
      if (typeof count === 'number') stats.nulls[column] = (stats.nulls[column] ?? 0) + count
    keep(stats.min, minValues, (value, other) => value < other)
    keep(stats.max, maxValues, (value, other) => value > other)
    const newestMs = Date.parse(String(maxValues['ingestion_timestamp'] ?? ''))
    if (!Number.isNaN(newestMs)) stats.newestMs = Math.max(stats.newestMs ?? newestMs, newestMs)
  }
  return stats
}

const keep = (kept: Record<string, Extreme>, found: Record<string, unknown>, isBetter: (value: Extreme, other: Extreme) => boolean) => {
  for (const [column, value] of Object.entries(found))
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      const other = kept[column]
      if (other === undefined || isBetter(value, other)) kept[column] = value
    }
}
