import {
  Field as ArrowField,
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  type Decimal,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  makeData,
  makeVector,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Type,
  tableFromIPC,
  Utf8,
  type Vector,
} from 'apache-arrow'
import { ReadflowError } from '../../runtime/errors.ts'
import { appendValue, type Column, type ColumnBatch, type ColumnType, type Field, newColumn, nullColumn } from '../columns/column.ts'
import { concatColumns } from '../columns/take.ts'

// Inner fields are always nullable: a null struct holds a null in each of its children.
const arrowType = (type: ColumnType): DataType => {
  switch (type.kind) {
    case 'string':
      return new Utf8()
    case 'long':
      return 'bits' in type ? new Int32() : new Int64()
    case 'double':
      return new Float64()
    case 'boolean':
      return new Bool()
    case 'timestamp':
      return new TimestampMicrosecond('UTC')
    case 'date':
      return new DateDay()
    case 'binary':
      return new Binary()
    case 'list':
      return new List(new ArrowField('element', arrowType(type.element), true))
    case 'struct':
      return new Struct(type.fields.map((field) => new ArrowField(field.name, arrowType(field.type), true)))
    case 'map':
      return mapType(type.value)
  }
}

const mapType = (value: ColumnType): DataType => {
  const entries = new ArrowField('', mapEntry(value), false)
  const type = new Map_(entries as never)
  // Map_ names it 'entries', which Parquet files would then say where their format says 'key_value'.
  Object.assign(entries, { name: 'key_value' })
  return type
}

const mapEntry = (value: ColumnType) =>
  new Struct<{ key: Utf8; value: DataType }>([new ArrowField('key', new Utf8(), false), new ArrowField('value', arrowType(value), true)])

const wide = (data: Column['data'], length: number) => new BigInt64Array(data.buffer as ArrayBuffer, data.byteOffset, length)
const lowWords = (data: Column['data'], length: number) => Int32Array.from({ length }, (_, row) => data[row * 2]!)

/** The column's own arrays under Arrow's name for them; nothing is copied. */
const arrowData = (column: Column): Data => {
  const { length, nullCount, offsets, children } = column
  const nullBitmap = nullCount === 0 ? undefined : column.validity.subarray(0, (length + 7) >> 3)
  const common = { type: arrowType(column.type), length, nullCount, nullBitmap }
  const valueOffsets = offsets.subarray(0, length + 1)
  switch (column.type.kind) {
    case 'string':
    case 'binary':
      return makeData({ ...common, valueOffsets, data: column.data.subarray(0, column.dataLength) } as never)
    case 'long':
    case 'timestamp':
      return makeData({ ...common, data: 'bits' in column.type ? lowWords(column.data, length) : wide(column.data, length) } as never)
    case 'boolean':
      return makeData({ ...common, data: column.data.subarray(0, (length + 7) >> 3) } as never)
    case 'date':
    case 'double':
      return makeData({ ...common, data: column.data.subarray(0, length) } as never)
    case 'list':
      return makeData({ ...common, valueOffsets, child: arrowData(children[0]!) } as never)
    case 'struct':
      return makeData({ ...common, children: children.map(arrowData) } as never)
    case 'map': {
      const [key, value] = children.map(arrowData)
      const type = mapEntry(column.type.value)
      const child = makeData({ type, length: children[0]!.length, nullCount: 0, children: [key!, value!] })
      return makeData({ ...common, valueOffsets, child } as never)
    }
  }
}

/** A batch as one Arrow IPC stream. */
export const toIpc = (batch: ColumnBatch): Uint8Array => {
  const fields = batch.fields.map((field) => new ArrowField(field.name, arrowType(field.type), field.nullable))
  const schema = new Schema(fields)
  const data = makeData({ type: new Struct(fields), length: batch.length, nullCount: 0, children: batch.columns.map(arrowData) })
  const writer = new RecordBatchStreamWriter()
  writer.write(new RecordBatch(schema, data))
  writer.finish()
  return writer.toUint8Array(true)
}

const columnType = (type: DataType, name: string): ColumnType => {
  switch (type.typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
    case Type.Decimal:
      return { kind: 'string' }
    case Type.Int:
      return { kind: 'long' }
    case Type.Float:
      return { kind: 'double' }
    case Type.Bool:
      return { kind: 'boolean' }
    case Type.Timestamp:
      return { kind: 'timestamp' }
    case Type.Date:
      return { kind: 'date' }
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
      return { kind: 'binary' }
    case Type.Dictionary:
      return columnType((type as { dictionary?: DataType } & DataType).dictionary!, name)
    case Type.List:
      return { kind: 'list', element: columnType(type.children[0]!.type, name) }
    case Type.Struct:
      return { kind: 'struct', fields: type.children.map((field) => readField(field)) }
    case Type.Map:
      return { kind: 'map', value: columnType((type.children[0]!.type as Struct).children[1]!.type, name) }
    default:
      throw new ReadflowError('lake-invalid', `column ${name} has the type ${type}, which ReadFlow does not read`)
  }
}

const readField = ({ name, type, nullable }: ArrowField): Field => ({ name, type: columnType(type, name), nullable })

const validityOf = (data: Data): Uint8Array => {
  const bytes = (data.length + 7) >> 3
  if (data.nullCount > 0) return data.nullBitmap.subarray(0, bytes)
  const all = new Uint8Array(bytes).fill(255)
  // Bits past the end stay 0: rows that are appended later only ever set them.
  if (data.length & 7) all[bytes - 1] = (1 << (data.length & 7)) - 1
  return all
}

