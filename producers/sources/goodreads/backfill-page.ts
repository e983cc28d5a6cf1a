import type { Review } from '../../../schemas/records.ts'
import { keyOf, type ReaderState } from './backfill-state.ts'
import type { ParsedResponse } from './parse/response.ts'

/** What of a page is of the wanted reviews: these, and the books and authors in them. */
export const onlyOf = (parsed: ParsedResponse, reviews: Review[]): ParsedResponse => {
  const bookIds = new Set(reviews.map(({ book_id }) => book_id))
  const books = parsed.books.filter(({ value }) => bookIds.has(value.book_id))
  const authorIds = new Set(books.flatMap(({ value }) => value.authors.map(({ author_id }) => author_id)))
  return { ...parsed, reviews, books, authors: parsed.authors.filter(({ value }) => authorIds.has(value.author_id)) }
}

/** When the newest review of each book and author changed, epoch ms, by `keyOf`. */
export const timesOf = ({ reviews, books }: ParsedResponse, timeOf: (review: Review) => number): Map<string, number> => {
  const times = new Map<string, number>()
  const note = (method: 'book.show' | 'author.show', id: string, atMs: number) => {
    const key = keyOf({ method, id })
    times.set(key, Math.max(atMs, times.get(key) ?? atMs))
  }
  for (const review of reviews) if (review.book_id !== null) note('book.show', review.book_id, timeOf(review))
  for (const { value } of books) {
    const atMs = times.get(keyOf({ method: 'book.show', id: value.book_id }))
    if (atMs !== undefined) for (const { author_id } of value.authors) note('author.show', author_id, atMs)
  }
  return times
}

/** So many changes tell how far back a page is: one alone may have a wrong date. */
const TELLING = 2
/**
 * So many entries a list may lack of its total. It may say the total on one page and end at the next, and what its reader deletes
 * in between is gone by then: one or two. More would be another page, or most of one, and so more than that explains.
 */
const MAX_LACKING = 2

/** Whether a list that ends here lacks more than it may, and none of its entries is known to be older than the first day. */
export const isShort = ({ seen, total, reachedMs }: ReaderState, fromMs: number): boolean =>
  total !== null && total - seen > MAX_LACKING && !(reachedMs !== null && reachedMs < fromMs)

/** Whether a page ends a list by its dates: it has some, and none of the first day or newer. */
export const isBeyond = (changes: readonly number[], fromMs: number): boolean =>
  changes.length >= TELLING && changes.every((changedMs) => changedMs < fromMs)

/**
 * Moves a reader on by a page that had something new; `freshCount` of its entries were not on the page before. A page may show fewer
 * entries than it counts, as those of readers who hide some do: its count holds where it shows most of them.
 */
export const turnPage = (
  reader: ReaderState,
  { parsed, changes, freshCount }: { parsed: ParsedResponse; changes: readonly number[]; freshCount: number },
): void => {
  const { paging, reviews } = parsed
  const isCountGood = paging !== null && 2 * reviews.length > paging.end - paging.start + 1
  reader.seen = Math.max(reader.seen + freshCount, isCountGood ? paging.end : 0)
  reader.total = paging?.total ?? reader.total
  // By what a page holds here, which may be less than was asked for.
  reader.pages = reader.total === null ? reader.pages : Math.ceil((reader.total * reader.page) / reader.seen)
  const reachedMs = Math.max(...changes.slice(-TELLING))
  if (changes.length > 0) reader.reachedMs = Math.min(reader.reachedMs ?? Number.POSITIVE_INFINITY, reachedMs)
  reader.page++
}
