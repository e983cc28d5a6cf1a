import { hash as digestOf } from 'node:crypto'
import { bitAt, type Column, type ColumnBatch, isNullAt } from '../../lake/columns/column.ts'

/*
 * A row as 32 bits: the sum over its columns of a hash of name and value. What is null or empty adds nothing, so that a column
 * that a batch lacks is as good as one that is null, and the order of the columns is all the same.
 */

const PRIME = 0x01000193
const BASIS = 0x811c9dc5 | 0

/** Spreads what has come together so far over all 32 bits. */
const mixed = (hash: number): number => {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** From here on a library's hash is faster. */
const LONG_BYTES = 256

const ofBytes = (bytes: Uint8Array, start: number, end: number): number => {
  if (end - start >= LONG_BYTES) return digestOf('md5', bytes.subarray(start, end), 'buffer').readInt32LE()
  let hash = BASIS
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, PRIME)
  return hash
}

const ofName = (name: string): number => {
  const bytes = new TextEncoder().encode(name)
  return ofBytes(bytes, 0, bytes.length)
}

type HashAt = (row: number) => number | null

/** The hash of a column's value in a row; null for nothing. */
const hasher = (column: Column): HashAt => {
  const present = presentHasher(column)
  return (row) => (isNullAt(column, row) ? null : present(row))
}

const presentHasher = (column: Column): HashAt => {
  const { type, offsets, data } = column
  switch (type.kind) {
    case 'string':
    case 'binary':
      return (row) => ofBytes(data as Uint8Array, offsets[row]!, offsets[row + 1]!)
    case 'long':
    case 'timestamp':
      return (row) => Math.imul(mixed(data[row * 2]! ^ BASIS) ^ data[row * 2 + 1]!, PRIME)
    case 'date':
      return (row) => mixed(data[row]! ^ BASIS)
    case 'double': {
      const words = new Int32Array(2)
      const number = new Float64Array(words.buffer)
      return (row) => {
        number[0] = data[row]!
        return Math.imul(mixed(words[0]! ^ BASIS) ^ words[1]!, PRIME)
      }
    }
    case 'boolean':
      return (row) => (bitAt(data as Uint8Array, row) ? 1 : 2)
    case 'struct':
      return structHasher(column, type.fields)
    case 'list': {
      const element = hasher(column.children[0]!)
      return (row) => sequence(offsets, row, (at) => element(at) ?? 3)
    }
    case 'map': {
      const [key, value] = column.children.map(hasher) as [HashAt, HashAt]
      return (row) => {
        let sum = 0
        for (let at = offsets[row]!; at < offsets[row + 1]!; at++) sum = (sum + mixed((key(at) ?? 0) ^ mixed(value(at) ?? 3))) | 0
        return offsets[row] === offsets[row + 1] ? null : sum
      }
    }
  }
}

const sequence = (offsets: Int32Array, row: number, hashAt: (at: number) => number): number | null => {
  let hash = BASIS
  for (let at = offsets[row]!; at < offsets[row + 1]!; at++) hash = Math.imul(hash ^ mixed(hashAt(at)), PRIME)
  return offsets[row] === offsets[row + 1] ? null : hash
}

const structHasher = (column: Column, fields: readonly { name: string }[]): HashAt => {
  const members = fields.map(({ name }, index) => ({ seed: ofName(name), at: hasher(column.children[index]!) }))
  return (row) => {
    let sum: number | null = null
    for (const { seed, at } of members) {
      const hash = at(row)
      if (hash !== null) sum = ((sum ?? 0) + mixed(hash ^ seed)) | 0
    }
    return sum
  }
}

/** A digest of each row, of all columns but some; never 0. */
export const digestsOf = (batch: ColumnBatch, ignored: ReadonlySet<string>): Uint32Array => {
  const digests = new Uint32Array(batch.length)
  for (const [index, { name }] of batch.fields.entries()) {
    if (ignored.has(name)) continue
    const seed = ofName(name)
    const hashAt = hasher(batch.columns[index]!)
    for (let row = 0; row < batch.length; row++) {
      const hash = hashAt(row)
      if (hash !== null) digests[row] = digests[row]! + mixed(hash ^ seed)
    }
  }
  for (let row = 0; row < batch.length; row++) digests[row] ||= 1
  return digests
}
