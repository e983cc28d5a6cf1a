import { entityNames, topicNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'

/** How the rows of a Gold table are found, and what they come from. */
export interface GoldTrace {
  /** Columns that a key may be of. */
  keys: readonly string[]
  /** Other columns that follow from a key: by them files are passed over. */
  hint?: (key: string) => Readonly<Record<string, string>>
  /** The rows' origin: the current Silver row of a key, a version of it (by surrogate key), or none. */
  origin: { kind: 'current' | 'version'; entity: EntityName; key: string; surrogate?: string } | null
  /** Columns that refer to rows of other Gold tables. */
  joins?: Readonly<Record<string, { table: string; column: string }>>
  /** What rows without an origin are made of. */
  because?: string
}

const fact = {
  book_sk: { table: 'dim_book', column: 'book_sk' },
  author_sk: { table: 'dim_author', column: 'author_sk' },
  genre_sk: { table: 'dim_genre', column: 'genre_sk' },
  date_key: { table: 'dim_date', column: 'date_key' },
} as const

export const goldTraces: Readonly<Record<string, GoldTrace>> = {
  fact_rating: {
    keys: ['rating_key'],
    hint: (key) => ({ book_id: key.slice(key.indexOf(':') + 1) }),
    origin: { kind: 'current', entity: 'ratings', key: 'rating_key' },
    joins: fact,
  },
  fact_review: { keys: ['review_id'], origin: { kind: 'current', entity: 'reviews', key: 'review_id' }, joins: fact },
  dim_book: {
    keys: ['book_id', 'book_sk'],
    origin: { kind: 'version', entity: 'books', key: 'book_id', surrogate: 'book_sk' },
    joins: { primary_author_sk: { table: 'dim_author', column: 'author_sk' } },
  },
  dim_author: {
    keys: ['author_id', 'author_sk'],
    origin: { kind: 'version', entity: 'authors', key: 'author_id', surrogate: 'author_sk' },
  },
  bridge_book_author: {
    keys: ['book_id', 'author_id', 'book_sk'],
    origin: { kind: 'version', entity: 'books', key: 'book_id', surrogate: 'book_sk' },
    joins: { book_sk: fact.book_sk, author_sk: fact.author_sk },
  },
  bridge_book_genre: {
    keys: ['book_id', 'book_sk'],
    origin: { kind: 'version', entity: 'books', key: 'book_id', surrogate: 'book_sk' },
    joins: { book_sk: fact.book_sk, genre_sk: fact.genre_sk },
  },
  agg_book_monthly: {
    keys: ['book_id'],
    origin: null,
    because: 'Counted from the rows of gold.fact_rating of this book_id and rated_month, and of gold.fact_review of its reviewed_month.',
  },
  agg_ratings_daily: {
    keys: ['date_key'],
    origin: null,
    because:
      'Counted from the rows of gold.fact_rating of this date_key and primary_genre (in the partition rated_month = month) whose book version has this language_code.',
  },
  agg_reviews_daily: {
    keys: ['date_key'],
    origin: null,
    because:
      'Counted from the rows of gold.fact_review of this date_key and primary_genre (in the partition reviewed_month = month) whose book version has this language_code.',
  },
  agg_review_trends: {
    keys: ['date_key'],
    origin: null,
    because:
      "Counted from the rows of gold.fact_review of this day and the 27 days before it, of this primary_genre; 'all' is every genre.",
  },
  agg_rating_distribution: {
    keys: ['book_id'],
    origin: null,
    because: 'Counted from the rows of gold.fact_rating of this book_id; bayesian_rating takes the mean of all ratings in.',
  },
  agg_author_performance: {
    keys: ['author_id'],
    origin: null,
    because:
      'Counted from the rows of gold.fact_rating and gold.fact_review of each book_id whose current version gold.bridge_book_author gives this author.',
  },
  dim_genre: { keys: ['genre', 'genre_sk'], origin: null, because: "Genres are a curated list of the models', and come from no record." },
  dim_date: { keys: ['date_key'], origin: null, because: 'Days are made for the span of all facts, and come from no record.' },
}

/** Columns of a joined row that tell a person what it is. */
export const toldColumns = [
  'book_id',
  'title',
  'author_id',
  'name',
  'genre',
  'date',
  'valid_from',
  'valid_to',
  'is_current',
  'is_placeholder',
] as const

/** Tables whose rows can be asked for. */
export const traceableTables: readonly string[] = [
  ...Object.keys(goldTraces).map((name) => `gold.${name}`),
  ...entityNames.map((name) => `silver.${name}`),
  ...topicNames.map((name) => `bronze.${name}`),
]
