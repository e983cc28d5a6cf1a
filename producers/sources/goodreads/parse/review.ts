import type { Rating, Review } from '../../../../schemas/records.ts'
import { emptyReview } from '../../empty.ts'
import { childText, fieldTable, keepElement, readFields } from './fields.ts'
import type { XmlElement } from './xml.ts'

const table = fieldTable<Review>({
  rating: ['rating', 'integer'],
  body: ['body', 'text'],
  votes: ['votes', 'integer'],
  comments_count: ['comments_count', 'integer'],
  spoiler_flag: ['has_spoiler', 'boolean'],
  spoilers_state: ['spoilers_state', 'text'],
  recommended_for: ['recommended_for', 'text'],
  recommended_by: ['recommended_by', 'text'],
  started_at: ['started_at', 'time'],
  read_at: ['read_at', 'time'],
  date_added: ['date_added', 'time'],
  date_updated: ['date_updated', 'time'],
  read_count: ['read_count', 'integer'],
  owned: ['owned', 'integer'],
  url: ['url', 'text'],
  link: ['url', 'text'],
})
const userTable = fieldTable<Review>({ id: ['user_id', 'text'], name: ['user_name', 'text'] })

/** The field that an element is for, by the name that the element has in `extra`. */
export const reviewFieldOf = (name: string): string | null =>
  (name.startsWith('user.') ? userTable.get(name.slice('user.'.length)) : table.get(name))?.[0] ?? null

const nothing = () => undefined

const readShelves = (review: Review, shelves: XmlElement) => {
  const told: XmlElement[] = []
  for (const shelf of shelves.children) {
    const name = (shelf.attributes['name'] ?? childText(shelf, 'name') ?? '').trim()
    if (name !== '' && !review.shelves.includes(name)) review.shelves.push(name)
    // What shelves say about themselves changed over the years; a plain list of names loses nothing.
    if (Object.keys(shelf.attributes).some((attribute) => attribute !== 'name' && attribute !== 'exclusive')) told.push(shelf)
  }
  keepElement(review.extra, 'shelves', ...told)
}

/**
 * A review from a `<review>` element. `context` has the user and the book that it is listed under, for answers
 * that do not repeat them inside. Rating 0 is unrated: null.
 */
export const parseReview = (element: XmlElement, reviewId: string, context: { userId: string | null; bookId: string | null }): Review => {
  const review = emptyReview(reviewId)
  const { extra } = review
  readFields(element, {
    table,
    target: review,
    extra,
    special: {
      id: nothing,
      book: (book) => {
        review.book_id = childText(book, 'id')
      },
      user: (user) => readFields(user, { table: userTable, target: review, extra, path: 'user.' }),
      shelves: (shelves) => readShelves(review, shelves),
    },
  })
  if (!element.children.some(({ name }) => name === 'book')) review.book_id = context.bookId
  review.user_id ??= context.userId
  if (review.rating === 0) review.rating = null
  return review
}

/** The rating that comes with a review, from 1 on; null without one, or without a user or a book to hold it. */
export const ratingOf = ({ user_id, book_id, rating, date_updated, date_added, review_id }: Review): Rating | null =>
  rating === null || rating < 1 || user_id === null || book_id === null
    ? null
    : { user_id, book_id, rating, rated_at: date_updated ?? date_added, review_id, extra: {} }
