import { z } from 'zod'
import { Problem } from '../http/problem.ts'
import { defineRoute, shortText } from '../http/route.ts'
import { bookColumns, currentBooks } from './books.ts'

const MAX_BOOKS = 200

export const showAuthor = defineRoute({
  path: '/v1/authors/{id}',
  summary: `One author, with up to ${MAX_BOOKS} books that name them, in whatever role, most rated first; and how readers rate those books.`,
  params: z.strictObject({ id: shortText.describe('GoodReads id of the author, or name:… where the source has none') }),
  handle: async ({ params: { id }, gold }) => {
    const [found, books, performance] = await Promise.all([
      gold.rows(
        `SELECT author_id, name, gender, hometown, born_at, died_at, works_count, fans_count, average_rating, ratings_count,
           text_reviews_count, url, image_url, valid_from, is_placeholder
         FROM ${gold.table('dim_author')} WHERE is_current AND NOT is_deleted AND author_id = $id`,
        { id },
      ),
      gold.rows(
        `SELECT ${bookColumns}, count(*) OVER () AS total FROM ${currentBooks(gold)}
           AND b.book_sk IN (SELECT book_sk FROM ${gold.table('bridge_book_author')} WHERE author_id = $id)
         ORDER BY b.ratings_count DESC NULLS LAST, b.book_id LIMIT ${MAX_BOOKS}`,
        { id },
      ),
      gold.rows(
        `SELECT books, primary_books, ratings, average_rating, bayesian_rating, reviews FROM ${gold.table('agg_author_performance')}
         WHERE author_id = $id`,
        { id },
      ),
    ])
    if (!found[0]) {
      throw new Problem(404, `There is no author '${id}' in Gold version ${gold.version}. /v1/books?q= finds books by title or author.`)
    }
    return {
      author: found[0],
      performance: performance[0] ?? null,
      books_total: books[0]?.['total'] ?? 0,
      books: books.map(({ total: _, ...book }) => book),
    }
  },
})
