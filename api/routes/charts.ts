import { z } from 'zod'
import { questionOf } from '../http/cursor.ts'
import { Problem } from '../http/problem.ts'
import { dayOrMonth, defineRoute, oneOf, shortText, whole } from '../http/route.ts'
import { bookColumns, currentBooks } from './books.ts'

export const ratingsByGenre = defineRoute({
  path: '/v1/charts/ratings-by-genre',
  summary: 'Ratings per month and genre, with their average. Ratings without a time are left out and counted in without_time.',
  query: z.strictObject({
    from: dayOrMonth.optional().describe('first day, or month, that counts'),
    to: dayOrMonth.optional().describe('day, or month, that ends the range and does not count'),
    bucket: oneOf(['month']).default('month').describe('length of a point in time'),
  }),
  handle: ({ query, gold }) => {
    const { from = '0001-01-01', to = '9999-12-31' } = query
    if (from >= to) throw new Problem(400, 'from must be before to.', { faults: [{ parameter: 'from', detail: 'must be before to' }] })
    return gold.cached(`ratings-by-genre ${questionOf(query)}`, async () => {
      const [points, without] = await Promise.all([
        gold.rows(
          `SELECT d.month, d.genre, coalesce(any_value(g.name), d.genre) AS name, CAST(sum(d.ratings) AS BIGINT) AS ratings,
             round(sum(d.rating_sum) / sum(d.ratings), 3) AS average
           FROM ${gold.table('rating_days')} d LEFT JOIN ${gold.table('dim_genre')} g ON g.genre = d.genre
           WHERE d.day >= CAST($from AS DATE) AND d.day < CAST($to AS DATE)
           GROUP BY d.month, d.genre ORDER BY d.month, d.genre`,
          { from, to },
        ),
        gold.rows<{ ratings: number | null }>(
          `SELECT CAST(sum(ratings) AS BIGINT) AS ratings FROM ${gold.table('rating_days')} WHERE day IS NULL`,
        ),
      ])
      return { bucket: query.bucket, points, without_time: without[0]?.ratings ?? 0 }
    })
  },
})

const rankings = {
  reader_ratings: 'coalesce(r.ratings, 0) DESC',
  reader_average: '(r.rating_sum / r.ratings) DESC NULLS LAST, r.ratings DESC',
  ratings_count: 'b.ratings_count DESC NULLS LAST',
} as const

export const topBooks = defineRoute({
  path: '/v1/charts/top-books',
  summary: 'The books that lead: by ratings in Gold, by their average, or by what the source counts.',
  query: z.strictObject({
    by: oneOf(['reader_ratings', 'reader_average', 'ratings_count']).default('reader_ratings').describe('what ranks them'),
    genre: shortText.optional().describe('slug of the primary genre'),
    min_ratings: whole(1, 1_000_000_000).default(1).describe('least ratings in Gold'),
    limit: whole(1, 50).default(10).describe('number of books'),
  }),
  handle: ({ query, gold }) =>
    gold.cached(`top-books ${questionOf(query)} ${query.limit}`, async () => {
      const genre = query.genre === undefined ? '' : 'AND b.primary_genre = $genre'
      const books = await gold.rows(
        `SELECT ${bookColumns} FROM ${currentBooks(gold)} AND NOT b.is_placeholder AND r.ratings >= $min_ratings ${genre}
         ORDER BY ${rankings[query.by]}, b.book_id LIMIT $limit`,
        { min_ratings: query.min_ratings, limit: query.limit, ...(query.genre === undefined ? {} : { genre: query.genre }) },
      )
      return { by: query.by, books }
    }),
})
