import { hash } from 'node:crypto'

/** 32-bit words of a digest of 16 bytes. */
export const WORDS = 4
const MAX_LOAD = 2 / 3

/** The 16-byte digest that stands for a text. */
export const digestWords = (text: string): Uint32Array => {
  const digest = hash('md5', text, 'buffer')
  // A digest of zeros marks an empty slot; the odds that a key has it are those of any collision.
  return new Uint32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + 16))
}

/** Words of hexadecimal digits, eight digits a word, and back. */
export const wordsOfHex = (hex: string, words = WORDS): Uint32Array =>
  Uint32Array.from({ length: words }, (_, word) => Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16))
export const hexOfWords = (words: Uint32Array, at: number, count = WORDS): string =>
  Array.from(words.subarray(at, at + count), (word) => word.toString(16).padStart(8, '0')).join('')

/**
 * A set of digests by open addressing, filled to at most two thirds. What belongs to a digest its owner keeps in arrays of
 * `capacity` entries, by slot.
 */
export const createDigestTable = (initialCapacity: number) => {
  let capacity = initialCapacity
  let keys = new Uint32Array(capacity * WORDS)
  let size = 0

  const isEmptyAt = (table: Uint32Array, at: number) => table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0 && table[at + 3] === 0

  const slotOf = (table: Uint32Array, length: number, digest: Uint32Array): { slot: number; isFound: boolean } => {
    let slot = (digest[0] ?? 0) % length
    for (;;) {
      const at = slot * WORDS
      if (isEmptyAt(table, at)) return { slot, isFound: false }
      if (table[at] === digest[0] && table[at + 1] === digest[1] && table[at + 2] === digest[2] && table[at + 3] === digest[3])
        return { slot, isFound: true }
      slot = slot + 1 === length ? 0 : slot + 1
    }
  }

  return {
    find: (digest: Uint32Array) => slotOf(keys, capacity, digest),
    size: () => size,
    bytes: () => keys.byteLength,
    /** The slot of a digest, made where there is none. `grow` gets the new slot of each old one, -1 for none, when the table grows. */
    insert: (digest: Uint32Array, grow: (newCapacity: number, moves: Int32Array) => void): { slot: number; isNew: boolean } => {
      if (size + 1 > capacity * MAX_LOAD) {
        const larger = new Uint32Array(capacity * 2 * WORDS)
        const moves = new Int32Array(capacity).fill(-1)
        for (let slot = 0; slot < capacity; slot++) {
          if (isEmptyAt(keys, slot * WORDS)) continue
          const each = keys.subarray(slot * WORDS, slot * WORDS + WORDS)
          moves[slot] = slotOf(larger, capacity * 2, each).slot
          larger.set(each, (moves[slot] ?? 0) * WORDS)
        }
        capacity *= 2
        keys = larger
        grow(capacity, moves)
      }
      const { slot, isFound } = slotOf(keys, capacity, digest)
      if (!isFound) {
        keys.set(digest, slot * WORDS)
        size++
      }
      return { slot, isNew: !isFound }
    },
    /** Calls with each digest and its slot. */
    each: (call: (digest: Uint32Array, slot: number) => void) => {
      for (let slot = 0; slot < capacity; slot++)
        if (!isEmptyAt(keys, slot * WORDS)) call(keys.subarray(slot * WORDS, slot * WORDS + WORDS), slot)
    },
  }
}
