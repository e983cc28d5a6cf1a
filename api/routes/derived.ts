import type { DerivedTables } from '../gold-version.ts'

/**
 * Small tables made once a Gold version, because every list, book and chart asks for them and the facts are spread
 * over many files. `reader_ratings` has a row a book, `rating_days` one a day and genre; the day of ratings without a
 * time is null.
 */
export const derivedTables: DerivedTables = {
  reader_ratings: (table) => `
    SELECT book_id,
      count(*) AS ratings,
      CAST(sum(rating) AS BIGINT) AS rating_sum,
      CAST(count(*) FILTER (WHERE rating = 1) AS BIGINT) AS ratings_1,
      CAST(count(*) FILTER (WHERE rating = 2) AS BIGINT) AS ratings_2,
      CAST(count(*) FILTER (WHERE rating = 3) AS BIGINT) AS ratings_3,
      CAST(count(*) FILTER (WHERE rating = 4) AS BIGINT) AS ratings_4,
      CAST(count(*) FILTER (WHERE rating = 5) AS BIGINT) AS ratings_5
    FROM ${table('fact_rating')} GROUP BY book_id`,
  rating_days: (table) => `
    SELECT CAST(rated_at AS DATE) AS day, rated_month AS month, primary_genre AS genre,
      count(*) AS ratings, CAST(sum(rating) AS BIGINT) AS rating_sum
    FROM ${table('fact_rating')} GROUP BY ALL`,
}
