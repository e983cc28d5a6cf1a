import { z } from 'zod'
import type { GoldVersion } from '../gold/version.ts'
import { decodeCursor, encodeCursor, questionOf, requireQuestion } from '../http/cursor.ts'
import { Problem } from '../http/problem.ts'
import { defineRoute, oneOf, shortText, whole } from '../http/route.ts'

const orders = {
  title: 'strip_accents(lower(b.title)), lower(b.title)',
  average_rating: 'b.average_rating DESC NULLS LAST',
  ratings_count: 'b.ratings_count DESC NULLS LAST',
  reader_ratings: 'coalesce(r.ratings, 0) DESC',
  reader_average: '(r.rating_sum / r.ratings) DESC NULLS LAST',
} as const

/** Columns of a book in a list. `reader_*` are of the ratings in Gold; the others are what the source says. */
export const bookColumns = `
  b.book_id, b.title, b.author_names, b.primary_author_id, b.primary_genre, b.language_code, b.publication_year, b.original_publication_year,
  b.average_rating, b.ratings_count, coalesce(r.ratings, 0) AS reader_ratings,
  round(r.rating_sum / r.ratings, 2) AS reader_average, b.url`

/** Current books, joined to their ratings in Gold as `b` and `r`. */
export const currentBooks = (gold: GoldVersion): string =>
  `${gold.table('dim_book')} b LEFT JOIN ${gold.table('reader_ratings')} r ON r.book_id = b.book_id
   WHERE b.is_current AND NOT b.is_deleted`

const query = z.strictObject({
  genre: shortText.optional().describe('slug of the primary genre, such as fantasy'),
  language_code: shortText.optional().describe('language in ISO 639-3, such as eng'),
  q: shortText.optional().describe('part of the title or of an author name'),
  min_ratings: whole(0, 1_000_000_000).optional().describe('least ratings_count'),
  sort: oneOf(['title', 'average_rating', 'ratings_count', 'reader_ratings', 'reader_average']).default('ratings_count').describe('order'),
  limit: whole(1, 200).default(50).describe('books on a page'),
  cursor: z.string().max(500).optional().describe('next_cursor of the page before'),
})

type Query = z.output<typeof query>

/** The filters as SQL conditions. A term is looked for without regard to case and accents. */
const conditionsOf = ({ genre, language_code, q, min_ratings }: Query) => {
  const conditions: string[] = ['NOT b.is_placeholder']
  const params: Record<string, string | number> = {}
  const add = (condition: string, name: string, value: string | number | undefined) => {
    if (value === undefined) return
    conditions.push(condition)
    params[name] = value
  }
  const folded = (sql: string) => `strip_accents(lower(${sql}))`
  add('b.primary_genre = $genre', 'genre', genre)
  add('b.language_code = $language', 'language', language_code)
  add('b.ratings_count >= $min_ratings', 'min_ratings', min_ratings)
  add(
    `(contains(${folded('b.title')}, ${folded('$q')}) OR contains(${folded("array_to_string(b.author_names, ' ')")}, ${folded('$q')}))`,
    'q',
    q,
  )
  return { where: conditions.join(' AND '), params }
}

export const listBooks = defineRoute({
  path: '/v1/books',
  summary: 'Books of the catalogue: filtered, sorted, a page at a time. A cursor goes on in the version that it began in.',
  query,
  pinnedVersion: ({ cursor }) => (cursor === undefined ? undefined : decodeCursor(cursor).version),
  handle: async ({ query, gold }) => {
    const question = questionOf(query)
    const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor)
    if (cursor) requireQuestion(cursor, question)
    const offset = cursor?.offset ?? 0
    const { where, params } = conditionsOf(query)
    const from = `FROM ${currentBooks(gold)} AND ${where}`
    const [counts, books] = await Promise.all([
      gold.cached(`books-total ${question}`, () => gold.rows<{ total: number }>(`SELECT count(*) AS total ${from}`, params)),
      gold.rows(`SELECT ${bookColumns} ${from} ORDER BY ${orders[query.sort]}, b.book_id LIMIT $limit OFFSET $offset`, {
        ...params,
        limit: query.limit,
        offset,
      }),
    ])
    const total = counts[0]?.total ?? 0
    const end = offset + books.length
    const isLast = books.length < query.limit || end >= total
    return { total, books, next_cursor: isLast ? null : encodeCursor({ version: gold.version, offset: end, question }) }
  },
})

const histogram = [1, 2, 3, 4, 5].map((stars) => `coalesce(r.ratings_${stars}, 0) AS reader_ratings_${stars}`).join(', ')

export const showBook = defineRoute({
  path: '/v1/books/{id}',
  summary: 'One book: its authors, genre, tags, what the source says of its ratings, and the ratings and reviews in Gold.',
  params: z.strictObject({ id: shortText.describe('GoodReads id of the book') }),
  handle: async ({ params: { id }, gold }) => {
    const [book] = await gold.rows(
      `SELECT b.*, coalesce(r.ratings, 0) AS reader_ratings, round(r.rating_sum / r.ratings, 2) AS reader_average, ${histogram}
       FROM ${currentBooks(gold)} AND b.book_id = $id`,
      { id },
    )
    if (!book)
      throw new Problem(404, `There is no book '${id}' in Gold version ${gold.version}. /v1/books?q= finds books by title or author.`)
    const [authors, reviews] = await Promise.all([
      gold.rows(
        `SELECT a.author_id, coalesce(d.name, a.name) AS name, a.role, a.position = 1 AS is_primary
         FROM ${gold.table('bridge_book_author')} a LEFT JOIN ${gold.table('dim_author')} d ON d.author_id = a.author_id AND d.is_current
         WHERE a.book_sk = $sk AND a.position > 0 ORDER BY a.position`,
        { sk: String(book['book_sk']) },
      ),
      gold.rows(
        `SELECT count(*) AS count, count(*) FILTER (WHERE has_text) AS with_text, max(coalesce(date_updated, date_added)) AS latest_at
         FROM ${gold.table('fact_review')} WHERE book_id = $id`,
        { id },
      ),
    ])
    return { book: shapeBook(book, authors), reviews: reviews[0] }
  },
})

const stars = ['1', '2', '3', '4', '5'] as const
const internal = ['book_sk', 'primary_author_sk', 'is_current', 'is_deleted', 'valid_to', 'author_names', 'primary_author_id']

/** A row of dim_book as a reader wants it: stars as histograms, authors as a list, keys of the model left out. */
const shapeBook = (row: Record<string, unknown>, authors: Record<string, unknown>[]) => {
  const hidden = new Set([...internal, ...stars.flatMap((star) => [`ratings_${star}`, `reader_ratings_${star}`])])
  return {
    ...Object.fromEntries(Object.entries(row).filter(([name]) => !hidden.has(name))),
    authors,
    source_histogram: Object.fromEntries(stars.map((star) => [star, row[`ratings_${star}`]])),
    reader_histogram: Object.fromEntries(stars.map((star) => [star, row[`reader_ratings_${star}`]])),
  }
}
