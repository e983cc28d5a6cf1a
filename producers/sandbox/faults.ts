import { hash32, hashShare, stream } from './random.ts'

/**
 * Share of faulty records, by entity, and what is wrong with them; each kind is equally likely. About 0.4 % of
 * all records. The hundred most read books have none, and a review loses its fault when its reader edits it.
 * `duplicateShare`: reviews that one answer holds twice.
 */
export const faultPlan = {
  books: {
    share: 0.025,
    kinds: [
      'isbn-check-digit',
      'isbn-lost-digit',
      'isbn-garbled',
      'negative-count',
      'future-publication',
      'impossible-publication-date',
      'missing-title',
    ],
  },
  authors: { share: 0.01, kinds: ['missing-name', 'negative-count', 'died-before-born'] },
  reviews: { share: 0.003, kinds: ['rating-out-of-range', 'impossible-date', 'future-date', 'ancient-date', 'missing-book'] },
  duplicateShare: 0.002,
} as const

export type FaultKind<E extends 'books' | 'authors' | 'reviews'> = (typeof faultPlan)[E]['kinds'][number]

const faultStream = { books: stream.bookFaults, authors: stream.authorFaults, reviews: stream.reviewFaults } as const

/** What is wrong with this record; null for the great majority. */
export const faultOf = <E extends 'books' | 'authors' | 'reviews'>(seed: number, entity: E, index: number): FaultKind<E> | null => {
  const { share, kinds } = faultPlan[entity]
  if (hashShare(seed, faultStream[entity], index) >= share) return null
  return kinds[hash32(seed + 1, faultStream[entity], index) % kinds.length] as FaultKind<E>
}

/** Whether answers hold this review twice. */
export const isDuplicated = (seed: number, ordinal: number): boolean =>
  hashShare(seed, stream.duplicates, ordinal) < faultPlan.duplicateShare
