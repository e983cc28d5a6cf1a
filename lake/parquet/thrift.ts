/**
 * Just so much of Thrift's compact protocol, in which a Parquet file describes itself, as it takes to change some fields
 * of a structure and to leave the others as the bytes that they are. Throws RangeError where bytes end too early.
 */

/** A value as its bytes; `type` is the protocol's number of it. */
export interface ThriftField {
  id: number
  type: number
  bytes: Uint8Array
}

const LIST = 9
export const STRUCT = 12

interface Cursor {
  bytes: Uint8Array
  at: number
}

const byteAt = (cursor: Cursor): number => {
  const byte = cursor.bytes[cursor.at++]
  if (byte === undefined) throw new RangeError('the description of a Parquet file ends too early')
  return byte
}

const varint = (cursor: Cursor): bigint => {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = byteAt(cursor)
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
  throw new RangeError('a number in the description of a Parquet file has too many bytes')
}

const zigzag = (value: bigint): number => Number((value >> 1n) ^ -(value & 1n))

const skipBytes = (cursor: Cursor, count: number) => {
  cursor.at += count
  if (cursor.at > cursor.bytes.length) throw new RangeError('the description of a Parquet file ends too early')
}

const skip = (cursor: Cursor, type: number): void => {
  switch (type) {
    case 1:
    case 2:
      return // True and false, as fields, have no bytes of their own.
    case 3:
      skipBytes(cursor, 1)
      return
    case 4:
    case 5:
    case 6:
      varint(cursor)
      return
    case 7:
      skipBytes(cursor, 8)
      return
    case 8:
      skipBytes(cursor, Number(varint(cursor)))
      return
    case LIST:
    case 10: {
      const { size, elementType } = listHeader(cursor)
      for (let index = 0; index < size; index++) skipElement(cursor, elementType)
      return
    }
    case 11: {
      const size = Number(varint(cursor))
      const types = size === 0 ? 0 : byteAt(cursor)
      for (let index = 0; index < size; index++) {
        skipElement(cursor, types >> 4)
        skipElement(cursor, types & 15)
      }
      return
    }
    case STRUCT:
      structAt(cursor)
      return
    default:
      throw new RangeError(`the description of a Parquet file holds a value of the unknown type ${type}`)
  }
}

const skipElement = (cursor: Cursor, type: number) => {
  if (type === 1 || type === 2) skipBytes(cursor, 1)
  else skip(cursor, type)
}

const listHeader = (cursor: Cursor): { size: number; elementType: number } => {
  const header = byteAt(cursor)
  return { size: header >> 4 === 15 ? Number(varint(cursor)) : header >> 4, elementType: header & 15 }
}

const structAt = (cursor: Cursor): ThriftField[] => {
  const fields: ThriftField[] = []
  let id = 0
  for (;;) {
    const header = byteAt(cursor)
    if (header === 0) return fields
    id = header >> 4 === 0 ? zigzag(varint(cursor)) : id + (header >> 4)
    const start = cursor.at
    skip(cursor, header & 15)
    fields.push({ id, type: header & 15, bytes: cursor.bytes.subarray(start, cursor.at) })
  }
}

/** The fields of a structure. */
export const readStruct = (bytes: Uint8Array): ThriftField[] => structAt({ bytes, at: 0 })

/** The elements of a list. */
export const readList = (bytes: Uint8Array): { elementType: number; elements: Uint8Array[] } => {
  const cursor = { bytes, at: 0 }
  const { size, elementType } = listHeader(cursor)
  const elements: Uint8Array[] = []
  for (let index = 0; index < size; index++) {
    const start = cursor.at
    skipElement(cursor, elementType)
    elements.push(bytes.subarray(start, cursor.at))
  }
  return { elementType, elements }
}

export const readInteger = (bytes: Uint8Array): number => zigzag(varint({ bytes, at: 0 }))

export const readText = (bytes: Uint8Array): string => {
  const cursor = { bytes, at: 0 }
  const length = Number(varint(cursor))
  return new TextDecoder().decode(bytes.subarray(cursor.at, cursor.at + length))
}

const unsigned = (value: bigint): number[] => {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return [...bytes, Number(rest)]
}

export const writeInteger = (value: number): Uint8Array => Uint8Array.from(unsigned(BigInt(value) * 2n))

export const writeStruct = (fields: readonly ThriftField[]): Uint8Array => {
  let before = 0
  const pieces = fields.flatMap(({ id, type, bytes }) => {
    const step = id - before
    before = id
    return [Uint8Array.from(step > 0 && step < 16 ? [(step << 4) | type] : [type, ...unsigned(BigInt(id) * 2n)]), bytes]
  })
  return joined([...pieces, Uint8Array.of(0)])
}

export const writeList = (elementType: number, elements: readonly Uint8Array[]): Uint8Array => {
  const { length } = elements
  return joined([
    Uint8Array.from(length < 15 ? [(length << 4) | elementType] : [0xf0 | elementType, ...unsigned(BigInt(length))]),
    ...elements,
  ])
}

/** Pieces one after the other. */
export const joined = (pieces: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
