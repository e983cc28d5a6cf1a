import {
  Field as ArrowField,
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Float64,
  Int64,
  List,
  Map_,
  makeData,
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
import { appendValue, type Column, type ColumnBatch, type ColumnType, type Field, newColumn } from '../columns/column.ts'
import { concatColumns } from '../columns/take.ts'

// Inner fields are always nullable: a null struct holds a null in each of its children.
const arrowType = (type: ColumnType): DataType => {
  switch (type.kind) {
    case 'string':
      return new Utf8()
    case 'long':
      return new Int64()
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
      return new Map_(new ArrowField('key_value', mapEntry(type.value), false) as never)
  }
}

const mapEntry = (value: ColumnType) =>
  new Struct<{ key: Utf8; value: DataType }>([new ArrowField('key', new Utf8(), false), new ArrowField('value', arrowType(value), true)])

const wide = (data: Column['data'], length: number) => new BigInt64Array(data.buffer as ArrayBuffer, data.byteOffset, length)

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
      return makeData({ ...common, data: wide(column.data, length) } as never)
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

const isInteger = (type: DataType) => type.typeId === Type.Int
const isTime = (type: DataType) => type.typeId === Type.Timestamp

const columnType = (type: DataType, name: string): ColumnType => {
  switch (type.typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Utf8View:
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

/** Whether Arrow's arrays of this type are laid out exactly as ours. */
const isSameLayout = (type: DataType): boolean => {
  if (type.typeId === Type.Int) return (type as Int64).bitWidth === 64
  if (type.typeId === Type.Float) return (type as Float64).precision === 2
  if (type.typeId === Type.Timestamp) return (type as TimestampMicrosecond).unit === 2
  if (type.typeId === Type.Date) return (type as DateDay).unit === 0
  if (type.typeId === Type.List || type.typeId === Type.Struct || type.typeId === Type.Map)
    return type.children.every((child) => isSameLayout(child.type))
  return type.typeId === Type.Utf8 || type.typeId === Type.Binary || type.typeId === Type.Bool
}

const validityOf = (data: Data): Uint8Array => {
  const bytes = (data.length + 7) >> 3
  if (data.nullCount > 0) return data.nullBitmap.subarray(0, bytes)
  const all = new Uint8Array(bytes).fill(255)
  // Bits past the end stay 0: rows that are appended later only ever set them.
  if (data.length & 7) all[bytes - 1] = (1 << (data.length & 7)) - 1
  return all
}

const ints = (values: BigInt64Array, length: number) => new Int32Array(values.buffer as ArrayBuffer, values.byteOffset, length * 2)

/** A column over Arrow's own arrays; nothing is copied. */
const viewColumn = (data: Data, type: ColumnType): Column => {
  const { length, nullCount, valueOffsets } = data
  const entries = type.kind === 'map' ? data.children[0]!.children : data.children
  const childTypes =
    type.kind === 'list'
      ? [type.element]
      : type.kind === 'map'
        ? [{ kind: 'string' } as const, type.value]
        : type.kind === 'struct'
          ? type.fields.map((field) => field.type)
          : []
  const values = type.kind === 'long' || type.kind === 'timestamp' ? ints(data.values, length) : (data.values ?? new Uint8Array(0))
  return {
    type,
    length,
    nullCount,
    validity: validityOf(data),
    data: values,
    dataLength: type.kind === 'string' || type.kind === 'binary' ? (valueOffsets[length] ?? 0) : 0,
    offsets: valueOffsets ?? new Int32Array(0),
    children: childTypes.map((child, index) => viewColumn(entries[index]!, child)),
  }
}

const hasOffset = (data: Data): boolean => data.offset !== 0 || data.children.some(hasOffset)

const toColumn = (vector: Vector, type: ColumnType): Column => {
  if (vector.length === 0) return newColumn(type, 0)
  if (isSameLayout(vector.type) && !vector.data.some(hasOffset))
    return concatColumns(
      vector.data.map((data) => viewColumn(data, type)),
      type,
    )
  const column = newColumn(type, vector.length)
  for (let row = 0; row < vector.length; row++) appendValue(column, plainValue(vector.get(row), vector.type))
  return column
}

/** A value that other writers stored in another layout than ours, in the form that `appendValue` takes. */
const plainValue = (value: unknown, type: DataType): unknown => {
  if (value === null || value === undefined) return null
  if (isInteger(type)) return Number(value)
  if (isTime(type)) return Number(value)
  if (type.typeId === Type.Date) return Number(value) / 86_400_000
  if (type.typeId === Type.List) return [...(value as Iterable<unknown>)].map((element) => plainValue(element, type.children[0]!.type))
  if (type.typeId === Type.Struct)
    return Object.fromEntries(
      type.children.map((child) => [child.name, plainValue((value as Record<string, unknown>)[child.name], child.type)]),
    )
  if (type.typeId === Type.Map) {
    const valueType = (type.children[0]!.type as Struct).children[1]!.type
    return Object.fromEntries([...(value as Iterable<[string, unknown]>)].map(([key, entry]) => [key, plainValue(entry, valueType)]))
  }
  return value
}

/** The batch in an Arrow IPC stream; its columns may share the stream's memory. Throws `lake-invalid` for types we lack. */
export const fromIpc = (ipc: Uint8Array): ColumnBatch => {
  const table = tableFromIPC(ipc)
  const fields = table.schema.fields.map(readField)
  return { fields, length: table.numRows, columns: fields.map((field, index) => toColumn(table.getChildAt(index)!, field.type)) }
}
