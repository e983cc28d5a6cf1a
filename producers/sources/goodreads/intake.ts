import type { Author, Book, Review } from '../../../schemas/records.ts'
import type { SourceRecord } from '../source.ts'
import { type BoundedSet, createBoundedSet } from './bounded-set.ts'
import type { Found, ParsedResponse } from './parse/response.ts'
import { ratingOf } from './parse/review.ts'
import { advanceMark, isBeyond, type Mark, type State } from './position.ts'

const DAY_MS = 86_400_000
/** Before GoodReads began: no review changed then. */
const EARLIEST_MS = Date.UTC(2000, 0, 1)
/** Partial records that wait for the end of a poll; more than these are left to the next sight of them. */
const MAX_HELD = 20_000
/** An author known by name only can not be asked for. */
const canBeAsked = (id: string) => /^\d+$/.test(id)

/** When a review changed last; null where that is not known or can not be, so that one wrong date hides no later review. */
export const changeOf = ({ date_updated, date_added }: Review, nowMs: number): number | null => {
  const changedMs = date_updated ?? date_added
  return changedMs !== null && changedMs >= EARLIEST_MS && changedMs <= nowMs + DAY_MS ? changedMs : null
}
/** Names a version of a review: the source tells when it changed, and no more. */
export const versionOf = ({ review_id, date_updated, date_added }: Pick<Review, 'review_id' | 'date_updated' | 'date_added'>) =>
  `${review_id}:${date_updated ?? date_added ?? ''}`

export interface Intake {
  /** For the parser: partial records of what is known or pending are not wanted. */
  skipsPartial: (entity: 'books' | 'authors', id: string) => boolean
  /** Records of an answer of book.show or author.show. */
  takeShown: (parsed: ParsedResponse, requestId: string) => SourceRecord[]
  /** Reviews of recent_reviews that are new, with their books and authors. Those of configured readers wait for their list, which has them whole. */
  takeRecent: (
    parsed: ParsedResponse,
    requestId: string,
  ) => { records: SourceRecord[]; changedBookIds: Set<string>; changedUserIds: Set<string> }
  /** Reviews of a page of a reader's list beyond `since`, with their books and authors; `mark` is advanced by them. */
  takeList: (
    parsed: ParsedResponse,
    requestId: string,
    since: Mark | undefined,
    mark: Mark,
  ) => { records: SourceRecord[]; mark: Mark; newReviews: number }
  /** Partial records of what was found in this poll and not had whole. */
  takeHeld: () => SourceRecord[]
}

interface IntakeOptions {
  state: State
  isConfigured: (userId: string) => boolean
  nowMs: () => number
  found: (method: 'book.show' | 'author.show', id: string) => void
  /** Partial records published of what is not followed, across polls. */
  mentioned: { books: BoundedSet; authors: BoundedSet }
}

/** Partial records published once each, as long as the source runs. */
export const createMentioned = () => ({ books: createBoundedSet(20_000), authors: createBoundedSet(20_000) })

/**
 * Decides what of an answer is published and what is asked for next, and keeps the state. Followed are the books
 * of reviews, and the authors of these books; books and authors that are only mentioned (similar ones, other
 * books of an author) stay partial, or the whole of GoodReads would be crawled.
 * A partial record is never published after the whole one, so that what is current never falls back.
 */
