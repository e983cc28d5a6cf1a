import { hash } from 'node:crypto'

/**
 * Which versions of which keys were accepted, in typed arrays:
 * - `versions`: a set of 16-byte digests of (key, order, hash), one for every accepted version;
 * - `newest`: 16-byte digest of a key → order (8 bytes) and content hash (16 bytes) of its newest version.
 * Both are open-addressing tables filled to at most two thirds, so a key with one version takes from 84 to
 * 168 bytes (16 + 16 + 8 + 16 = 56 bytes of entries over a load of 1/3 to 2/3).
 */
export interface Version {
  order: number
  hash: string
}

const WORDS = 4
const MAX_LOAD = 2 / 3

const digestWords = (text: string): Uint32Array => {
  const digest = hash('md5', text, 'buffer')
  // A digest of zeros marks an empty slot; the odds that a key has it are those of any collision.
  return new Uint32Array(digest.buffer.slice(digest.byteOffset, digest.byteOffset + 16))
}

const hashWords = (hex: string): Uint32Array =>
  Uint32Array.from({ length: WORDS }, (_, word) => Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16))
const hashHex = (words: Uint32Array, at: number): string =>
  Array.from(words.subarray(at, at + WORDS), (word) => word.toString(16).padStart(8, '0')).join('')

const createTable = (initialCapacity: number) => {
  let capacity = initialCapacity
  let keys = new Uint32Array(capacity * WORDS)
  let size = 0

  const slotOf = (table: Uint32Array, length: number, digest: Uint32Array): { slot: number; isFound: boolean } => {
    let slot = (digest[0] ?? 0) % length
    for (;;) {
      const at = slot * WORDS
      const isEmpty = table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0 && table[at + 3] === 0
      if (isEmpty) return { slot, isFound: false }
      if (table[at] === digest[0] && table[at + 1] === digest[1] && table[at + 2] === digest[2] && table[at + 3] === digest[3])
        return { slot, isFound: true }
      slot = slot + 1 === length ? 0 : slot + 1
    }
  }

  return {
    find: (digest: Uint32Array) => slotOf(keys, capacity, digest),
    size: () => size,
    capacity: () => capacity,
    bytes: () => keys.byteLength,
    /** The slot of a digest, made where there is none. `moved` gets each (old, new) slot when the table grows. */
    insert: (digest: Uint32Array, grow: (newCapacity: number, moves: Int32Array) => void): { slot: number; isNew: boolean } => {
      if (size + 1 > capacity * MAX_LOAD) {
        const larger = new Uint32Array(capacity * 2 * WORDS)
        const moves = new Int32Array(capacity).fill(-1)
        for (let slot = 0; slot < capacity; slot++) {
          const each = keys.subarray(slot * WORDS, slot * WORDS + WORDS)
          if (each[0] === 0 && each[1] === 0 && each[2] === 0 && each[3] === 0) continue
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
  }
}

/** Whether (order, hash) comes after another version: by order, then by hash. */
export const isNewer = (a: Version, b: Version): boolean => a.order > b.order || (a.order === b.order && a.hash > b.hash)

export const createDedupeState = (initialCapacity = 1024) => {
  const versions = createTable(initialCapacity)
  const newest = createTable(initialCapacity)
  let orders = new Float64Array(initialCapacity)
  let hashes = new Uint32Array(initialCapacity * WORDS)

  const growNewest = (capacity: number, moves: Int32Array) => {
    const movedOrders = new Float64Array(capacity)
    const movedHashes = new Uint32Array(capacity * WORDS)
    moves.forEach((to, from) => {
      if (to < 0) return
      movedOrders[to] = orders[from] ?? 0
      movedHashes.set(hashes.subarray(from * WORDS, from * WORDS + WORDS), to * WORDS)
    })
    orders = movedOrders
    hashes = movedHashes
  }

  return {
    has: (key: string, { order, hash: content }: Version): boolean => versions.find(digestWords(`${key}\0${order}\0${content}`)).isFound,
    newest: (key: string): Version | null => {
      const { slot, isFound } = newest.find(digestWords(key))
      return isFound ? { order: orders[slot] ?? 0, hash: hashHex(hashes, slot * WORDS) } : null
    },
    /** Records an accepted version. */
    accept: (key: string, version: Version) => {
      versions.insert(digestWords(`${key}\0${version.order}\0${version.hash}`), () => undefined)
      const { slot, isNew } = newest.insert(digestWords(key), growNewest)
      if (isNew || isNewer(version, { order: orders[slot] ?? 0, hash: hashHex(hashes, slot * WORDS) })) {
        orders[slot] = version.order
        hashes.set(hashWords(version.hash), slot * WORDS)
      }
    },
    keys: () => newest.size(),
    bytes: () => versions.bytes() + newest.bytes() + orders.byteLength + hashes.byteLength,
  }
}

export type DedupeState = ReturnType<typeof createDedupeState>
