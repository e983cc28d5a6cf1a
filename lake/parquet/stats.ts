import { bitAt, type Column, type ColumnBatch, isNullAt, valueAt } from '../columns/column.ts'
import { type Extremes, statsText } from './bounds.ts'

/** Delta's statistics of the file that holds these rows, as JSON text; of flat columns only. */
export const deltaStats = (batch: ColumnBatch): string => {
  const flat = batch.fields
    .map(({ name, type }, index) => ({ name, kind: type.kind, column: batch.columns[index]! }))
    .filter(({ kind }) => kind !== 'list' && kind !== 'struct' && kind !== 'map')
  return statsText(
    batch.length,
    flat.map(({ name, column }) => ({
      name,
      nullCount: column.nullCount,
      extremes: column.nullCount < column.length ? extremesOf(column) : null,
    })),
  )
}

const extremesOf = (column: Column): Extremes | null => {
  const { kind } = column.type
  switch (kind) {
    case 'string':
      return { kind, ...textExtremes(column) }
    case 'long':
    case 'timestamp':
      return { kind, ...longExtremes(column) }
    case 'double':
    case 'date':
      return { kind, ...numberExtremes(column) }
    case 'boolean':
      return { kind, ...booleanExtremes(column) }
    default:
      return null
  }
}

/** Of 64-bit integers, compared without making a number of them. */
const longExtremes = (column: Column): { min: bigint; max: bigint } => {
  const data = column.data as Int32Array
  const compare = (a: number, b: number) => data[a * 2 + 1]! - data[b * 2 + 1]! || (data[a * 2]! >>> 0) - (data[b * 2]! >>> 0)
  const { min, max } = extremeRows(column, compare)
  const exact = (row: number) => (BigInt(data[row * 2 + 1]!) << 32n) | BigInt(data[row * 2]! >>> 0)
  return { min: exact(min), max: exact(max) }
}

/** The rows of the smallest and the largest value. */
const extremeRows = (column: Column, compare: (a: number, b: number) => number): { min: number; max: number } => {
  let min = -1
  let max = -1
  for (let row = 0; row < column.length; row++) {
    if (isNullAt(column, row)) continue
    if (min < 0 || compare(row, min) < 0) min = row
    if (max < 0 || compare(row, max) > 0) max = row
  }
  return { min, max }
}

/** NaN where there is one. */
const numberExtremes = (column: Column): { min: number; max: number } => {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let row = 0; row < column.length; row++) {
    if (isNullAt(column, row)) continue
    const value = column.data[row]!
    if (Number.isNaN(value)) return { min: value, max: value }
    if (value < min) min = value
    if (value > max) max = value
  }
  return { min, max }
}

const booleanExtremes = (column: Column): { min: boolean; max: boolean } => {
  let trues = 0
  for (let row = 0; row < column.length; row++) if (!isNullAt(column, row) && bitAt(column.data as Uint8Array, row)) trues++
  return { min: trues === column.length - column.nullCount, max: trues > 0 }
}

const textExtremes = (column: Column): { min: string; max: string } => {
  const { min, max } = extremeRows(column, (a, b) => compareText(column, a, b))
  return { min: valueAt(column, min) as string, max: valueAt(column, max) as string }
}

const compareText = (column: Column, a: number, b: number): number => {
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
