import { z } from 'zod'
import { type Condition, monthsBetween, partitionIs, textIs } from '../../lineage/conditions.ts'
import { count, flag, text, texts, time } from '../gold/columns.ts'
import { defineList } from '../gold/list.ts'
import { factFilters, given, requireRange, shortText, whole } from '../http/parameters.ts'

const filters = z.strictObject({
  ...factFilters,
  book_id: shortText.optional().describe('GoodReads id of the book'),
  user_id: shortText.optional().describe('id of the reader'),
  min_rating: whole(0, 5).optional().describe('least stars'),
})

type Filters = z.output<typeof filters>

/** Conditions of the facts `f`, whose time and month are these; those that say so pass over files. */
const whereFact = (at: string, month: string) => (query: Filters) => {
  requireRange(query)
  const { genre, language_code, from, to, book_id, user_id, min_rating } = query
  const scan: Condition[] = []
  if (genre !== undefined) scan.push(partitionIs('primary_genre', genre))
  if (from !== undefined || to !== undefined) scan.push(monthsBetween(month, from ?? '0001-01-01', to ?? '9999-12-31'))
  if (book_id !== undefined) scan.push(textIs('book_id', book_id))
  if (user_id !== undefined) scan.push(textIs('user_id', user_id))
  return {
    conditions: [
      ...(genre === undefined ? [] : ['f.primary_genre = $genre']),
      ...(language_code === undefined ? [] : ['f.book_sk IN (SELECT book_sk FROM gold_dim_book WHERE language_code = $language_code)']),
      ...(from === undefined ? [] : [`${at} >= CAST($from AS TIMESTAMPTZ)`]),
      ...(to === undefined ? [] : [`${at} < CAST($to AS TIMESTAMPTZ)`]),
      ...(book_id === undefined ? [] : ['f.book_id = $book_id']),
      ...(user_id === undefined ? [] : ['f.user_id = $user_id']),
      ...(min_rating === undefined ? [] : ['f.rating >= $min_rating']),
    ],
    params: given({ genre, language_code, from, to, book_id, user_id, min_rating }),
    scan,
  }
}

const ofBook = {
  book_id: { sql: 'f.book_id', type: text },
  title: { sql: 'b.title', type: text },
  language_code: { sql: 'b.language_code', type: text },
  primary_genre: { sql: 'f.primary_genre', type: text },
}

/** Ratings, one a reader and book. */
export const listRatings = defineList({
  path: '/v1/ratings',
  summary:
    'Current ratings of readers, newest first: filtered, sorted, a page at a time; title and language are of the book version of their time.',
  name: 'ratings',
  filters,
  columns: {
    rating_key: { sql: 'f.rating_key', type: text },
    user_id: { sql: 'f.user_id', type: text },
    ...ofBook,
    rating: { sql: 'f.rating', type: count },
    rated_at: { sql: 'f.rated_at', type: time },
    review_id: { sql: 'f.review_id', type: text },
    ingestion_timestamp: { sql: 'f.ingestion_timestamp', type: time },
  },
  fact: 'fact_rating',
  from: (_gold, relation) => `FROM ${relation} f`,
  join: (gold) => `LEFT JOIN ${gold.table('dim_book')} b ON b.book_sk = f.book_sk`,
  where: whereFact('f.rated_at', 'rated_month'),
  orders: {
    rated_at: [{ sql: 'epoch_us(f.rated_at)', descending: true }],
    oldest: [{ sql: 'epoch_us(f.rated_at)' }],
    rating: [
      { sql: 'f.rating', descending: true },
      { sql: 'epoch_us(f.rated_at)', descending: true },
    ],
  },
  defaultOrder: 'rated_at',
  key: 'f.rating_key',
})

const reviewedAt = 'coalesce(f.date_updated, f.date_added)'

/** Reviews, one a row. Their text is in Silver. */
export const listReviews = defineList({
  path: '/v1/reviews',
  summary:
    'Current reviews, newest first: filtered, sorted, a page at a time. `from` and `to` go by date_updated, else date_added. The text is in silver_reviews.',
  name: 'reviews',
  filters,
  columns: {
    review_id: { sql: 'f.review_id', type: text },
    user_id: { sql: 'f.user_id', type: text },
    ...ofBook,
    rating: { sql: 'f.rating', type: count },
    votes: { sql: 'f.votes', type: count },
    comments_count: { sql: 'f.comments_count', type: count },
    body_length: { sql: 'f.body_length', type: count },
    has_text: { sql: 'f.has_text', type: flag },
    has_spoiler: { sql: 'f.has_spoiler', type: flag },
    date_added: { sql: 'f.date_added', type: time },
    date_updated: { sql: 'f.date_updated', type: time },
    started_at: { sql: 'f.started_at', type: time },
    read_at: { sql: 'f.read_at', type: time },
    read_count: { sql: 'f.read_count', type: count },
    shelves: { sql: 'f.shelves', type: texts },
    ingestion_timestamp: { sql: 'f.ingestion_timestamp', type: time },
  },
  fact: 'fact_review',
  from: (_gold, relation) => `FROM ${relation} f`,
  join: (gold) => `LEFT JOIN ${gold.table('dim_book')} b ON b.book_sk = f.book_sk`,
  where: whereFact(reviewedAt, 'reviewed_month'),
  orders: {
    date: [{ sql: `epoch_us(${reviewedAt})`, descending: true }],
    oldest: [{ sql: `epoch_us(${reviewedAt})` }],
    votes: [
      { sql: 'f.votes', descending: true },
      { sql: `epoch_us(${reviewedAt})`, descending: true },
    ],
    length: [{ sql: 'f.body_length', descending: true }],
  },
  defaultOrder: 'date',
  key: 'f.review_id',
})
