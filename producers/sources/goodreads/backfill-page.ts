import type { Review } from '../../../schemas/records.ts'
import { keyOf } from './backfill-state.ts'
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
