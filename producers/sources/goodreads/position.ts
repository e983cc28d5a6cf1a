import { z } from 'zod'
import type { Position } from '../source.ts'
import { type BoundedSet, createBoundedSet } from './bounded-set.ts'

/** How far a reader's list was read: the newest change in it (epoch ms), and the reviews that changed at that time. */
export interface Mark {
  atMs: number
  reviewIds: readonly string[]
}
/** A listing that was interrupted: its next page, and the mark that its end will set. */
export interface Listing {
  page: number
  mark: Mark
}

/** Books or authors: `known` were asked for (least recently asked first), `pending` are seen and still to be asked for. */
export interface Followed {
  known: BoundedSet
  pending: BoundedSet
}

/**
 * What the source remembers between polls. Its size as JSON is bounded: at most 20,000 known and 20,000 pending
 * books and as many authors (some 11 bytes each), 4,000 review versions (some 25 bytes each), and some 40 bytes
 * for each configured reader: 1.1 MB at worst, 80 kB for the sandbox.
 */
export interface State {
  marks: Map<string, Mark>
  listings: Map<string, Listing>
  /** Versions (`id:change time`) of reviews that no mark covers. */
  seen: BoundedSet
  books: Followed
  authors: Followed
  /** Index of the reader whose list is due next. */
  nextUser: number
}

const MAX_FOLLOWED = 20_000
const MAX_SEEN = 4000
const MAX_MARK_REVIEWS = 20

const ids = z.array(z.string())
const markShape = z.tuple([z.number()], z.string())
const listingShape = z.tuple([z.number(), z.number()], z.string())
const shape = z.object({
  version: z.literal(1),
  marks: z.record(z.string(), markShape),
  listings: z.record(z.string(), listingShape),
  seen: ids,
  knownBooks: ids,
  pendingBooks: ids,
  knownAuthors: ids,
  pendingAuthors: ids,
  nextUser: z.number(),
})

const followed = (known: string[], pending: string[]): Followed => ({
  known: createBoundedSet(MAX_FOLLOWED, known),
  pending: createBoundedSet(MAX_FOLLOWED, pending),
})

/** The state that a position holds; a fresh one where there is none, or it is not one of ours: then all is read again. */
export const readPosition = (position: Position | null): State => {
  const { data } = shape.safeParse(position)
  const listings = Object.entries(data?.listings ?? {}).map(
    ([user, [page, atMs, ...reviewIds]]) => [user, { page, mark: { atMs, reviewIds } }] as const,
  )
  return {
    marks: new Map(Object.entries(data?.marks ?? {}).map(([user, [atMs, ...reviewIds]]) => [user, { atMs, reviewIds }])),
    listings: new Map(listings),
    seen: createBoundedSet(MAX_SEEN, data?.seen),
    books: followed(data?.knownBooks ?? [], data?.pendingBooks ?? []),
    authors: followed(data?.knownAuthors ?? [], data?.pendingAuthors ?? []),
    nextUser: data?.nextUser ?? 0,
  }
}

/** The state as a position. Readers that are not configured any more are forgotten. */
export const writePosition = (
  { marks, listings, seen, books, authors, nextUser }: State,
  isConfigured: (userId: string) => boolean,
): Position => ({
  version: 1,
  marks: Object.fromEntries(
    [...marks].filter(([user]) => isConfigured(user)).map(([user, { atMs, reviewIds }]) => [user, [atMs, ...reviewIds]]),
  ),
  listings: Object.fromEntries(
    [...listings].filter(([user]) => isConfigured(user)).map(([user, { page, mark }]) => [user, [page, mark.atMs, ...mark.reviewIds]]),
  ),
  seen: seen.oldest(),
  knownBooks: books.known.oldest(),
  pendingBooks: books.pending.oldest(),
  knownAuthors: authors.known.oldest(),
  pendingAuthors: authors.pending.oldest(),
  nextUser,
})

export const noMark: Mark = { atMs: 0, reviewIds: [] }

/** The mark after one more review. */
export const advanceMark = (mark: Mark, reviewId: string, changedMs: number): Mark => {
  if (changedMs > mark.atMs) return { atMs: changedMs, reviewIds: [reviewId] }
  if (changedMs < mark.atMs || mark.reviewIds.includes(reviewId) || mark.reviewIds.length >= MAX_MARK_REVIEWS) return mark
  return { atMs: mark.atMs, reviewIds: [...mark.reviewIds, reviewId] }
}

/** Whether a review that changed then is beyond the mark. */
export const isBeyond = (mark: Mark, reviewId: string, changedMs: number): boolean =>
  changedMs > mark.atMs || (changedMs === mark.atMs && !mark.reviewIds.includes(reviewId))
