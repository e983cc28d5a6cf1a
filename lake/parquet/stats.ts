import { bitAt, type Column, type ColumnBatch, isNullAt, valueAt } from '../columns/column.ts'

/** Text longer than this, in code points, is cut in the statistics. */
const MAX_TEXT = 32
const MAX_DATE_MS = 253_402_300_799_999 // the last millisecond of the year 9999
const MIN_DATE_MS = -62_135_596_800_000 // the first one of the year 1
const DAY_MS = 86_400_000

type Bounds = { min: unknown; max: unknown } | null

/**
 * Delta's statistics of a file as JSON text: numRecords, and for flat columns minValues, maxValues, nullCount. A bound
 * that can not be given exactly is rounded outwards or left out, so that no reader skips a file that it needs.
 */
export const deltaStats = (batch: ColumnBatch): string => {
  const minValues: Record<string, unknown> = {}
  const maxValues: Record<string, unknown> = {}
  const nullCount: Record<string, number> = {}
  batch.fields.forEach(({ name, type }, index) => {
    if (type.kind === 'list' || type.kind === 'struct' || type.kind === 'map') return
    const column = batch.columns[index]!
    nullCount[name] = column.nullCount
    const bounds = column.nullCount === column.length ? null : boundsOf(column)
    if (bounds && bounds.min !== undefined) minValues[name] = bounds.min
    if (bounds && bounds.max !== undefined) maxValues[name] = bounds.max
  })
  return JSON.stringify({ numRecords: batch.length, minValues, maxValues, nullCount })
}

const boundsOf = (column: Column): Bounds => {
  switch (column.type.kind) {
    case 'string':
      return textBounds(column)
    case 'long':
      return numberBounds(column, exactLong, (value) => (Number.isSafeInteger(value) ? value : undefined))
    case 'double':
      return doubleBounds(column)
    case 'date':
      return numberBounds(
        column,
        (row) => (column.data as Int32Array)[row]!,
        (days) => dateText(days * DAY_MS),
      )
    case 'timestamp':
      return timestampBounds(column)
    default:
      return null
  }
}

const TWO_32 = 4_294_967_296
const exactLong = (row: number, column: Column): number => {
  const data = column.data as Int32Array
  return data[row * 2 + 1]! * TWO_32 + (data[row * 2]! >>> 0)
}

const extremes = (column: Column, numberAt: (row: number, column: Column) => number): { min: number; max: number } => {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let row = 0; row < column.length; row++) {
    if (!bitAt(column.validity, row)) continue
    const value = numberAt(row, column)
    if (value < min) min = value
    if (value > max) max = value
  }
  return { min, max }
}

const numberBounds = (column: Column, numberAt: (row: number, column: Column) => number, show: (value: number) => unknown): Bounds => {
  const { min, max } = extremes(column, numberAt)
  return { min: show(min), max: show(max) }
}

const doubleBounds = (column: Column): Bounds => {
  const data = column.data as Float64Array
  let hasNaN = false
  const { min, max } = extremes(column, (row) => {
    if (Number.isNaN(data[row])) hasNaN = true
    return data[row]!
  })
  // Engines differ in where NaN sorts, and JSON has no infinity.
  if (hasNaN) return null
  return { min: Number.isFinite(min) ? min : undefined, max: Number.isFinite(max) ? max : undefined }
}

const timestampBounds = (column: Column): Bounds => {
  const { min, max } = extremes(column, exactLong)
  // Beyond 2^53 a number is no longer the exact one, and a bound made of it might be too narrow.
  const exact = (micros: number) => (Number.isSafeInteger(micros) ? micros : Number.NaN)
  return { min: timeText(Math.floor(exact(min) / 1000)), max: timeText(Math.ceil(exact(max) / 1000)) }
}

const timeText = (ms: number): string | undefined => (ms >= MIN_DATE_MS && ms <= MAX_DATE_MS ? new Date(ms).toISOString() : undefined)
const dateText = (ms: number): string | undefined => timeText(ms)?.slice(0, 10)

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
  const largest = Array.from(valueAt(column, max) as string)
  const smallest = Array.from(valueAt(column, min) as string)
  return { min: smallest.slice(0, MAX_TEXT).join(''), max: roundedUp(largest) }
}

/** The text, or where it is cut one that sorts after all that begin with the cut. */
const roundedUp = (characters: string[]): string | undefined => {
  if (characters.length <= MAX_TEXT) return characters.join('')
  return characters[MAX_TEXT] === '\u{10ffff}' ? undefined : `${characters.slice(0, MAX_TEXT).join('')}\u{10ffff}`
}
