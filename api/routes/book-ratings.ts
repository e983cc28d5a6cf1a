import { z } from 'zod'
import { sqlText } from '../../lake/sql.ts'
import { chartAnswer, chartRows } from '../gold/chart.ts'
import { count } from '../gold/columns.ts'
import { defineRoute } from '../http/route.ts'
import { bookParams, unknownBook } from './book.ts'

const stars = [1, 2, 3, 4, 5]
const listOf = (column: (star: number) => string) => `unnest([${stars.map(column).join(', ')}])`

export const showBookRatings = defineRoute({
  path: '/v1/books/{id}/ratings',
  summary: 'How many ratings of each number of stars a book has, in Gold and as the source counts them.',
  params: bookParams,
  answer: z.object({
    ...chartAnswer,
    stars: z.array(z.object({ stars: z.int(), ratings: z.int(), source_ratings: count })),
  }),
  rows: 'stars',
  handle: async ({ params: { id }, gold }) => {
    const { rows, sql } = await chartRows(
      gold,
      `SELECT unnest([${stars.join(', ')}]) AS stars, ${listOf((star) => `coalesce(r.ratings_${star}, 0)`)} AS ratings,
  ${listOf((star) => `b.ratings_${star}`)} AS source_ratings
FROM gold_dim_book b LEFT JOIN gold_agg_rating_distribution r ON r.book_id = b.book_id
WHERE b.is_current AND NOT b.is_deleted AND b.book_id = ${sqlText(id)}
ORDER BY stars`,
    )
    if (rows.length === 0) throw unknownBook(id, gold.version)
    return { stars: rows, sql }
  },
})