export const createIntake = ({ state, isConfigured, nowMs, found, mentioned }: IntakeOptions): Intake => {
  const held = new Map<string, SourceRecord & { entity: 'books' | 'authors' }>()

  const take = <E extends 'books' | 'authors'>(
    entity: E,
    items: Found<E extends 'books' ? Book : Author>[],
    options: { idOf: (item: Book & Author) => string; requestId: string; isFollowed: (id: string) => boolean },
  ) => {
    const { idOf, requestId, isFollowed } = options
    const { known, pending } = state[entity]
    const records: SourceRecord[] = []
    for (const { value, isPartial } of items) {
      const id = idOf(value as Book & Author)
      // What is only mentioned has few fields, in whatever answer.
      const form = isPartial ? 'mention' : 'whole'
      const record = { entity, value, requestId, form } as unknown as SourceRecord & { entity: E }
      if (!isPartial) {
        known.add(id)
        pending.delete(id)
        records.push(record)
        continue
      }
      if (known.has(id) || pending.has(id)) continue
      if (canBeAsked(id) && isFollowed(id)) {
        pending.add(id)
        found(entity === 'books' ? 'book.show' : 'author.show', id)
      } else if (mentioned[entity].has(id)) continue
      // Held until the end of the poll, which may bring the whole record.
      if (held.size < MAX_HELD) held.set(`${entity}:${id}`, record)
    }
    return records
  }

  const takeAll = (parsed: ParsedResponse, requestId: string): SourceRecord[] => {
    const reviewed = new Set(parsed.reviews.map(({ book_id }) => book_id))
    const followedAuthors = new Set<string>()
    for (const { value, isPartial } of parsed.books) {
      if (!isPartial || reviewed.has(value.book_id)) for (const { author_id } of value.authors) followedAuthors.add(author_id)
    }
    return [
      ...take('books', parsed.books, { idOf: (book) => book.book_id, requestId, isFollowed: (id) => reviewed.has(id) }),
      ...take('authors', parsed.authors, { idOf: (author) => author.author_id, requestId, isFollowed: (id) => followedAuthors.has(id) }),
    ]
  }

  const reviewRecords = (review: Review, requestId: string, form: 'shown' | 'recent' | 'list'): SourceRecord[] => {
    const rating = ratingOf(review)
    const record: SourceRecord = { entity: 'reviews', value: review, requestId, form }
    return rating ? [record, { entity: 'ratings', value: rating, requestId, form }] : [record]
  }

  return {
    skipsPartial: (entity, id) => state[entity].known.has(id) || state[entity].pending.has(id),

    takeShown: (parsed, requestId) => [
      ...takeAll(parsed, requestId),
      ...parsed.reviews.flatMap((review) => reviewRecords(review, requestId, 'shown')),
    ],

    takeRecent: (parsed, requestId) => {
      const records = takeAll(parsed, requestId)
      const changedBookIds = new Set<string>()
      const changedUserIds = new Set<string>()
      for (const review of parsed.reviews) {
        const { user_id: userId, book_id: bookId, review_id: reviewId } = review
        const version = versionOf(review)
        const changedMs = changeOf(review, nowMs())
        const isListed = userId !== null && isConfigured(userId)
        const mark = isListed && changedMs !== null ? state.marks.get(userId) : undefined
        const isNew = mark && changedMs !== null ? isBeyond(mark, reviewId, changedMs) : !state.seen.has(version)
        if (isNew && bookId !== null) changedBookIds.add(bookId)
        if (isListed) {
          if (isNew) changedUserIds.add(userId)
          continue
        }
        state.seen.add(version)
        if (isNew) records.push(...reviewRecords(review, requestId, 'recent'))
      }
      return { records, changedBookIds, changedUserIds }
    },

    takeList: (parsed, requestId, since, mark) => {
      const records = takeAll(parsed, requestId)
      let newReviews = 0
      let newMark = mark
      for (const review of parsed.reviews) {
        const changedMs = changeOf(review, nowMs())
        const version = versionOf(review)
        const isNew = changedMs === null ? !state.seen.has(version) : since === undefined || isBeyond(since, review.review_id, changedMs)
        if (changedMs === null) state.seen.add(version)
        else newMark = advanceMark(newMark, review.review_id, changedMs)
        if (!isNew) continue
        newReviews++
        records.push(...reviewRecords(review, requestId, 'list'))
      }
      return { records, mark: newMark, newReviews }
    },

    takeHeld: () => {
      const records: SourceRecord[] = []
      for (const record of held.values()) {
        const id = record.entity === 'books' ? (record.value as Book).book_id : (record.value as Author).author_id
        const { known } = state[record.entity]
        // Where so many are known that some were forgotten, an id may be one of these.
        if (known.has(id) || known.isFull() || mentioned[record.entity].has(id)) continue
        mentioned[record.entity].add(id)
        records.push(record)
      }
      held.clear()
      return records
    },
  }
}
