/**
 * Columns in Arrow's own layout: one typed array and a validity bitmap a field, growing as rows are added.
 * A batch of them goes through transforms and into Parquet with no object per record.
 */
export type ColumnType =
  | { kind: 'string' | 'long' | 'double' | 'boolean' | 'timestamp' | 'date' | 'binary' }
  /** A long that Parquet files hold in 32 bits, where their format says so. */
  | { kind: 'long'; bits: 32 }
  | { kind: 'list'; element: ColumnType }
  | { kind: 'struct'; fields: Field[] }
  | { kind: 'map'; value: ColumnType }

export interface Field {
  name: string
  type: ColumnType
  nullable: boolean
}

/**
 * Values by kind, as `appendValue` takes and `valueAt` gives them: string; long and date (days) as number;
 * timestamp as epoch milliseconds (stored as microseconds); double; boolean; binary as Uint8Array;
 * list as array; struct and map as object. `null` is null in every kind.
 */
export interface Column {
  type: ColumnType
  length: number
  nullCount: number
  validity: Uint8Array
  /** string, binary: bytes; long, timestamp: Int32 pairs (low, high); date: Int32; double: Float64; boolean: bitmap. */
  data: Uint8Array | Int32Array | Float64Array
  dataLength: number
  /** string, binary, list, map: `length + 1` offsets. */
  offsets: Int32Array
  /** list: [element]; struct: one a field; map: [key, value]. */
  children: Column[]
}

export interface ColumnBatch {
  fields: Field[]
  columns: Column[]
  length: number
}

const none = new Int32Array(0)
const childTypes = (type: ColumnType): ColumnType[] => {
  if (type.kind === 'list') return [type.element]
  if (type.kind === 'struct') return type.fields.map((field) => field.type)
  if (type.kind === 'map') return [{ kind: 'string' }, type.value]
  return []
}
const hasOffsets = ({ kind }: ColumnType) => kind === 'string' || kind === 'binary' || kind === 'list' || kind === 'map'

const newData = (type: ColumnType, capacity: number): Column['data'] => {
  switch (type.kind) {
    case 'double':
      return new Float64Array(capacity)
    case 'long':
    case 'timestamp':
      return new Int32Array(capacity * 2)
    case 'date':
      return new Int32Array(capacity)
    case 'boolean':
      return new Uint8Array((capacity + 7) >> 3)
    case 'string':
    case 'binary':
      return new Uint8Array(capacity * 16)
    default:
      return new Uint8Array(0)
  }
}

export const newColumn = (type: ColumnType, capacity = 64): Column => ({
  type,
  length: 0,
  nullCount: 0,
  validity: new Uint8Array((capacity + 7) >> 3),
  data: newData(type, capacity),
  dataLength: 0,
  offsets: hasOffsets(type) ? new Int32Array(capacity + 1) : none,
  children: childTypes(type).map((child) => newColumn(child, capacity)),
})

export const newBatch = (fields: Field[], capacity = 64): ColumnBatch => ({
  fields,
  columns: fields.map((field) => newColumn(field.type, capacity)),
  length: 0,
})

const grown = <A extends Uint8Array | Int32Array | Float64Array>(array: A, needed: number): A => {
  if (needed <= array.length) return array
  const larger = new (array.constructor as new (length: number) => A)(Math.max(needed, array.length * 2, 16))
  larger.set(array as never)
  return larger
}

const setBit = (bits: Uint8Array, index: number) => {
  bits[index >> 3]! |= 1 << (index & 7)
}
export const bitAt = (bits: Uint8Array, index: number): boolean => (bits[index >> 3]! & (1 << (index & 7))) !== 0
export const isNullAt = (column: Column, row: number): boolean => !bitAt(column.validity, row)

const TWO_32 = 4_294_967_296

const setLong = (column: Column, row: number, value: number) => {
  column.data = grown(column.data as Int32Array, (row + 1) * 2)
  if (!Number.isSafeInteger(value)) {
    const big = BigInt.asUintN(64, BigInt(Math.trunc(value)))
    column.data[row * 2] = Number(big & 0xffffffffn) | 0
    column.data[row * 2 + 1] = Number(big >> 32n) | 0
    return
  }
  column.data[row * 2] = value | 0
  column.data[row * 2 + 1] = Math.floor(value / TWO_32)
}

const setTimestamp = (column: Column, row: number, ms: number) => {
  if (Math.abs(ms) < 9e12) return setLong(column, row, Math.trunc(ms) * 1000)
  column.data = grown(column.data as Int32Array, (row + 1) * 2)
  const micros = BigInt.asUintN(64, BigInt(Math.trunc(ms)) * 1000n)
  column.data[row * 2] = Number(micros & 0xffffffffn) | 0
  column.data[row * 2 + 1] = Number(micros >> 32n) | 0
}

const longAt = (column: Column, row: number): number =>
  (column.data as Int32Array)[row * 2 + 1]! * TWO_32 + ((column.data as Int32Array)[row * 2]! >>> 0)

const encoder = new TextEncoder()
const decoder = new TextDecoder()

// Short text is given the room that it may need at most; for long text it is worth a look how much that is.
const LONG_TEXT = 1024
const roomFor = (text: string) => (text.length > LONG_TEXT ? Buffer.byteLength(text) : text.length * 3)

