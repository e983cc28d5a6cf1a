import { bitAt, type Column, type ColumnBatch, type ColumnType, newColumn } from './column.ts'

/** Row numbers, in the order in which they are wanted; a row may come more than once. */
export type Rows = Int32Array | readonly number[]

const copyBits = (from: Uint8Array, rows: Rows, to: Uint8Array): number => {
  let set = 0
  for (let index = 0; index < rows.length; index++) {
    if (!bitAt(from, rows[index]!)) continue
    to[index >> 3]! |= 1 << (index & 7)
    set++
  }
  return set
}

const takeFixed = (column: Column, rows: Rows, width: 1 | 2): Column['data'] => {
  const from = column.data as Int32Array
  const to = new (from.constructor as Int32ArrayConstructor)(rows.length * width)
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!
    to[index * width] = from[row * width]!
    if (width === 2) to[index * 2 + 1] = from[row * 2 + 1]!
  }
  return to
}

const takeOffsets = ({ offsets }: Column, rows: Rows): Int32Array => {
  const taken = new Int32Array(rows.length + 1)
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!
    taken[index + 1] = taken[index]! + offsets[row + 1]! - offsets[row]!
  }
  return taken
}

const takeBytes = (column: Column, rows: Rows, offsets: Int32Array): Uint8Array => {
  const from = column.data as Uint8Array
  const to = new Uint8Array(offsets[rows.length]!)
  for (let index = 0; index < rows.length; index++) {
    const start = column.offsets[rows[index]!]!
    const length = offsets[index + 1]! - offsets[index]!
    const target = offsets[index]!
    // A call a row costs more than the bytes themselves where they are few.
    if (length < 24) for (let byte = 0; byte < length; byte++) to[target + byte] = from[start + byte]!
    else to.set(from.subarray(start, start + length), target)
  }
  return to
}

const childRows = (column: Column, rows: Rows, offsets: Int32Array): Int32Array => {
  const children = new Int32Array(offsets[rows.length]!)
  for (let index = 0, target = 0; index < rows.length; index++) {
    const row = rows[index]!
    for (let child = column.offsets[row]!; child < column.offsets[row + 1]!; child++) children[target++] = child
  }
  return children
}

/** A new column of the given rows of another. */
export const takeColumn = (column: Column, rows: Rows): Column => {
  const { type } = column
  const taken = newColumn(type, 0)
  taken.length = rows.length
  taken.validity = new Uint8Array((rows.length + 7) >> 3)
  taken.nullCount = rows.length - copyBits(column.validity, rows, taken.validity)
  switch (type.kind) {
    case 'long':
    case 'timestamp':
      taken.data = takeFixed(column, rows, 2)
      break
    case 'date':
    case 'double':
      taken.data = takeFixed(column, rows, 1)
      break
    case 'boolean':
      taken.data = new Uint8Array((rows.length + 7) >> 3)
      copyBits(column.data as Uint8Array, rows, taken.data)
      break
    case 'string':
    case 'binary':
      taken.offsets = takeOffsets(column, rows)
      taken.data = takeBytes(column, rows, taken.offsets)
      taken.dataLength = taken.data.length
      break
    case 'struct':
      taken.children = column.children.map((child) => takeColumn(child, rows))
      break
    case 'list':
    case 'map': {
      taken.offsets = takeOffsets(column, rows)
      const inner = childRows(column, rows, taken.offsets)
      taken.children = column.children.map((child) => takeColumn(child, inner))
    }
  }
  return taken
}

/** A new batch of the given rows of another, in that order. Row numbers are not checked. */
export const take = (batch: ColumnBatch, rows: Rows): ColumnBatch => ({
  fields: batch.fields,
  length: rows.length,
  columns: batch.columns.map((column) => takeColumn(column, rows)),
})

/** The rows of columns of one type, one after the other; a single column is given back as it is. */
export const concatColumns = (columns: readonly Column[], type: ColumnType): Column => {
  if (columns.length === 1) return columns[0]!
  const length = columns.reduce((sum, column) => sum + column.length, 0)
  const whole = newColumn(type, 0)
  whole.length = length
  whole.nullCount = columns.reduce((sum, column) => sum + column.nullCount, 0)
  whole.validity = concatBits(columns, length, (column) => column.validity)
  const isText = type.kind === 'string' || type.kind === 'binary'
  if (isText || type.kind === 'list' || type.kind === 'map') whole.offsets = concatOffsets(columns, length)
  if (isText) {
    whole.data = concatBytes(columns, whole.offsets[length]!)
    whole.dataLength = whole.data.length
  } else if (type.kind === 'boolean') {
    whole.data = concatBits(columns, length, (column) => column.data as Uint8Array)
  } else if (type.kind === 'list' || type.kind === 'map' || type.kind === 'struct') {
    whole.children = whole.children.map((child, index) =>
      concatColumns(
        columns.map((column) => innerOf(column, index)),
        child.type,
      ),
    )
  } else {
    whole.data = concatFixed(columns, type.kind === 'long' || type.kind === 'timestamp' ? 2 : 1, whole.data)
  }
  return whole
}

/** The rows of batches with the same fields, one after the other. */
export const concatBatches = (batches: readonly [ColumnBatch, ...ColumnBatch[]]): ColumnBatch => ({
  fields: batches[0].fields,
  length: batches.reduce((sum, batch) => sum + batch.length, 0),
  columns: batches[0].fields.map((field, index) =>
    concatColumns(
      batches.map((batch) => batch.columns[index]!),
      field.type,
    ),
  ),
})

/** A child without the elements outside of its parent's offsets. */
const innerOf = (column: Column, index: number): Column => {
  const child = column.children[index]!
  if (column.type.kind === 'struct') return child
  const start = column.offsets[0] ?? 0
  const end = column.offsets[column.length] ?? 0
  return start === 0 && end === child.length
    ? child
    : takeColumn(
        child,
        Int32Array.from({ length: end - start }, (_, row) => start + row),
      )
}

const concatBits = (columns: readonly Column[], length: number, bitsOf: (column: Column) => Uint8Array): Uint8Array => {
  const bits = new Uint8Array((length + 7) >> 3)
  let at = 0
  for (const column of columns) {
    const from = bitsOf(column)
    for (let row = 0; row < column.length; row++, at++) if (bitAt(from, row)) bits[at >> 3]! |= 1 << (at & 7)
  }
  return bits
}

const concatOffsets = (columns: readonly Column[], length: number): Int32Array => {
  const offsets = new Int32Array(length + 1)
  let at = 0
  for (const column of columns)
    for (let row = 0; row < column.length; row++, at++) offsets[at + 1] = offsets[at]! + column.offsets[row + 1]! - column.offsets[row]!
  return offsets
}

const concatBytes = (columns: readonly Column[], length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const column of columns) {
    const from = (column.data as Uint8Array).subarray(column.offsets[0] ?? 0, column.offsets[column.length] ?? 0)
    bytes.set(from, at)
    at += from.length
  }
  return bytes
}

const concatFixed = (columns: readonly Column[], width: 1 | 2, sample: Column['data']): Column['data'] => {
  const length = columns.reduce((sum, column) => sum + column.length * width, 0)
  const whole = new (sample.constructor as Int32ArrayConstructor)(length)
  let at = 0
  for (const column of columns) {
    whole.set((column.data as Int32Array).subarray(0, column.length * width), at)
    at += column.length * width
  }
  return whole
}
