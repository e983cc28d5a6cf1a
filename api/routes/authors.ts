import { z } from 'zod'
import { count, day, figure, flag, text, time } from '../gold/columns.ts'
import { defineList, sortedText } from '../gold/list.ts'
import { given, shortText, whole } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { defineRoute } from '../http/route.ts'
import { bookColumns, currentBooks, selectBook } from './book-columns.ts'

const MAX_BOOKS = 200

const filters = z.strictObject({
  q: shortText.optional().describe('part of the name'),
  min_ratings: whole(0, 1_000_000_000).optional().describe('least ratings in Gold of their books'),
})
const performance = {
  books: { sql: 'p.books', type: count },
  primary_books: { sql: 'p.primary_books', type: count },
  ratings: { sql: 'p.ratings', type: count },
  average_rating: { sql: 'round(p.average_rating, 3)', type: figure },
  bayesian_rating: { sql: 'round(p.bayesian_rating, 3)', type: figure },
  reviews: { sql: 'p.reviews', type: count },
}
const folded = (sql: string) => `strip_accents(lower(${sql}))`

/** Authors with how readers rate their books. */
export const listAuthors = defineList({
  path: '/v1/authors',
  summary: 'Authors whom current books name, with how readers rate those books: filtered, sorted, a page at a time.',
  name: 'authors',
  filters,
  columns: { author_id: { sql: 'p.author_id', type: text }, name: { sql: 'p.name', type: text }, ...performance },
  from: (gold) => `FROM ${gold.table('agg_author_performance')} p`,
  where: ({ q, min_ratings }: z.output<typeof filters>) => ({
    conditions: [
      ...(q === undefined ? [] : [`contains(${folded('p.name')}, ${folded('$q')})`]),
      ...(min_ratings === undefined ? [] : ['p.ratings >= $min_ratings']),
    ],
    params: given({ q, min_ratings }),
  }),
  orders: {
    ratings: [{ sql: 'p.ratings', descending: true }],
    bayesian_rating: [{ sql: 'p.bayesian_rating', descending: true }],
    average_rating: [{ sql: 'p.average_rating', descending: true }],
    books: [{ sql: 'p.books', descending: true }],
    reviews: [{ sql: 'p.reviews', descending: true }],
    name: [{ sql: sortedText(folded('p.name')) }],
  },
  defaultOrder: 'ratings',
  key: 'p.author_id',
})

const described = {
  author_id: text,
  name: text,
  gender: text,
  hometown: text,
  born_at: day,
  died_at: day,
  works_count: count,
  fans_count: count,
  average_rating: figure,
  ratings_count: count,
  text_reviews_count: count,
  url: text,
  image_url: text,
  valid_from: time,
  is_placeholder: flag,
}

export const showAuthor = defineRoute({
  path: '/v1/authors/{id}',
  summary: `One author, with up to ${MAX_BOOKS} books that name them, in whatever role, most rated first; and how readers rate those books.`,
  params: z.strictObject({ id: shortText.describe('GoodReads id of the author, or name:… where the source has none') }),
  answer: z.object({
    author: z.object(described),
    performance: z.object(Object.fromEntries(Object.entries(performance).map(([name, { type }]) => [name, type]))).nullable(),
    books_total: z.int(),
    books: z.array(z.object(Object.fromEntries(Object.entries(bookColumns).map(([name, { type }]) => [name, type])))),
  }),
  handle: async ({ params: { id }, gold }) => {
    const [found, books, rated] = await Promise.all([
      gold.rows(
        `SELECT ${Object.keys(described).join(', ')} FROM ${gold.table('dim_author')} WHERE is_current AND NOT is_deleted AND author_id = $id`,
        { id },
      ),
      gold.rows(
        `SELECT ${selectBook}, count(*) OVER () AS total FROM ${currentBooks(gold)}
           AND b.book_sk IN (SELECT book_sk FROM ${gold.table('bridge_book_author')} WHERE author_id = $id)
         ORDER BY b.ratings_count DESC NULLS LAST, b.book_id LIMIT ${MAX_BOOKS}`,
        { id },
      ),
      gold.rows(
        `SELECT ${Object.entries(performance)
          .map(([name, { sql }]) => `${sql} AS ${name}`)
          .join(', ')} FROM ${gold.table('agg_author_performance')} p WHERE p.author_id = $id`,
        { id },
      ),
    ])
    if (!found[0]) {
      throw new Problem(404, `There is no author '${id}' in Gold version ${gold.version}. /v1/authors?q= finds authors by name.`)
    }
    return {
      author: found[0],
      performance: rated[0] ?? null,
      books_total: books[0]?.['total'] ?? 0,
      books: books.map(({ total: _, ...book }) => book),
    }
  },
})
