import type { DerivedTables } from './version.ts'

/**
 * Small tables made once a Gold version, because every list, book and chart asks for them: `reader_ratings` has a row a
 * rated book, `rating_days` one a day and genre; the day of ratings without a time is null.
 */
export const derivedTables: DerivedTables = {
  reader_ratings: (table) => `SELECT * FROM ${table('agg_rating_distribution')}`,
  rating_days: (table) => `
    SELECT date AS day, month, genre, CAST(sum(ratings) AS BIGINT) AS ratings, CAST(sum(rating_sum) AS BIGINT) AS rating_sum
    FROM ${table('agg_ratings_daily')} GROUP BY ALL`,
}
