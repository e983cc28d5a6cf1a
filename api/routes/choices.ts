import { z } from 'zod'
import { count, flag, text } from '../gold/columns.ts'
import { defineRoute } from '../http/route.ts'

export const listGenres = defineRoute({
  path: '/v1/genres',
  summary: 'Genres, with the current books that have them as their primary one and the ratings in Gold.',
  answer: z.object({ genres: z.array(z.object({ genre: text, name: text, is_other: flag, books: count, ratings: count })) }),
  rows: 'genres',
  handle: async ({ gold }) => ({
    genres: await gold.rows(
      gold.expand(`SELECT g.genre, g.name, g.is_other, coalesce(b.books, 0) AS books, coalesce(r.ratings, 0) AS ratings
        FROM gold_dim_genre g
        LEFT JOIN (SELECT primary_genre, count(*) AS books FROM gold_dim_book
          WHERE is_current AND NOT is_deleted AND NOT is_placeholder GROUP BY primary_genre) b ON b.primary_genre = g.genre
        LEFT JOIN (SELECT genre, CAST(sum(ratings) AS BIGINT) AS ratings FROM gold_agg_ratings_daily GROUP BY genre) r ON r.genre = g.genre
        ORDER BY ratings DESC, books DESC, g.genre`),
    ),
  }),
})

export const listLanguages = defineRoute({
  path: '/v1/languages',
  summary: 'Languages (ISO 639-3) of books, with the current books in each and their ratings in Gold; null where the source gives none.',
  answer: z.object({ languages: z.array(z.object({ language_code: text, books: count, ratings: count })) }),
  rows: 'languages',
  handle: async ({ gold }) => ({
    languages: await gold.rows(
      gold.expand(`SELECT language_code, CAST(sum(books) AS BIGINT) AS books, CAST(sum(ratings) AS BIGINT) AS ratings FROM (
          SELECT language_code, count(*) AS books, 0 AS ratings FROM gold_dim_book
          WHERE is_current AND NOT is_deleted AND NOT is_placeholder GROUP BY language_code
          UNION ALL SELECT language_code, 0, sum(ratings) FROM gold_agg_ratings_daily GROUP BY language_code)
        GROUP BY language_code ORDER BY ratings DESC, books DESC, language_code`),
    ),
  }),
})
