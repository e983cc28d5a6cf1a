import type { Book, Review, TopicName } from '../../../schemas/records.ts'
import { parseBoolean, parseDay, parseDecimal, parseInteger } from '../goodreads/parse/values.ts'

const DAY_MS = 86_400_000

/** Column names as they are compared: letters' case, blanks and underscores differ between the years and the tools that edit exports. */
export const plainName = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, ' ')

const text = (cell: string) => cell
const aboveZero = (cell: string) => {
  const value = parseInteger(cell)
  return value === null || value < 0 ? null : value
}
/** Whether days that a spreadsheet wrote, such as 3/24/2021, begin with the month or with the day. */
export type DayOrder = 'month-first' | 'day-first'

const written = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/

/** What the days of a file tell of their order: null where none leaves no doubt, or they contradict each other. */
export const dayOrderOf = (cells: Iterable<string>): DayOrder | null => {
  const found = new Set<DayOrder>()
  for (const cell of cells) {
    const [, first, second] = written.exec(cell.trim()) ?? []
    if (Number(first) > 12) found.add('day-first')
    if (Number(second) > 12) found.add('month-first')
  }
  return found.size === 1 ? [...found][0]! : null
}

const day = (cell: string, order: DayOrder | null) => {
  const [, first, second, year] = written.exec(cell) ?? []
  const [month, date] = order === 'day-first' ? [second, first] : [first, second]
  const text = year === undefined ? cell : order === null ? '' : `${year}/${month}/${date}`
  // A year of two digits is of no century.
  const days = /^\d{4}\D/.test(text) ? parseDay(text) : null
  return days === null ? null : days * DAY_MS
}
/** `="0465023932"` keeps a spreadsheet from reading a number; what is in it is the value. */
export const unwrapped = (cell: string): string => /^="([^"]*)"$/.exec(cell.trim())?.[1]?.trim() ?? cell.trim()

type Read = (cell: string, dayOrder: DayOrder | null) => string | number | boolean | null
type Columns<T> = Readonly<Record<string, readonly [field: keyof T & string, read: Read]>>

/** Columns of a book that one field takes; 0 pages are unknown ones. */
export const bookColumns: Columns<Book> = {
  title: ['title', text],
  isbn: ['isbn', text],
  isbn13: ['isbn13', text],
  'average rating': ['average_rating', parseDecimal],
  publisher: ['publisher', text],
  binding: ['format', text],
  'number of pages': ['num_pages', aboveZero],
  'year published': ['publication_year', parseInteger],
  'original publication year': ['original_publication_year', parseInteger],
}

/** Columns of what the reader did with the book. Exports tell no time of a change: none of these is the event time. */
export const reviewColumns: Columns<Review> = {
  'my rating': ['rating', parseInteger],
  'my review': ['body', text],
  spoiler: ['has_spoiler', parseBoolean],
  'date read': ['read_at', day],
  'date added': ['date_added', day],
  'read count': ['read_count', aboveZero],
  'owned copies': ['owned', aboveZero],
  'recommended for': ['recommended_for', text],
  'recommended by': ['recommended_by', text],
}

/** Columns of days. */
export const dayColumns = ['date read', 'date added'] as const
/** Columns that the record's id, its authors and its shelves are made of. */
export const BOOK_ID = 'book id'
export const authorColumns = ['author', 'additional authors'] as const
export const shelfColumns = ['exclusive shelf', 'bookshelves'] as const
/** Nothing but the author's name once more; kept with the book, not with the reader. */
export const AUTHOR_LAST_FIRST = 'author l f'

/** The field that a column is for, by the name that it has in `extra`. */
export const exportFieldOf = (entity: TopicName, name: string): string | null => {
  const columns: Columns<never> = entity === 'books' ? bookColumns : entity === 'reviews' ? reviewColumns : {}
  return Object.hasOwn(columns, plainName(name)) ? columns[plainName(name)]![0] : null
}
