import { createDigestTable, digestWords, hexOfWords, WORDS, wordsOfHex } from '../digest-table.ts'

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

/** Whether (order, hash) comes after another version: by order, then by hash. */
export const isNewer = (a: Version, b: Version): boolean => a.order > b.order || (a.order === b.order && a.hash > b.hash)

export const createDedupeState = (initialCapacity = 1024) => {
  const versions = createDigestTable(initialCapacity)
  const newest = createDigestTable(initialCapacity)
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
      return isFound ? { order: orders[slot] ?? 0, hash: hexOfWords(hashes, slot * WORDS) } : null
    },
    /** Records an accepted version. */
    accept: (key: string, version: Version) => {
      versions.insert(digestWords(`${key}\0${version.order}\0${version.hash}`), () => undefined)
      const { slot, isNew } = newest.insert(digestWords(key), growNewest)
      if (isNew || isNewer(version, { order: orders[slot] ?? 0, hash: hexOfWords(hashes, slot * WORDS) })) {
        orders[slot] = version.order
        hashes.set(wordsOfHex(version.hash), slot * WORDS)
      }
    },
    keys: () => newest.size(),
    bytes: () => versions.bytes() + newest.bytes() + orders.byteLength + hashes.byteLength,
  }
}

export type DedupeState = ReturnType<typeof createDedupeState>
