/** Numbered streams of random numbers: two uses never share one, so a change to one leaves the others as they were. */
export const stream = {
  authors: 1,
  books: 2,
  users: 3,
  history: 4,
  steps: 5,
  reviewText: 6,
  ranks: 7,
  ids: 8,
  hasText: 9,
  bookFaults: 10,
  authorFaults: 11,
  reviewFaults: 12,
  duplicates: 13,
  requests: 14,
  isbn: 15,
  reviewDetails: 16,
} as const

export type Stream = (typeof stream)[keyof typeof stream]

/** A source of random numbers: the same one for the same (seed, stream, index), on every machine. */
export interface Random {
  /** In [0, 1). */
  next: () => number
  /** Whole, in [0, below). */
  below: (below: number) => number
  chance: (probability: number) => boolean
  pick: <T>(list: readonly T[]) => T
}

/** A well mixed 32-bit number of (seed, stream, index). */
export const hash32 = (seed: number, which: Stream, index: number): number => {
  let h = Math.imul((seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13) ^ Math.imul(which, 0x9e3779b9), 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16) ^ index, 0x27d4eb2d)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The same as a share in [0, 1). */
export const hashShare = (seed: number, which: Stream, index: number): number => hash32(seed, which, index) / 2 ** 32

/** Random numbers from 32 bits, by mulberry32. */
export const randomFrom = (bits: number): Random => {
  let state = bits | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { next, below, chance: (probability) => next() < probability, pick: (list) => list[below(list.length)]! }
}

/** Random numbers of (seed, stream, index). */
export const randomOf = (seed: number, which: Stream, index: number): Random => randomFrom(hash32(seed, which, index))

/** Running sums of weights, scaled to end at 1; for `drawFrom`. */
export const cumulative = (weights: readonly number[]): Float64Array => {
  const sums = new Float64Array(weights.length)
  let total = 0
  for (const [i, weight] of weights.entries()) sums[i] = total += weight
  for (let i = 0; i < sums.length; i++) sums[i]! /= total
  return sums
}

/** The index that a share in [0, 1) falls on, by weight. */
export const drawFrom = (sums: Float64Array, share: number): number => {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (sums[middle]! > share) high = middle
    else low = middle + 1
  }
  return low
}

/** Weights of popularity by rank: 1 / (rank + shift)^exponent, Zipf's law with a blunted head. */
export const zipfWeights = (count: number, shift: number, exponent: number): number[] =>
  Array.from({ length: count }, (_, rank) => (rank + 1 + shift) ** -exponent)