/** A column over Arrow's own arrays where they are laid out as ours are, else of converted ones. */
const toColumn = (data: Data, type: ColumnType, name: string): Column => {
  const { length, nullCount } = data
  const common = { type, length, nullCount, validity: validityOf(data), data: new Uint8Array(0), dataLength: 0, children: [] }
  const offsets: Int32Array = data.valueOffsets ?? new Int32Array(0)
  const { typeId } = data.type
  if (type.kind === 'struct' && typeId === Type.Struct) {
    const children = type.fields.map((field) => {
      const child = data.children[data.type.children.findIndex((candidate) => candidate.name === field.name)]
      return child ? toColumn(child, field.type, `${name}.${field.name}`) : nullColumn(field.type, length)
    })
    return { ...common, offsets, children }
  }
  if (type.kind === 'list' && typeId === Type.List)
    return { ...common, offsets, children: [toColumn(data.children[0]!, type.element, name)] }
  if (type.kind === 'map' && typeId === Type.Map) {
    const [key, value] = data.children[0]!.children
    return {
      ...common,
      offsets,
      children: [toColumn(key!, { kind: 'string' }, `${name}.key`), toColumn(value!, type.value, `${name}.value`)],
    }
  }
  const values = fixedValues(data, type.kind)
  if (values) return { ...common, data: values, offsets: new Int32Array(0) }
  const isSharedText = typeId === (type.kind === 'string' ? Type.Utf8 : Type.Binary)
  if (isSharedText && (type.kind === 'string' || type.kind === 'binary'))
    return { ...common, data: data.values, dataLength: offsets[length] ?? 0, offsets }
  if (columnType(data.type, name).kind !== type.kind)
    throw new ReadflowError('lake-invalid', `column ${name} is ${data.type} in a file, where a ${type.kind} is expected`)
  return appended(data, type)
}

/** The values of a kind of fixed width: Arrow's own array where it is laid out as ours, else a converted one. */
const fixedValues = ({ type, values, length }: Data, kind: ColumnType['kind']): Column['data'] | null => {
  if (kind === 'boolean' && type.typeId === Type.Bool) return values
  if (kind === 'double' && type.typeId === Type.Float) return values instanceof Float64Array ? values : Float64Array.from(values)
  if (kind === 'date' && type.typeId === Type.Date)
    return values instanceof Int32Array ? values : Int32Array.from({ length }, (_, row) => Math.floor(Number(values[row]) / 86_400_000))
  if (kind === 'long' && type.typeId === Type.Int)
    return (type as Int64).bitWidth === 64 ? pairsOf(values, length) : widened(values, length)
  if (kind === 'timestamp' && type.typeId === Type.Timestamp) return inMicros(values, (type as TimestampMicrosecond).unit, length)
  return null
}

const pairsOf = (values: BigInt64Array, length: number) => new Int32Array(values.buffer as ArrayBuffer, values.byteOffset, length * 2)

const widened = (values: Int32Array, length: number): Int32Array => {
  const pairs = new Int32Array(length * 2)
  for (let row = 0; row < length; row++) {
    pairs[row * 2] = values[row]!
    pairs[row * 2 + 1] = values[row]! < 0 ? -1 : 0
  }
  return pairs
}

/** Second, millisecond, microsecond, nanosecond, by Arrow's number of them. */
const inMicros = (values: BigInt64Array, unit: number, length: number): Int32Array => {
  if (unit === 2) return pairsOf(values, length)
  const convert = unit === 3 ? floorToMicros : (value: bigint) => value * (unit === 0 ? 1_000_000n : 1000n)
  const micros = new BigInt64Array(length)
  for (let row = 0; row < length; row++) micros[row] = convert(values[row]!)
  return pairsOf(micros, length)
}

const floorToMicros = (nanos: bigint): bigint => (nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n

/** The rows one by one, for text and bytes in another layout than ours. */
const appended = (data: Data, type: ColumnType): Column => {
  const vector = makeVector(data)
  const column = newColumn(type, data.length)
  const { typeId } = data.type
  const decimals = typeId === Type.Decimal ? (data.type as Decimal).scale : null
  for (let row = 0; row < data.length; row++) {
    const value = vector.get(row)
    appendValue(column, value === null || decimals === null ? value : decimalText(value as Uint32Array, decimals))
  }
  return column
}

/** The text of a decimal, such as -1.25, from its 128 bits, lowest word first. */
const decimalText = (words: Uint32Array, scale: number): string => {
  const unscaled = BigInt.asIntN(
    128,
    [...words].reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n),
  )
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  return `${unscaled < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`
}

const vectorColumn = (vector: Vector, { name, type }: Field): Column =>
  vector.length === 0
    ? newColumn(type, 0)
    : concatColumns(
        vector.data.map((data) => toColumn(data, type, name)),
        type,
      )

/** The batch in an Arrow IPC stream; its columns may share the stream's memory. Throws `lake-invalid` for types we lack. */
export const fromIpc = (ipc: Uint8Array): ColumnBatch => {
  const table = tableFromIPC(ipc)
  const fields = table.schema.fields.map(readField)
  return { fields, length: table.numRows, columns: fields.map((field, index) => vectorColumn(table.getChildAt(index)!, field)) }
}

/**
 * The batch in an Arrow IPC stream as columns of these fields, whatever else it has. A field that it lacks, at any
 * depth, is null in every row. Throws `lake-invalid` where a type is not that of the field.
 */
export const fromIpcAs = (ipc: Uint8Array, fields: readonly Field[]): ColumnBatch => {
  const table = tableFromIPC(ipc)
  const columns = fields.map((field) => {
    const vector = table.getChild(field.name)
    return vector ? vectorColumn(vector, field) : nullColumn(field.type, table.numRows)
  })
  return { fields: [...fields], length: table.numRows, columns }
}
