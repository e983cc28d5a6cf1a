import { hash32, stream } from './random.ts'

/**
 * Ids that grow with the index, look like GoodReads' own (with holes), and can be turned back without a map:
 * id = base + index × gap + (hash of the index) mod gap.
 */
export interface IdSpace {
  idOf: (index: number) => number
  indexOf: (id: number) => number | null
}

const idSpace = (seed: number, salt: number, base: number, gap: number): IdSpace => {
  const idOf = (index: number) => base + index * gap + (hash32(seed + salt, stream.ids, index) % gap)
  const indexOf = (id: number) => {
    if (!Number.isSafeInteger(id)) return null
    const index = Math.floor((id - base) / gap)
    return index >= 0 && idOf(index) === id ? index : null
  }
  return { idOf, indexOf }
}

/** The id spaces of a sandbox with this seed. */
export const idSpaces = (seed: number) => ({
  authors: idSpace(seed, 1, 41_000, 97),
  books: idSpace(seed, 2, 1_200_000, 613),
  works: idSpace(seed, 3, 40_000_000, 211),
  users: idSpace(seed, 4, 5_000_000, 37),
  reviews: idSpace(seed, 5, 3_100_000_000, 11),
  series: idSpace(seed, 6, 70_000, 53),
})
export type Ids = ReturnType<typeof idSpaces>
