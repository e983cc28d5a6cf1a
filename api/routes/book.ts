import { z } from 'zod'
import { textIs } from '../../lineage/conditions.ts'
import { count, day, figure, flag, histogram, text, texts, time } from '../gold/columns.ts'
import { shortText } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { defineRoute } from '../http/route.ts'
import { currentBooks } from './book-columns.ts'

const stars = [1, 2, 3, 4, 5] as const
const readerStars = stars.map((star) => `coalesce(r.ratings_${star}, 0) AS reader_ratings_${star}`).join(', ')
export const bookParams = z.strictObject({ id: shortText.describe('GoodReads id of the book') })

const described = {
  book_id: text,
  work_id: text,
  title: text,
  title_without_series: text,
  original_title: text,
  isbn: text,
  isbn13: text,
  language_code: text,
  publisher: text,
  format: text,
  num_pages: count,
  publication_year: count,
  publication_date: day,
  original_publication_year: count,
  primary_genre: text,
  tags: texts,
  average_rating: figure,
  ratings_count: count,
  text_reviews_count: count,
  work_ratings_count: count,
  url: text,
  image_url: text,
  valid_from: time,
}
const columnsOf = (names: object) =>
  Object.keys(names)
    .map((name) => `b.${name}`)
    .join(', ')

export const unknownBook = (id: string, version: number) =>
  new Problem(404, `There is no book '${id}' in Gold version ${version}. /v1/books?q= finds books by title or author.`)

export const showBook = defineRoute({
  path: '/v1/books/{id}',
  summary: 'One book: its authors, genre, tags, what the source says of its ratings, and the ratings and reviews in Gold.',
  params: bookParams,
  answer: z.object({
    book: z.object({
      ...described,
      is_placeholder: flag.describe('only its ratings or reviews came so far'),
      reader_ratings: count,
      reader_average: figure,
      authors: z.array(z.object({ author_id: text, name: text, role: text, is_primary: flag })),
      source_histogram: histogram.describe('ratings by stars as the source counts them'),
      reader_histogram: histogram.describe('ratings by stars in Gold'),
    }),
    reviews: z.object({ count: count, with_text: count, latest_at: time }),
  }),
  handle: async ({ params: { id }, gold }) => {
    const [book] = await gold.rows(
      `SELECT ${columnsOf(described)}, b.is_placeholder, b.book_sk, ${stars.map((star) => `b.ratings_${star}`).join(', ')},
         coalesce(r.ratings, 0) AS reader_ratings, round(r.rating_sum / r.ratings, 2) AS reader_average, ${readerStars}
       FROM ${currentBooks(gold)} AND b.book_id = $id`,
      { id },
    )
    if (!book) throw unknownBook(id, gold.version)
    const [authors, reviews] = await Promise.all([
      gold.rows(
        `SELECT a.author_id, coalesce(d.name, a.name) AS name, a.role, a.position = 1 AS is_primary
         FROM ${gold.table('bridge_book_author')} a LEFT JOIN ${gold.table('dim_author')} d ON d.author_id = a.author_id AND d.is_current
         WHERE a.book_sk = $sk AND a.position > 0 ORDER BY a.position`,
        { sk: String(book['book_sk']) },
      ),
      gold.scan('fact_review', [textIs('book_id', id)], (facts) =>
        gold.rows(
          `SELECT count(*) AS count, count(*) FILTER (WHERE has_text) AS with_text, max(coalesce(date_updated, date_added)) AS latest_at
           FROM ${facts} WHERE book_id = $id`,
          { id },
        ),
      ),
    ])
    return { book: shapeBook(book, authors), reviews: reviews[0] }
  },
})

const histogramOf = (row: Record<string, unknown>, name: string) => Object.fromEntries(stars.map((star) => [star, row[`${name}_${star}`]]))

/** A row of dim_book as a reader wants it: stars as histograms, authors as a list. */
const shapeBook = (row: Record<string, unknown>, authors: Record<string, unknown>[]) => ({
  ...Object.fromEntries(Object.keys(described).map((name) => [name, row[name]])),
  is_placeholder: row['is_placeholder'],
  reader_ratings: row['reader_ratings'],
  reader_average: row['reader_average'],
  authors,
  source_histogram: histogramOf(row, 'ratings'),
  reader_histogram: histogramOf(row, 'reader_ratings'),
})

const changing = {
  valid_from: time.describe('from then on, inclusive'),
  valid_to: time.describe('until then, exclusive; null for the version that holds now'),
  is_current: flag,
  is_deleted: flag,
  title: text,
  language_code: text,
  publisher: text,
  format: text,
  num_pages: count,
  publication_year: count,
  primary_genre: text,
  author_names: texts,
  tags: texts,
  average_rating: figure,
  ratings_count: count,
  text_reviews_count: count,
  work_ratings_count: count,
}
const monthly = { month: text, ratings: count, average_rating: figure, reviews: count, text_reviews: count }

export const showBookHistory = defineRoute({
  path: '/v1/books/{id}/history',
  summary: 'How a book came to be what it is: its versions, oldest first, and its ratings and reviews by month.',
  params: bookParams,
  answer: z.object({
    book_id: z.string(),
    versions: z.array(z.object(changing)),
    months: z.array(z.object(monthly)).describe('months with ratings or reviews; `unknown` are those without a time'),
  }),
  rows: 'versions',
  handle: async ({ params: { id }, gold }) => {
    const [versions, months] = await Promise.all([
      gold.rows(`SELECT ${columnsOf(changing)} FROM ${gold.table('dim_book')} b WHERE b.book_id = $id ORDER BY b.valid_from NULLS FIRST`, {
        id,
      }),
      gold.rows(
        `SELECT month, ratings, round(rating_sum / nullif(ratings, 0), 3) AS average_rating, reviews, text_reviews
         FROM ${gold.table('agg_book_monthly')} WHERE book_id = $id ORDER BY month`,
        { id },
      ),
    ])
    if (versions.length === 0) throw unknownBook(id, gold.version)
    return { book_id: id, versions, months }
  },
})
