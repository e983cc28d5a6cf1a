import { hash } from 'node:crypto'
import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'
import { addOffset, noOffsets, type Offsets } from './offsets.ts'

/*
 * Rows and records are compared in two steps, so that memory does not grow with them. First by runs of CHUNK offsets:
 * their number and four sums of digits of their hashes, each weighted by its place in the run, so that one that differs,
 * is missing, doubled or in another's place shows. Then, offset by offset, the runs that differ.
 */
export const CHUNK = 4096

export interface ChunkSums {
  count: number
  /** Of the value's hash, twice, and of the key's, twice. */
  sums: [number, number, number, number]
}

/** Sums by run (offset / CHUNK). */
export type Chunks = Map<number, ChunkSums>

const LOW_28_BITS = 0xfffffff

/** Digits of nothing: what a null value or key counts as. */
export const NULL_DIGITS = 12_345

/** 28 bits of all of a SHA-256 and another 28, as `digestSql` has them. */
const valueDigits = (value: Buffer | null): [number, number] => {
  if (value === null) return [NULL_DIGITS, NULL_DIGITS]
  const sha = hash('sha256', value, 'buffer')
  let high = 0
  let low = 0
  for (let at = 0; at < 32; at += 8) {
    high ^= sha.readInt32BE(at)
    low ^= sha.readInt32BE(at + 4)
  }
  return [high >>> 4, low & LOW_28_BITS]
}

const keyDigits = (key: Buffer | null): [number, number] => {
  if (key === null) return [NULL_DIGITS, NULL_DIGITS]
  const md5 = hash('md5', key, 'buffer')
  return [md5.readUInt32LE(8) & LOW_28_BITS, md5.readUInt32LE(12) >>> 4]
}

/** The same in DuckDB's SQL, from a value's SHA-256 in hex and a key in bytes: value twice, key twice. */
export const digestSql = (valueHash: string, key: string): [string, string, string, string] => {
  const word = (at: number) => `('0x' || substr(${valueHash}, ${at * 16 + 1}, 16))::UBIGINT`
  const folded = `xor(xor(${word(0)}, ${word(1)}), xor(${word(2)}, ${word(3)}))`
  const orNull = (of: string, sql: string) => `CASE WHEN ${of} IS NULL THEN ${NULL_DIGITS} ELSE ${sql} END`
  return [
    orNull(valueHash, `(${folded} >> 36)`),
    orNull(valueHash, `(${folded} & ${LOW_28_BITS})`),
    orNull(key, `(md5_number_lower(${key}) & ${LOW_28_BITS})`),
    orNull(key, `(md5_number_lower(${key}) >> 36)`),
  ]
}

/** Adds a record to the sums of its run. */
export const addRecord = (chunks: Chunks, { offset, key, value }: Pick<DeliveredRecord, 'offset' | 'key' | 'value'>): void => {
  const index = Math.floor(offset / CHUNK)
  const chunk = chunks.get(index) ?? { count: 0, sums: [0, 0, 0, 0] }
  if (chunk.count === 0) chunks.set(index, chunk)
  const weight = (offset % CHUNK) + 1
  const digits = [...valueDigits(value), ...keyDigits(key)] as const
  chunk.count++
  // 28 bits by 12 bits of weight by 12 bits of rows: exact in a double.
  for (let at = 0; at < 4; at++) chunk.sums[at]! += digits[at]! * weight
}

/** The runs that are not the same, in order. */
export const differingChunks = (table: Chunks, topic: Chunks): number[] => {
  const differs = (index: number) => {
    const [a, b] = [table.get(index), topic.get(index)]
    return !a || !b || a.count !== b.count || a.sums.some((sum, at) => sum !== b.sums[at])
  }
  return [...new Set([...table.keys(), ...topic.keys()])].filter(differs).sort((a, b) => a - b)
}

/** A row or a record: its offset, and its value's SHA-256 and key in hex. */
export interface Content {
  offset: number
  valueHash: string | null
  key: string | null
}

export const contentOf = ({ offset, key, value }: DeliveredRecord): Content => ({
  offset,
  valueHash: value === null ? null : hash('sha256', value, 'hex'),
  key: key === null ? null : key.toString('hex'),
})

export interface Differences {
  /** Delivered, and in no row. */
  missing: Offsets
  /** In more than one row: those beyond the first. */
  duplicate: Offsets
  /** In a row, and not delivered. */
  foreign: Offsets
  /** In a row with another value or key. */
  different: Offsets
}

export const noDifferences = (): Differences => ({
  missing: noOffsets(),
  duplicate: noOffsets(),
  foreign: noOffsets(),
  different: noOffsets(),
})

/** Compares the rows and the records of one range of offsets, both in order; adds what differs to `found`. */
export const compareContents = (rows: readonly Content[], records: readonly Content[], found: Differences): void => {
  let at = 0
  for (const record of records) {
    for (; (rows[at]?.offset ?? Number.POSITIVE_INFINITY) < record.offset; at++) addOffset(found.foreign, rows[at]!.offset)
    const first = rows[at]
    if (first?.offset !== record.offset) {
      addOffset(found.missing, record.offset)
      continue
    }
    let isSame = true
    for (const from = at; rows[at]?.offset === record.offset; at++) {
      if (at > from) addOffset(found.duplicate, record.offset)
      isSame &&= rows[at]!.valueHash === record.valueHash && rows[at]!.key === record.key
    }
    if (!isSame) addOffset(found.different, record.offset)
  }
  for (; at < rows.length; at++) addOffset(found.foreign, rows[at]!.offset)
}
