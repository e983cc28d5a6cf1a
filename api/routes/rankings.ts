import { z } from 'zod'
import { sqlText } from '../../lake/sql.ts'
import { type ChartFilters, chartAnswer, chartRows, chartScan, chartWhere } from '../gold/chart.ts'
import { count, figure, text } from '../gold/columns.ts'
import { factFilters, oneOf, requireRange, wholeOr } from '../http/parameters.ts'
import { defineRoute } from '../http/route.ts'
import { bookColumns, selectBook } from './book-columns.ts'

const ofFact = { at: 'f.rated_at', genre: 'f.primary_genre', language: 'l.language_code' }
const joinLanguage = ({ language_code }: ChartFilters) =>
  language_code === undefined ? '' : 'JOIN gold_dim_book l ON l.book_sk = f.book_sk'

const orders = {
  ratings: 'ratings DESC',
  average_rating: 'average_rating DESC NULLS LAST, ratings DESC',
  bayesian_rating: 'bayesian_rating DESC NULLS LAST, ratings DESC',
  books: 'books DESC',
} as const

export const authorPerformance = defineRoute({
  path: '/v1/charts/author-performance',
  summary:
    'Authors by how readers rate their books. With filters the ratings that meet them count, and authors who have none are left out.',
  query: z.strictObject({
    ...factFilters,
    sort: oneOf(['ratings', 'average_rating', 'bayesian_rating', 'books']).default('bayesian_rating').describe('what ranks them'),
    min_ratings: wholeOr(0, 1_000_000_000, 1).describe('least ratings that count'),
    limit: wholeOr(1, 200, 20).describe('number of authors'),
  }),
  answer: z.object({
    ...chartAnswer,
    sort: z.string(),
    authors: z.array(
      z.object({ author_id: text, name: text, books: count, ratings: count, average_rating: figure, bayesian_rating: figure }),
    ),
  }),
  rows: 'authors',
  handle: async ({ query, gold }) => {
    requireRange(query)
    const { sort, min_ratings, limit, ...filters } = query
    const tail = `ORDER BY ${orders[sort]}, author_id LIMIT ${limit}`
    const isFiltered = Object.values(filters).some((value) => value !== undefined)
    const { rows, sql } = isFiltered
      ? await chartRows(
          gold,
          `WITH rated AS (
  SELECT f.book_id, count(*) AS ratings, sum(f.rating) AS rating_sum
  FROM gold_fact_rating f ${joinLanguage(filters)}
  ${chartWhere(filters, ofFact)}
  GROUP BY f.book_id
),
prior AS (SELECT sum(rating_sum) / sum(ratings) AS mean FROM rated),
credited AS (
  SELECT DISTINCT a.author_id, a.book_id
  FROM gold_bridge_book_author a JOIN gold_dim_book b ON b.book_sk = a.book_sk
  WHERE b.is_current AND NOT b.is_deleted AND NOT b.is_placeholder
)
SELECT c.author_id, any_value(d.name) AS name, count(*) AS books, CAST(sum(r.ratings) AS BIGINT) AS ratings,
  round(sum(r.rating_sum) / sum(r.ratings), 3) AS average_rating,
  round((25 * any_value(p.mean) + sum(r.rating_sum)) / (25 + sum(r.ratings)), 3) AS bayesian_rating
FROM credited c JOIN rated r ON r.book_id = c.book_id CROSS JOIN prior p
JOIN gold_dim_author d ON d.author_id = c.author_id AND d.is_current
GROUP BY c.author_id HAVING sum(r.ratings) >= ${min_ratings}
${tail}`,
          chartScan(filters, 'fact_rating', 'rated_month'),
        )
      : await chartRows(
          gold,
          `SELECT author_id, name, books, ratings, round(average_rating, 3) AS average_rating, round(bayesian_rating, 3) AS bayesian_rating
FROM gold_agg_author_performance WHERE ratings >= ${min_ratings}
${tail}`,
        )
    return { sort, authors: rows, sql }
  },
})

const rankings = {
  reader_ratings: 'reader_ratings DESC',
  reader_average: 'reader_average DESC NULLS LAST, reader_ratings DESC',
  ratings_count: 'ratings_count DESC NULLS LAST',
} as const

export const topBooks = defineRoute({
  path: '/v1/charts/top-books',
  summary:
    'The books that lead: by ratings in Gold, by their average, or by what the source counts. With from and to the ratings of those days count.',
  query: z.strictObject({
    ...factFilters,
    by: oneOf(['reader_ratings', 'reader_average', 'ratings_count']).default('reader_ratings').describe('what ranks them'),
    min_ratings: wholeOr(1, 1_000_000_000, 1).describe('least ratings in Gold'),
    limit: wholeOr(1, 50, 10).describe('number of books'),
  }),
  answer: z.object({
    ...chartAnswer,
    by: z.string(),
    books: z.array(z.object(Object.fromEntries(Object.entries(bookColumns).map(([name, { type }]) => [name, type])))),
  }),
  rows: 'books',
  handle: async ({ query, gold }) => {
    requireRange(query)
    const { by, min_ratings, limit, genre, language_code, from, to } = query
    const isDated = from !== undefined || to !== undefined
    const rated = isDated
      ? `(SELECT book_id, count(*) AS ratings, sum(rating) AS rating_sum FROM gold_fact_rating f ${chartWhere({ from, to }, ofFact)} GROUP BY book_id)`
      : 'gold_agg_rating_distribution'
    const { rows, sql } = await chartRows(
      gold,
      `SELECT ${selectBook}
FROM gold_dim_book b JOIN ${rated} r ON r.book_id = b.book_id
WHERE b.is_current AND NOT b.is_deleted AND NOT b.is_placeholder AND r.ratings >= ${min_ratings}
  ${genre === undefined ? '' : `AND b.primary_genre = ${sqlText(genre)}`} ${language_code === undefined ? '' : `AND b.language_code = ${sqlText(language_code)}`}
ORDER BY ${rankings[by]}, b.book_id LIMIT ${limit}`,
      isDated ? chartScan({ from, to }, 'fact_rating', 'rated_month') : undefined,
    )
    return { by, books: rows, sql }
  },
})
