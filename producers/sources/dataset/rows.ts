import { authorKeyOfName } from '../../../schemas/catalogue.ts'
import type { Author, Book, BookShelf, Rating } from '../../../schemas/records.ts'
import { emptyAuthor, emptyBook } from '../empty.ts'

type Row = Record<string, string>

const text = (value: string | undefined): string | null => (value === undefined || value.trim() === '' ? null : value.trim())

/** A number, or null where the cell is empty or holds none (the text is then kept in `extra`). */
const number = (value: string | undefined): number | null => {
  const trimmed = text(value)
  return trimmed !== null && Number.isFinite(Number(trimmed)) ? Number(trimmed) : null
}
const whole = (value: string | undefined): number | null => {
  const parsed = number(value)
  return parsed !== null && Number.isSafeInteger(parsed) ? parsed : null
}

const wholeFields = {
  books_count: 'books_count',
  original_publication_year: 'original_publication_year',
  ratings_count: 'ratings_count',
  work_ratings_count: 'work_ratings_count',
  work_text_reviews_count: 'work_text_reviews_count',
  ratings_1: 'ratings_1',
  ratings_2: 'ratings_2',
  ratings_3: 'ratings_3',
  ratings_4: 'ratings_4',
  ratings_5: 'ratings_5',
} as const satisfies Partial<Record<keyof Book, string>>

const taken = new Set([
  ...Object.values(wholeFields),
  'goodreads_book_id',
  'work_id',
  'isbn',
  'isbn13',
  'authors',
  'original_title',
  'title',
  'language_code',
  'average_rating',
  'image_url',
  'small_image_url',
])

/** Names of a row's authors, in order, each once. */
export const splitAuthors = (authors: string): string[] => [
  ...new Map(
    authors
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
      .map((name) => [authorKeyOfName(name), name]),
  ).values(),
]

/** Cells that no field takes, and cells whose text is not what their field needs. */
const extraOf = (row: Row): Record<string, string> => {
  const untaken = Object.entries(row).filter(([name, value]) => !taken.has(name) && text(value) !== null)
  const unread = [...Object.values(wholeFields)]
    .filter((name) => text(row[name]) !== null && whole(row[name]) === null)
    .map((name): [string, string] => [name, row[name] ?? ''])
  return Object.fromEntries([...untaken, ...unread])
}

export const bookRecord = (row: Row, shelves: BookShelf[]): Book => ({
  ...emptyBook(row['goodreads_book_id']?.trim() ?? ''),
  ...Object.fromEntries(Object.entries(wholeFields).map(([field, column]) => [field, whole(row[column])])),
  work_id: text(row['work_id']),
  title: text(row['title']),
  original_title: text(row['original_title']),
  isbn: text(row['isbn']),
  isbn13: text(row['isbn13']),
  language_code: text(row['language_code']),
  authors: splitAuthors(row['authors'] ?? '').map((name) => ({ author_id: authorKeyOfName(name), name, role: null })),
  shelves,
  average_rating: number(row['average_rating']),
  image_url: text(row['image_url']),
  small_image_url: text(row['small_image_url']),
  extra: extraOf(row),
})

export const authorRecord = (name: string): Author => ({ ...emptyAuthor(authorKeyOfName(name)), name })

/** A rating of the set. A book that books.csv does not have keeps its number there, marked as such. */
export const ratingRecord = (row: Row, goodreadsIds: ReadonlyMap<string, string>): Rating => {
  const bookId = row['book_id']?.trim() ?? ''
  return {
    user_id: `goodbooks-${row['user_id']?.trim() ?? ''}`,
    book_id: goodreadsIds.get(bookId) ?? `goodbooks-${bookId}`,
    // A cell that holds no whole number becomes 0, which Silver rejects with its reason; `extra` has the text.
    rating: whole(row['rating']) ?? 0,
    rated_at: null,
    review_id: null,
    extra: whole(row['rating']) === null ? { rating: row['rating'] ?? '' } : {},
  }
}