const appendText = (column: Column, text: string) => {
  column.data = grown(column.data as Uint8Array, column.dataLength + roomFor(text))
  const { written } = encoder.encodeInto(text, (column.data as Uint8Array).subarray(column.dataLength))
  column.dataLength += written
}

const appendBytes = (column: Column, bytes: Uint8Array) => {
  column.data = grown(column.data as Uint8Array, column.dataLength + bytes.length)
  ;(column.data as Uint8Array).set(bytes, column.dataLength)
  column.dataLength += bytes.length
}

const appendNested = (column: Column, value: unknown) => {
  const { type, children } = column
  if (type.kind === 'struct') {
    const record = value as Record<string, unknown> | null
    for (const [index, field] of type.fields.entries()) appendValue(children[index]!, record?.[field.name] ?? null)
  } else if (type.kind === 'list' && value !== null) {
    for (const element of value as unknown[]) appendValue(children[0]!, element)
  } else if (type.kind === 'map' && value !== null) {
    for (const [key, entry] of Object.entries(value as Record<string, unknown>)) {
      appendValue(children[0]!, key)
      appendValue(children[1]!, entry)
    }
  }
}

/** Adds one row. The value's form is that of the column's kind; nothing is checked here. */
export const appendValue = (column: Column, value: unknown): void => {
  const row = column.length
  const { kind } = column.type
  column.validity = grown(column.validity, (row >> 3) + 1)
  const isNull = value === null || value === undefined
  if (isNull) column.nullCount++
  else setBit(column.validity, row)
  switch (kind) {
    case 'string':
      if (!isNull) appendText(column, value as string)
      break
    case 'binary':
      if (!isNull) appendBytes(column, value as Uint8Array)
      break
    case 'long':
      setLong(column, row, isNull ? 0 : (value as number))
      break
    case 'timestamp':
      setTimestamp(column, row, isNull ? 0 : (value as number))
      break
    case 'date':
      column.data = grown(column.data as Int32Array, row + 1)
      column.data[row] = isNull ? 0 : (value as number)
      break
    case 'double':
      column.data = grown(column.data as Float64Array, row + 1)
      column.data[row] = isNull ? 0 : (value as number)
      break
    case 'boolean':
      column.data = grown(column.data as Uint8Array, (row >> 3) + 1)
      if (value === true) setBit(column.data as Uint8Array, row)
      break
    default:
      appendNested(column, isNull ? null : value)
  }
  if (hasOffsets(column.type)) {
    column.offsets = grown(column.offsets, row + 2)
    column.offsets[row + 1] = kind === 'string' || kind === 'binary' ? column.dataLength : column.children[0]!.length
  }
  column.length = row + 1
}

/** Adds so many rows of nulls at once. */
export const appendNulls = (column: Column, count: number): void => {
  const { type } = column
  const length = column.length + count
  column.validity = grown(column.validity, (length + 7) >> 3)
  column.nullCount += count
  if (type.kind === 'struct') for (const child of column.children) appendNulls(child, count)
  else if (hasOffsets(type)) {
    column.offsets = grown(column.offsets, length + 1)
    column.offsets.fill(column.offsets[column.length]!, column.length + 1, length + 1)
  } else if (type.kind === 'boolean') column.data = grown(column.data as Uint8Array, (length + 7) >> 3)
  else column.data = grown(column.data as Int32Array, type.kind === 'long' || type.kind === 'timestamp' ? length * 2 : length)
  column.length = length
}

/** A column of so many nulls. */
export const nullColumn = (type: ColumnType, length: number): Column => {
  const column = newColumn(type, length)
  appendNulls(column, length)
  return column
}

/** The value of one row, or null. */
export const valueAt = (column: Column, row: number): unknown => {
  if (isNullAt(column, row)) return null
  const { type, data, offsets, children } = column
  switch (type.kind) {
    case 'string':
      return decoder.decode((data as Uint8Array).subarray(offsets[row]!, offsets[row + 1]!))
    case 'binary':
      return (data as Uint8Array).slice(offsets[row]!, offsets[row + 1]!)
    case 'long':
      return longAt(column, row)
    case 'timestamp':
      return Math.floor(longAt(column, row) / 1000)
    case 'boolean':
      return bitAt(data as Uint8Array, row)
    case 'date':
    case 'double':
      return data[row]!
    case 'struct':
      return Object.fromEntries(type.fields.map((field, index) => [field.name, valueAt(children[index]!, row)]))
    case 'list':
      return Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, index) => valueAt(children[0]!, offsets[row]! + index))
    case 'map':
      return Object.fromEntries(
        Array.from({ length: offsets[row + 1]! - offsets[row]! }, (_, index) => [
          valueAt(children[0]!, offsets[row]! + index),
          valueAt(children[1]!, offsets[row]! + index),
        ]),
      )
  }
}

/** The column of that name. Throws where there is none: a name is never a guess. */
export const columnOf = (batch: ColumnBatch, name: string): Column => {
  const column = batch.columns[batch.fields.findIndex((field) => field.name === name)]
  if (!column) throw new Error(`no column ${name} among ${batch.fields.map((field) => field.name).join(', ')}`)
  return column
}
