import type { AddFile } from '../lake/delta/actions.ts'
import { sqlName, sqlText } from '../lake/sql.ts'
import { comparePaths } from '../lake/store/store.ts'

/** What rows are looked for by: in SQL, and by what the log says of a file, which may be nothing. */
export interface Condition {
  /** Null for one that the log alone can tell: of a partition column. */
  sql: string | null
  mayHold: (file: FileFacts) => boolean
}

export interface FileFacts {
  partitionValues: AddFile['partitionValues']
  min: Readonly<Record<string, unknown>>
  max: Readonly<Record<string, unknown>>
}

/** What the log says of a file, for conditions. */
export const factsOf = ({ partitionValues, stats }: AddFile): FileFacts => {
  const { minValues = {}, maxValues = {} } = (stats === undefined ? {} : JSON.parse(stats)) as {
    minValues?: Record<string, unknown>
    maxValues?: Record<string, unknown>
  }
  return { partitionValues, min: minValues, max: maxValues }
}

/** A bound that is missing holds anything. */
const between = <T>(
  least: unknown,
  most: unknown,
  is: { of: (bound: unknown) => T | null; from: T; to: T },
  compare: (a: T, b: T) => number,
) => {
  const [low, high] = [is.of(least), is.of(most)]
  return (low === null || compare(low, is.to) <= 0) && (high === null || compare(high, is.from) >= 0)
}

const textOf = (bound: unknown) => (typeof bound === 'string' ? bound : null)
const numberOf = (bound: unknown) => (typeof bound === 'number' ? bound : null)
/** A time says which instant it is, by its zone or as the day of UTC: all else would be read by the zone of this machine. */
const isInstant = /^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/
const timeOf = (bound: unknown) => {
  const ms = typeof bound === 'string' && isInstant.test(bound) ? Date.parse(bound.replace(' ', 'T')) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}
const difference = (a: number, b: number) => a - b

export const textIs = (column: string, value: string): Condition => ({
  sql: `${sqlName(column)} = ${sqlText(value)}`,
  mayHold: ({ min, max }) => between(min[column], max[column], { of: textOf, from: value, to: value }, comparePaths),
})

export const longIs = (column: string, value: number): Condition => ({
  sql: `${sqlName(column)} = ${Math.trunc(value)}`,
  mayHold: ({ min, max }) => between(min[column], max[column], { of: numberOf, from: value, to: value }, difference),
})

/** Both ends included. */
export const longBetween = (column: string, from: number, to: number): Condition => ({
  sql: `${sqlName(column)} BETWEEN ${Math.trunc(from)} AND ${Math.trunc(to)}`,
  mayHold: ({ min, max }) => between(min[column], max[column], { of: numberOf, from, to }, difference),
})

/** A binary column that holds this text; the log has no bounds of those. */
export const bytesAre = (column: string, value: string): Condition => ({
  sql: `${sqlName(column)} = encode(${sqlText(value)})`,
  mayHold: () => true,
})

/** Both ends included. Bounds in the log may be rounded to milliseconds. */
export const timeBetween = (column: string, fromMs: number, toMs: number): Condition => ({
  sql: `epoch_ms(${sqlName(column)}) BETWEEN ${fromMs} AND ${toMs}`,
  mayHold: ({ min, max }) => between(min[column], max[column], { of: timeOf, from: fromMs - 1, to: toMs + 1 }, difference),
})

/** A partition column of days, from the day of a time to that of another. */
export const dayBetween = (column: string, fromMs: number, toMs: number): Condition => {
  const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 10)) as [string, string]
  return {
    sql: null,
    mayHold: ({ partitionValues }) => {
      const day = partitionValues[column]
      return !day || (day >= from && day <= to)
    },
  }
}

/** A partition column of texts with that value. */
export const partitionIs = (column: string, value: string): Condition => ({
  sql: null,
  mayHold: ({ partitionValues }) => (partitionValues[column] ?? '') === value,
})

/** A partition column of months (`YYYY-MM`, or `unknown`) that has days from `from` (inclusive) to `to` (exclusive), both YYYY-MM-DD. */
export const monthsBetween = (column: string, from: string, to: string): Condition => ({
  sql: null,
  mayHold: ({ partitionValues }) => {
    const month = partitionValues[column]
    if (!month) return true
    return month !== 'unknown' && month >= from.slice(0, 7) && `${month}-01` < to
  },
})

/** A column of a kind of the lake between two values, both included, null for no bound; a value of another kind says nothing. */
export const valueBetween = (column: string, kind: string, low: unknown, high: unknown): Condition => {
  const within = <T>(of: (bound: unknown) => T | null, compare: (a: T, b: T) => number, slack: (value: T, by: number) => T) => {
    const [from, to] = [of(low), of(high)]
    return ({ partitionValues, min, max }: FileFacts) => {
      const isPartition = Object.hasOwn(partitionValues, column)
      const [least, most] = isPartition ? [of(partitionValues[column]), of(partitionValues[column])] : [of(min[column]), of(max[column])]
      if (from !== null && most !== null && compare(most, slack(from, -1)) < 0) return false
      return !(to !== null && least !== null && compare(least, slack(to, 1)) > 0)
    }
  }
  // A day, or the day of an instant of UTC; of years before Christ or beyond 9999 nothing is said.
  const dayOf = (bound: unknown) => (typeof bound === 'string' && /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(bound) ? bound.slice(0, 10) : null)
  // A partition's value is text.
  const longOf = (bound: unknown) =>
    typeof bound === 'string' && /^-?\d{1,15}$/.test(bound)
      ? Number(bound)
      : typeof bound === 'number' && Number.isFinite(bound)
        ? bound
        : null
  const exact = <T>(value: T) => value
  const mayHold =
    kind === 'string'
      ? within(textOf, comparePaths, exact)
      : kind === 'long'
        ? within(longOf, difference, exact)
        : kind === 'date'
          ? within(dayOf, comparePaths, exact)
          : kind === 'timestamp'
            ? within(timeOf, difference, (value, by) => value + by)
            : () => true
  return { sql: null, mayHold }
}
