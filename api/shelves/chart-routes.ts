import { z } from 'zod'
import { chartAnswer } from '../gold/chart.ts'
import { defineRoute } from '../http/route.ts'
import { shelfStats } from './stats.ts'
import { booksOf, ofShelf, tally } from './stats-route.ts'

/** A chart of a shelf by itself: figures that its statistics have too, as rows, with the SQL that gives them. */
const shelfChart = <R extends z.ZodRawShape, N extends keyof Awaited<ReturnType<typeof booksOf>>['charts']>(
  name: N,
  path: string,
  summary: string,
  row: R,
  rowsOf: (stats: ReturnType<typeof shelfStats>) => z.input<z.ZodObject<R>>[],
) =>
  defineRoute({
    path: `/v1/shelves/{id}/${path}`,
    summary: `${summary} Counted as in the statistics of the shelf.`,
    params: z.strictObject(ofShelf),
    answer: z.object({ shelf: z.string(), ...chartAnswer, rows: z.array(z.object(row)) }),
    rows: 'rows',
    handle: async ({ params: { id }, gold }) => {
      const { books, charts } = await booksOf(id, gold)
      return { shelf: id, rows: rowsOf(shelfStats(books)), sql: charts[name] }
    },
  })

export const shelfCharts = [
  shelfChart(
    'by_month',
    'by-month',
    'Books and pages by the month in which they were read.',
    { month: z.string(), ...tally },
    (stats) => stats.by_month,
  ),
  shelfChart(
    'by_year',
    'by-year',
    'Books and pages by the year in which they were read.',
    { year: z.int(), ...tally },
    (stats) => stats.by_year,
  ),
  shelfChart(
    'stars',
    'stars',
    'Books by my stars, and by their average rounded to a star.',
    { stars: z.int(), mine: z.int(), average: z.int() },
    (stats) => stats.ratings.distribution,
  ),
  shelfChart('genres', 'genres', 'Books and pages by genre.', { genre: z.string(), name: z.string(), ...tally }, (stats) => stats.genres),
]
