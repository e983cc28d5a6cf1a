import type { DerivedTables } from '../gold-version.ts'

/**
 * Small tables made once a Gold version, because every list and book page asks for them and the facts are
 * spread over many files. One row a book.
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
}
