import type { Field } from '../../lake/columns/column.ts'
import { type Condition, valueBetween } from '../../lineage/conditions.ts'
import type { Bound, Filter } from './filters.ts'

const integers = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/
const times = /^(DATE|TIMESTAMP|TIMESTAMP WITH TIME ZONE|VARCHAR)$/

/**
 * By the kind of a column the types of what it may be compared with, so that DuckDB compares as the statistics are ordered: a
 * number with a FLOAT, or a text with a UUID, is turned into that first. A text is a time where it is written like one.
 */
const comparable: Record<string, (type: string) => boolean> = {
  string: (type) => type === 'VARCHAR',
  long: (type) => integers.test(type) || type === 'DOUBLE' || type.startsWith('DECIMAL('),
  date: (type) => times.test(type),
  timestamp: (type) => times.test(type),
}

/** What the log can tell of files for the filters of one mention of a table; of what it can not, there is no condition. */
export const conditionsOf = (filters: readonly Filter[], fields: readonly Field[]): Condition[] => {
  const kinds = new Map(fields.map(({ name, type }) => [name.toLowerCase(), { name, kind: type.kind }]))
  return filters.flatMap(({ column, low, high }) => {
    const found = kinds.get(column)
    const bounds = [low, high].filter((bound) => bound !== null)
    if (!found || !bounds.every(({ type }) => comparable[found.kind]?.(type))) return []
    return valueBetween(found.name, found.kind, boundOf(found.kind, low), boundOf(found.kind, high))
  })
}

const isTimeWithoutZone = /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?$/

const boundOf = (kind: string, bound: Bound | null): unknown => {
  const value = bound?.value ?? null
  if (kind === 'long') return typeof value === 'number' ? value : null
  // Sessions are in UTC.
  return kind === 'timestamp' && typeof value === 'string' && isTimeWithoutZone.test(value) ? `${value}Z` : value
}
