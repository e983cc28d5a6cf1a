import { authorKeyOfName } from '../../../schemas/catalogue.ts'
import type { Book, Rating, Review } from '../../../schemas/records.ts'
import { emptyBook, emptyReview } from '../empty.ts'
import { addExtra } from '../goodreads/parse/fields.ts'
import {
  AUTHOR_LAST_FIRST,
  authorColumns,
  BOOK_ID,
  bookColumns,
  type DayOrder,
  plainName,
  reviewColumns,
  shelfColumns,
  unwrapped,
} from './columns.ts'

export interface ExportRow {
  book: Book
  /** Names of the book's authors, each once. */
  authors: string[]
  review: Review
  rating: Rating | null
}

/** Names with commas between, each once, in order. */
const listOf = (cell: string | undefined): string[] =>
  (cell ?? '')
    .split(',')
    .map((part) => part.replaceAll(/\s+/g, ' ').trim())
    .filter(Boolean)

/** A name of punctuation alone gives no key. */
const namesOf = (cells: ReadonlyMap<string, string>): string[] => [
  ...new Map(
    // The first author is one name, whatever is in it; the others are a list.
    [[cells.get(authorColumns[0])?.replaceAll(/\s+/g, ' ').trim() ?? ''], listOf(cells.get(authorColumns[1]))]
      .flat()
      .filter((name) => authorKeyOfName(name) !== 'name:')
      .map((name) => [authorKeyOfName(name), name]),
  ).values(),
]

/**
 * Turns a row of an export into records. `header` is the file's own, `dayOrder` how a spreadsheet wrote its days; what no field
 * takes, and what does not fit its field, goes to `extra` under the column's name. `userId` stands for the person, whom an export
 * does not name.
 */
export const createRowReader = (header: readonly string[], userId: string, dayOrder: DayOrder | null = null) => {
  const plain = header.map(plainName)
  // Of columns of the same name the first is what is meant; what others hold is kept under a name of its own.
  const names = plain.map((name, index) => (plain.indexOf(name) === index ? name : ''))
  const shownNames = header.map((name, index) => {
    const times = plain.slice(0, index + 1).filter((each) => each === plain[index]).length
    return `${name.trim() || `column ${index + 1}`}${times > 1 && name.trim() !== '' ? ` (${times})` : ''}`
  })
  return (row: readonly string[]): ExportRow => {
    const cells = new Map<string, string>()
    for (const [index, name] of names.entries()) if (name !== '') cells.set(name, (row[index] ?? '').trim())
    const givenId = unwrapped(cells.get(BOOK_ID) ?? '')
    // A spreadsheet may have rounded it, such as 1.35541E+07: then it is some other book's, or none's.
    const bookId = /^\d{1,18}$/.test(givenId) ? givenId : ''
    const book = emptyBook(bookId)
    const review = emptyReview(`${userId}:${bookId}`)
    // Without a book there is nothing that Silver could keep it under: it becomes a dead letter, whole.
    Object.assign(review, { user_id: userId, book_id: bookId || null })

    if (bookId !== givenId) addExtra(review.extra, 'Book Id', givenId)
    for (const [index, cell] of row.entries()) {
      const name = names[index] ?? ''
      const shown = shownNames[index] ?? `column ${index + 1}`
      const value = unwrapped(cell)
      if (value === '' || name === BOOK_ID || [...authorColumns, ...shelfColumns].includes(name as never)) continue
      const [target, column] = Object.hasOwn(bookColumns, name)
        ? [book, bookColumns[name]!]
        : [review, Object.hasOwn(reviewColumns, name) ? reviewColumns[name]! : null]
      if (column === null) addExtra(name === AUTHOR_LAST_FIRST ? book.extra : review.extra, shown, cell.trim())
      else {
        const [field, read] = column
        const parsed = read(value, dayOrder)
        if (parsed === null) addExtra(target.extra, shown, value)
        else Object.assign(target, { [field]: parsed })
      }
    }

    // Unrated is 0 there, and so are pages that nobody counted.
    if (review.rating === 0) review.rating = null
    if (book.num_pages === 0) book.num_pages = null
    const authors = namesOf(cells)
    book.authors = authors.map((name) => ({ author_id: authorKeyOfName(name), name, role: null }))
    review.shelves = [...new Set(shelfColumns.flatMap((name) => listOf(cells.get(name))))]
    // All that is known of who else put it where: this reader did.
    book.shelves = review.shelves.map((name) => ({ name, count: 1 }))
    const isRated = review.rating !== null && review.rating >= 1
    return {
      book,
      authors,
      review,
      rating: isRated
        ? { user_id: userId, book_id: bookId, rating: review.rating!, rated_at: null, review_id: review.review_id, extra: {} }
        : null,
    }
  }
}
