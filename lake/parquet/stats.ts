import { bitAt, type Column, type ColumnBatch, isNullAt, valueAt } from '../columns/column.ts'

/** Text longer than this, in code points, is cut in the statistics. */
const MAX_TEXT = 32
const MAX_DATE_MS = 253_402_300_799_999 // the last millisecond of the year 9999
const MIN_DATE_MS = -62_135_596_800_000 // the first one of the year 1
const DAY_MS = 86_400_000

/** A bound as the JSON text that stands for it; null where there is none. */
type Bounds = { min: string | null; max: string | null } | null

/**
 * Delta's statistics of a file as JSON text: numRecords, and for flat columns minValues, maxValues, nullCount. A bound
 * that can not be given exactly is rounded outwards, so that no reader skips a file that it needs. Every bound that can
 * be given is: delta-rs' pyarrow datasets take a column with values and no bound for one that nothing matches.
 */
export const deltaStats = (batch: ColumnBatch): string => {
  const minValues: string[] = []
  const maxValues: string[] = []
  const nullCount: Record<string, number> = {}
  batch.fields.forEach(({ name, type }, index) => {
    if (type.kind === 'list' || type.kind === 'struct' || type.kind === 'map') return
    const column = batch.columns[index]!
    nullCount[name] = column.nullCount
    const { min, max } = (column.nullCount < column.length && boundsOf(column)) || { min: null, max: null }
    if (min !== null) minValues.push(`${JSON.stringify(name)}:${min}`)
    if (max !== null) maxValues.push(`${JSON.stringify(name)}:${max}`)
  })
  // Put together by hand for the longs: JSON has numbers that JavaScript has not.
  return `{"numRecords":${batch.length},"minValues":{${minValues}},"maxValues":{${maxValues}},"nullCount":${JSON.stringify(nullCount)}}`
}

const boundsOf = (column: Column): Bounds => {
  switch (column.type.kind) {
    case 'string':
      return textBounds(column)
    case 'long':
      return longBounds(column)
    case 'double':
      return doubleBounds(column)
    case 'boolean':
      return booleanBounds(column)
    case 'date':
      return dateBounds(column)
    case 'timestamp':
      return timestampBounds(column)
    default:
      return null
  }
}

/** The rows of the smallest and the largest of 64-bit integers, compared without making a number of them. */
const longExtremes = (column: Column): { min: bigint; max: bigint } => {
  const data = column.data as Int32Array
  const compare = (a: number, b: number) => data[a * 2 + 1]! - data[b * 2 + 1]! || (data[a * 2]! >>> 0) - (data[b * 2]! >>> 0)
  let min = -1
  let max = -1
  for (let row = 0; row < column.length; row++) {
    if (!bitAt(column.validity, row)) continue
    if (min < 0 || compare(row, min) < 0) min = row
    if (max < 0 || compare(row, max) > 0) max = row
  }
  const exact = (row: number) => (BigInt(data[row * 2 + 1]!) << 32n) | BigInt(data[row * 2]! >>> 0)
  return { min: exact(min), max: exact(max) }
}

const longBounds = (column: Column): Bounds => {
  const { min, max } = longExtremes(column)
  return { min: String(min), max: String(max) }
}

const numberExtremes = (column: Column): { min: number; max: number } => {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let row = 0; row < column.length; row++) {
    if (!bitAt(column.validity, row)) continue
    const value = column.data[row]!
    if (Number.isNaN(value)) return { min: value, max: value }
    // Some engines put -0 before 0.
    if (value < min || (value === min && Object.is(value, -0))) min = value
    if (value > max) max = value
  }
  return { min, max }
}

const doubleBounds = (column: Column): Bounds => {
  const { min, max } = numberExtremes(column)
  // Engines differ in where NaN sorts.
  if (Number.isNaN(min)) return null
  // Infinity is a text, as Spark has it.
  const show = (value: number) => (Number.isFinite(value) ? String(value) : `"${value}"`)
  return { min: Object.is(min, -0) ? '-0.0' : show(min), max: show(max) }
}

const booleanBounds = (column: Column): Bounds => {
  let trues = 0
  for (let row = 0; row < column.length; row++) if (bitAt(column.validity, row) && bitAt(column.data as Uint8Array, row)) trues++
  return { min: String(trues === column.length - column.nullCount), max: String(trues > 0) }
}

const dateBounds = (column: Column): Bounds => {
  const { min, max } = numberExtremes(column)
  const show = (days: number) => timeText(days * DAY_MS)?.replace(/T.*Z/, '') ?? null
  return { min: show(min), max: show(max) }
}

const timestampBounds = (column: Column): Bounds => {
  const { min, max } = longExtremes(column)
  const floorMs = (micros: bigint) => Number(micros / 1000n) - (micros % 1000n < 0n ? 1 : 0)
  const ceilMs = (micros: bigint) => -floorMs(-micros)
  // The upper bound of year 9999's last millisecond has five digits. Readers take it for any time within its millisecond.
  const maxMs = floorMs(max) === MAX_DATE_MS ? MAX_DATE_MS : ceilMs(max)
  return { min: timeText(floorMs(min)), max: timeText(maxMs) }
}

const timeText = (ms: number): string | null => (ms >= MIN_DATE_MS && ms <= MAX_DATE_MS ? JSON.stringify(new Date(ms)) : null)

const compareRows = (column: Column, a: number, b: number): number => {
  const data = column.data as Uint8Array
  const { offsets } = column
  const startA = offsets[a]!
  const startB = offsets[b]!
  const lengthA = offsets[a + 1]! - startA
  const lengthB = offsets[b + 1]! - startB
  for (let index = 0; index < lengthA && index < lengthB; index++) {
    const difference = data[startA + index]! - data[startB + index]!
    if (difference !== 0) return difference
  }
  return lengthA - lengthB
}

const textBounds = (column: Column): Bounds => {
  let min = -1
  let max = -1
  for (let row = 0; row < column.length; row++) {
    if (isNullAt(column, row)) continue
    if (min < 0 || compareRows(column, row, min) < 0) min = row
    if (max < 0 || compareRows(column, row, max) > 0) max = row
  }
  const smallest = Array.from(valueAt(column, min) as string)
  return { min: JSON.stringify(smallest.slice(0, MAX_TEXT).join('')), max: JSON.stringify(roundedUp(valueAt(column, max) as string)) }
}

const LAST = '\u{10ffff}'

/** The text, or where it is cut one that sorts after all that begin with the cut. */
const roundedUp = (text: string): string => {
  const characters = Array.from(text)
  if (characters.length <= MAX_TEXT) return text
  // The cut is made before the last character of Unicode: nothing could be put after it.
  let end = MAX_TEXT
  while (characters[end] === LAST) end++
  return end < characters.length ? `${characters.slice(0, end).join('')}${LAST}` : text
}
