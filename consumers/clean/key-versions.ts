import { hash } from 'node:crypto'
import { createDigestTable, digestWords, hexOfWords, WORDS, wordsOfHex } from '../digest-table.ts'
import type { Version } from '../silver/dedupe-state.ts'

/** One version of a key. */
export interface KeyVersion extends Version {
  /** What stands for its value: 16 hex digits of it, `NO_VALUE` for a deletion. */
  value: string
}

const VALUE_WORDS = 2
const VALUE_DIGITS = VALUE_WORDS * 8
/** Stands for the value of a deletion. */
export const NO_VALUE = '0'.repeat(VALUE_DIGITS)

/** What stands for a value: the beginning of the MD5 of its Avro bytes. */
export const valueDigest = (bytes: Uint8Array | null): string =>
  bytes === null ? NO_VALUE : hash('md5', bytes, 'hex').slice(0, VALUE_DIGITS)

/**
 * One version of each key, in typed arrays: 16-byte digest of the key → order (8 bytes), content hash (16 bytes) and digest of
 * the value (8 bytes). An open-addressing table filled to at most two thirds, so a key takes from 72 to 144 bytes.
 */
export const createKeyVersions = (initialCapacity = 1024) => {
  const table = createDigestTable(initialCapacity)
  let orders = new Float64Array(initialCapacity)
  let hashes = new Uint32Array(initialCapacity * WORDS)
  let values = new Uint32Array(initialCapacity * VALUE_WORDS)

  const grow = (capacity: number, moves: Int32Array) => {
    const [movedOrders, movedHashes, movedValues] = [
      new Float64Array(capacity),
      new Uint32Array(capacity * WORDS),
      new Uint32Array(capacity * VALUE_WORDS),
    ]
    moves.forEach((to, from) => {
      if (to < 0) return
      movedOrders[to] = orders[from] ?? 0
      movedHashes.set(hashes.subarray(from * WORDS, (from + 1) * WORDS), to * WORDS)
      movedValues.set(values.subarray(from * VALUE_WORDS, (from + 1) * VALUE_WORDS), to * VALUE_WORDS)
    })
    orders = movedOrders
    hashes = movedHashes
    values = movedValues
  }

  return {
    get: (key: string): KeyVersion | null => {
      const { slot, isFound } = table.find(digestWords(key))
      if (!isFound) return null
      const value = hexOfWords(values, slot * VALUE_WORDS, VALUE_WORDS)
      return { order: orders[slot] ?? 0, hash: hexOfWords(hashes, slot * WORDS), value }
    },
    has: (key: string): boolean => table.find(digestWords(key)).isFound,
    hasDigest: (digest: Uint32Array): boolean => table.find(digest).isFound,
    set: (key: string, { order, hash: content, value }: KeyVersion) => {
      const { slot } = table.insert(digestWords(key), grow)
      orders[slot] = order
      hashes.set(wordsOfHex(content), slot * WORDS)
      values.set(wordsOfHex(value, VALUE_WORDS), slot * VALUE_WORDS)
    },
    /** Calls with the digest of each key that has a value. */
    eachLive: (call: (digest: Uint32Array) => void) =>
      table.each((digest, slot) => {
        if (values[slot * VALUE_WORDS] !== 0 || values[slot * VALUE_WORDS + 1] !== 0) call(digest)
      }),
  }
}

export type KeyVersions = ReturnType<typeof createKeyVersions>
