import { z } from 'zod'
import { userOfShelf } from '../../lineage/shelves/inbox.ts'
import { count, day, figure, text } from '../gold/columns.ts'
import type { GoldVersion } from '../gold/version.ts'
import { shortText, whole } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { defineRoute } from '../http/route.ts'
import { chartSql } from './chart-sql.ts'
import { dayOf, isRead } from './dates.ts'
import { readLibrary } from './library.ts'
import { shelfStats } from './stats.ts'

export const tally = {
  books: z.int(),
  pages: z.int().describe('of the books that say how many they have'),
  books_without_pages: z.int(),
  my_average: figure,
}
const book = z.object({
  ...{ book_id: z.string(), title: text, author: text, num_pages: count, my_rating: count, average_rating: figure, ratings_count: count },
  date: day,
  date_is: z.enum(['read', 'added']).nullable().describe('which day that is'),
})
const dates = z
  .object({ read: z.int(), added_instead: z.int(), none: z.int() })
  .describe('books that count by the day of reading, by the day of adding in its place, and in no month, as neither is known')

export const ofShelf = { id: shortText.describe('id of a shelf, as GET /v1/shelves has it') }
const from = { sql: z.string().describe('SQL that gives the books, for POST /v1/sql at this version') }

/** A shelf's reader with the books, and the SQL of each chart of them. Throws a 404 where there are none in this version. */
export const booksOf = async (id: string, gold: GoldVersion) => {
  const userId = userOfShelf(id)
  const library = userId === null ? null : await readLibrary(gold, userId)
  if (userId === null || library === null || library.books.length === 0) {
    throw new Problem(404, `There is nothing of the shelf '${id}' in Gold version ${gold.version}. GET /v1/shelves says how far each is.`)
  }
  return { userId, ...library, charts: chartSql(library.sql, library.hasShelves) }
}

/** The books of a shelf, each with what its reader did with it: what the statistics are counted from. */
export const listShelfBooks = defineRoute({
  path: '/v1/shelves/{id}/books',
  summary: "The reader's books, each once, with rating, shelves and dates: what the statistics of the shelf are counted from.",
  params: z.strictObject(ofShelf),
  answer: z.object({
    ...{ shelf: z.string(), user_id: z.string(), ...from },
    books: z.array(
      z.object({
        ...{ book_id: z.string(), title: text, author_id: text, author: text, genre: text, num_pages: count },
        ...{ my_rating: count, average_rating: figure, ratings_count: count, has_text: z.boolean(), shelves: z.array(z.string()) },
        is_read: z.boolean().describe('by its shelf, else by a day of reading or a rating'),
        ...{ read_on: day, added_on: day },
      }),
    ),
  }),
  rows: 'books',
  handle: async ({ params: { id }, gold }) => {
    const { userId, books, sql } = await booksOf(id, gold)
    const shown = books.map((each) => ({
      ...{ book_id: each.book_id, title: each.title, author_id: each.author_id, author: each.author, genre: each.genre },
      ...{ num_pages: each.num_pages, my_rating: each.rating, average_rating: each.average_rating, ratings_count: each.ratings_count },
      ...{ has_text: each.hasText, shelves: each.shelves, is_read: isRead(each) },
      ...{ read_on: dayOf(each.readMs), added_on: dayOf(each.addedMs) },
    }))
    return { shelf: id, user_id: userId, books: shown, sql }
  },
})

/** The statistics of a shelf, from the reviews of its reader in one Gold version. */
export const showShelfStats = defineRoute({
  path: '/v1/shelves/{id}/stats',
  summary:
    'Statistics of a shelf: books and pages by month and year, mine against the average rating, genres, authors, to-read, a year in books. Where the day of reading is not known the day of adding counts, and `dates` says of how many books.',
  params: z.strictObject(ofShelf),
  query: z.strictObject({ year: whole(1, 9999).optional().describe('year to look back at; without it the last one with a book') }),
  answer: z.object({
    ...{ shelf: z.string(), user_id: z.string(), ...from },
    chart_sql: z
      .object({ by_month: z.string(), by_year: z.string(), stars: z.string(), genres: z.string() })
      .describe('SQL that gives the figures of each chart'),
    books: z.object({ total: z.int(), read: z.int(), to_read: z.int(), currently_reading: z.int(), reviewed: z.int() }),
    pages: z.int(),
    books_without_pages: z.int(),
    dates,
    by_month: z.array(z.object({ month: z.string(), ...tally })).describe('from the first to the last month with a book, none left out'),
    by_year: z.array(z.object({ year: z.int(), ...tally })),
    ratings: z.object({
      rated: z.int(),
      my_average: figure,
      compared: z.int().describe('books with both a rating of mine and an average'),
      ...{ compared_my_average: figure, compared_average: figure, difference: figure },
      distribution: z
        .array(z.object({ stars: z.int(), mine: z.int(), average: z.int() }))
        .describe('books by my stars, and by their average rounded to a star'),
      books: z
        .array(
          z.object({ book_id: z.string(), title: text, author: text, my_rating: count, average_rating: figure, difference: z.number() }),
        )
        .describe('what I liked more than others first'),
    }),
    genres: z.array(z.object({ genre: z.string(), name: z.string(), ...tally })),
    authors: z.array(z.object({ author_id: z.string(), name: text, ...tally })).describe('whom a book names first; at most 100'),
    to_read: z.array(book).describe('what waits longest first'),
    year_in_books: z
      .object({
        year: z.int(),
        ...tally,
        average_pages: count,
        ...{ longest: book.nullable(), shortest: book.nullable(), best_rated: book.nullable() },
        most_popular: book.nullable().describe('with most ratings by all readers; null where that is not known'),
        least_popular: book.nullable(),
        ...{ first: book.nullable(), last: book.nullable() },
        dates,
      })
      .nullable(),
  }),
  handle: async ({ params: { id }, query: { year }, gold }) => {
    const { userId, books, sql, charts } = await booksOf(id, gold)
    return { shelf: id, user_id: userId, ...shelfStats(books, year), sql, chart_sql: charts }
  },
})
