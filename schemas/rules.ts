import type { EntityName } from './records.ts'

const DAY_MS = 86_400_000
/** Clocks differ a little, and dates carry no zone: a day beyond the record's arrival still counts as now. */
export const CLOCK_TOLERANCE_MS = DAY_MS

/**
 * What a value must satisfy. `arrival` is the Kafka timestamp of the record, so that a rule gives the same
 * verdict whenever it is applied.
 */
export type Check =
  | { kind: 'required' }
  | { kind: 'range'; min: number; max: number; isWhole?: true }
  | { kind: 'time'; fromMs: number; until: 'arrival' }
  | { kind: 'date'; fromDays: number; until: 'arrival' }
  | { kind: 'calendar-date'; monthField: string; dayField: string; fromYear: number; until: 'arrival' }

export interface Rule {
  /** Stable name: the error class of a dead letter, or the flag of a row. */
  id: string
  field: string
  check: Check
  /** reject: the record is a dead letter. null-and-flag: the value is nulled and the row says so. */
  severity: 'reject' | 'null-and-flag'
  /** Why, for a person. */
  because: string
}

const required = (field: string, because: string): Rule => ({
  id: `${field}-missing`,
  field,
  check: { kind: 'required' },
  severity: 'reject',
  because,
})

const range = (field: string, min: number, max: number, because: string): Rule => ({
  id: `${field}-out-of-range`,
  field,
  check: { kind: 'range', min, max },
  severity: 'reject',
  because,
})

const counts = (...fields: string[]): Rule[] =>
  fields.map((field) => ({
    id: `${field}-negative`,
    field,
    check: { kind: 'range', min: 0, max: Number.MAX_SAFE_INTEGER },
    severity: 'reject',
    because: 'A count is never below zero.',
  }))

// GoodReads went public in 2007; imports carry a few earlier dates.
const SOURCE_BEGINS_MS = Date.UTC(2000, 0, 1)
const time = (field: string, severity: Rule['severity'], fromMs = SOURCE_BEGINS_MS): Rule => ({
  id: `${field}-implausible`,
  field,
  check: { kind: 'time', fromMs, until: 'arrival' },
  severity,
  because: 'A time lies between the beginning of the source and the arrival of the record.',
})

const published = (prefix: '' | 'original_'): Rule => ({
  id: `${prefix}publication-implausible`,
  field: `${prefix}publication_year`,
  check: {
    kind: 'calendar-date',
    monthField: `${prefix}publication_month`,
    dayField: `${prefix}publication_day`,
    fromYear: -4000,
    until: 'arrival',
  },
  severity: 'reject',
  because: 'A book that was reviewed was published, on a day that exists, and not in the future.',
})

const birth = (field: string): Rule => ({
  id: `${field}-implausible`,
  field,
  check: { kind: 'date', fromDays: Date.UTC(0, 0, 1) / DAY_MS - 6000 * 365, until: 'arrival' },
  severity: 'null-and-flag',
  because: 'A day of birth or death is not in the future.',
})

/** The rules of each entity, in the order in which they are named to a person. */
export const rules: Readonly<Record<EntityName, readonly Rule[]>> = {
  books: [
    required('book_id', 'The key.'),
    required('title', 'A book without a title can not be shown or found.'),
    range('average_rating', 0, 5, 'Ratings go from 1 to 5; 0 is unrated.'),
    ...counts(
      'num_pages',
      'ratings_count',
      'text_reviews_count',
      'books_count',
      'work_ratings_count',
      'work_text_reviews_count',
      'work_reviews_count',
    ),
    ...counts('ratings_1', 'ratings_2', 'ratings_3', 'ratings_4', 'ratings_5'),
    published(''),
    published('original_'),
    time('updated_at', 'reject'),
  ],
  authors: [
    required('author_id', 'The key.'),
    required('name', 'An author without a name can not be shown or found.'),
    range('average_rating', 0, 5, 'Ratings go from 1 to 5; 0 is unrated.'),
    ...counts('works_count', 'fans_count', 'followers_count', 'ratings_count', 'text_reviews_count'),
    birth('born_at'),
    birth('died_at'),
    time('updated_at', 'reject'),
  ],
  reviews: [
    required('review_id', 'The key.'),
    required('book_id', 'A review is of a book.'),
    range('rating', 1, 5, 'Ratings go from 1 to 5; unrated is no rating.'),
    ...counts('votes', 'comments_count', 'read_count', 'owned'),
    time('date_added', 'reject'),
    time('date_updated', 'reject'),
    // Readers type these by hand, and some read long before the source existed.
    time('started_at', 'null-and-flag', Date.UTC(1900, 0, 1)),
    time('read_at', 'null-and-flag', Date.UTC(1900, 0, 1)),
  ],
  ratings: [
    required('user_id', 'Part of the key.'),
    required('book_id', 'Part of the key.'),
    required('rating', 'A rating is from 1 to 5.'),
    range('rating', 1, 5, 'A rating is from 1 to 5.'),
    time('rated_at', 'reject'),
  ],
}

/** Text fields that may hold HTML: Silver keeps their plain text, Bronze the original. */
export const htmlFields: Readonly<Record<EntityName, readonly string[]>> = {
  books: ['description'],
  authors: ['about', 'influences'],
  reviews: ['body'],
  ratings: [],
}
