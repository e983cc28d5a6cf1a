/** Text longer than this, in code points, is cut in the statistics. */
const MAX_TEXT = 32
const LAST_CHARACTER = '\u{10ffff}'
const MAX_DATE_MS = 253_402_300_799_999 // the last millisecond of the year 9999
const MIN_DATE_MS = -62_135_596_800_000 // the first one of the year 1
const DAY_MS = 86_400_000

/** The smallest and the largest value of a column in a file, nulls apart. */
export type Extremes =
  | { kind: 'string'; min: string; max: string }
  | { kind: 'long'; min: bigint; max: bigint }
  | { kind: 'double'; min: number; max: number }
  | { kind: 'boolean'; min: boolean; max: boolean }
  /** Days since 1970. */
  | { kind: 'date'; min: number; max: number }
  /** Microseconds since 1970. */
  | { kind: 'timestamp'; min: bigint; max: bigint }

export interface ColumnStats {
  name: string
  nullCount: number
  /** Null where the column has only nulls, and for kinds without an order. */
  extremes: Extremes | null
}

/**
 * Delta's statistics of a file as JSON text: numRecords, minValues, maxValues, nullCount. A bound that can not be given
 * exactly is rounded outwards, so that no reader skips a file that it needs. Every bound that can be given is: delta-rs'
 * pyarrow datasets take a column with values and no bound for one that nothing matches.
 */
export const statsText = (numRecords: number, columns: readonly ColumnStats[]): string => {
  const bounds = columns.map(({ name, extremes }) => ({ name, ...(extremes ? boundsText(extremes) : { min: null, max: null }) }))
  const values = (side: 'min' | 'max') =>
    bounds.flatMap((bound) => (bound[side] === null ? [] : [`${JSON.stringify(bound.name)}:${bound[side]}`])).join(',')
  const nullCount = JSON.stringify(Object.fromEntries(columns.map(({ name, nullCount }) => [name, nullCount])))
  // Put together by hand for the longs: JSON has numbers that JavaScript has not.
  return `{"numRecords":${numRecords},"minValues":{${values('min')}},"maxValues":{${values('max')}},"nullCount":${nullCount}}`
}

/** Bounds as the JSON text that stands for them; null where one can not be given. */
const boundsText = (extremes: Extremes): { min: string | null; max: string | null } => {
  switch (extremes.kind) {
    case 'string':
      return { min: JSON.stringify(cut(extremes.min)), max: JSON.stringify(roundedUp(extremes.max)) }
    case 'long':
    case 'boolean':
      return { min: String(extremes.min), max: String(extremes.max) }
    case 'double':
      return doubleText(extremes)
    case 'date':
      return { min: dateText(extremes.min), max: dateText(extremes.max) }
    case 'timestamp':
      return timestampText(extremes)
  }
}

const cut = (text: string): string => Array.from(text).slice(0, MAX_TEXT).join('')

/** The text, or where it is cut one that sorts after all that begin with the cut. */
const roundedUp = (text: string): string => {
  const characters = Array.from(text)
  if (characters.length <= MAX_TEXT) return text
  // The cut is not made before the last character of Unicode: nothing could be put in its place.
  let end = MAX_TEXT
  while (characters[end] === LAST_CHARACTER) end++
  return end < characters.length ? `${characters.slice(0, end).join('')}${LAST_CHARACTER}` : text
}

const doubleText = ({ min, max }: { min: number; max: number }) => {
  // Engines differ in where NaN sorts.
  if (Number.isNaN(min) || Number.isNaN(max)) return { min: null, max: null }
  // Infinity is a text, as Spark has it; and some engines put -0 before 0.
  const show = (value: number) => (Number.isFinite(value) ? String(value) : `"${value}"`)
  return { min: min === 0 ? '-0.0' : show(min), max: show(max) }
}

const dateText = (days: number) => timeText(days * DAY_MS)?.replace(/T.*Z/, '') ?? null

const timestampText = ({ min, max }: { min: bigint; max: bigint }) => {
  const floorMs = (micros: bigint) => Number(micros / 1000n) - (micros % 1000n < 0n ? 1 : 0)
  const ceilMs = (micros: bigint) => -floorMs(-micros)
  // One more than year 9999's last millisecond has five digits. Readers take a bound for any time within its millisecond.
  const maxMs = floorMs(max) === MAX_DATE_MS ? MAX_DATE_MS : ceilMs(max)
  return { min: timeText(floorMs(min)), max: timeText(maxMs) }
}

const timeText = (ms: number): string | null => (ms >= MIN_DATE_MS && ms <= MAX_DATE_MS ? JSON.stringify(new Date(ms)) : null)
