import { sqlText } from '../../lake/sql.ts'
import { unread } from './dates.ts'

const shelves = 'coalesce(shelves, [])'
const tally = `count(*) AS books, CAST(coalesce(sum(num_pages), 0) AS BIGINT) AS pages,
  count(*) - count(num_pages) AS books_without_pages, round(avg(rating), 3) AS my_average`
const genre = "coalesce(genre, 'other')"

/**
 * The SQL of each chart of a shelf, over that of its books: it gives the figures of `shelfStats`, months and years without a book
 * left out. `hasShelves` says whether this Gold's reviews have shelves.
 */
export const chartSql = (books: string, hasShelves: boolean) => {
  const isRead = hasShelves
    ? `list_contains(${shelves}, 'read')
    OR (NOT list_has_any(${shelves}, [${[...unread].map(sqlText).join(', ')}]) AND (read_at IS NOT NULL OR rating IS NOT NULL))`
    : 'read_at IS NOT NULL OR rating IS NOT NULL'
  const over = (select: string) => `WITH mine AS (
${books}
),
read AS (
  SELECT *, CAST(coalesce(read_at, date_added) AS DATE) AS day
  FROM mine
  WHERE ${isRead}
)
${select}`
  return {
    by_month: over(`SELECT strftime(day, '%Y-%m') AS month, ${tally}
FROM read WHERE day IS NOT NULL GROUP BY month ORDER BY month`),
    by_year: over(`SELECT year(day) AS year, ${tally}
FROM read WHERE day IS NOT NULL GROUP BY year(day) ORDER BY year`),
    stars: over(`SELECT stars, count(*) FILTER (WHERE rating = stars) AS mine,
  count(*) FILTER (WHERE rating IS NOT NULL AND round(average_rating) = stars) AS average
FROM read CROSS JOIN (SELECT unnest([1, 2, 3, 4, 5]) AS stars) GROUP BY stars ORDER BY stars`),
    genres: over(`SELECT ${genre} AS genre, coalesce(any_value(genre_name), ${genre}) AS name, ${tally}
FROM read GROUP BY ${genre} ORDER BY books DESC, genre`),
  }
}
