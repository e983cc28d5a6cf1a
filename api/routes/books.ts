import { z } from 'zod'
import { defineList, sortedText } from '../gold/list.ts'
import { given, shortText, whole } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { listedColumns } from './book-columns.ts'
import { MAX_TERMS, relevanceSql, searchConditions, termsOf } from './book-search.ts'

const filters = z.strictObject({
  genre: shortText.optional().describe('slug of the primary genre, such as fantasy'),
  language_code: shortText.optional().describe('language in ISO 639-3, such as eng'),
  author_id: shortText.optional().describe('id of an author whom the book names, in whatever role'),
  q: shortText
    .refine((q) => termsOf(q).length <= MAX_TERMS, `must not have more than ${MAX_TERMS} words`)
    .optional()
    .describe('words, or beginnings of words, of titles, authors and ISBNs'),
  min_ratings: whole(0, 1_000_000_000).optional().describe('least ratings_count'),
})

/** The catalogue. */
export const listBooks = defineList({
  path: '/v1/books',
  summary: 'Books of the catalogue: filtered, sorted, a page at a time. A cursor goes on in the version that it began in.',
  name: 'books',
  filters,
  columns: listedColumns,
  from: (gold) => `FROM ${gold.table('listed_books')} b`,
  where: ({ genre, language_code, author_id, q, min_ratings, sort }: z.output<typeof filters> & { sort?: string }) => {
    if (sort === 'relevance' && q === undefined) {
      throw new Problem(400, 'sort by relevance needs q.', { faults: [{ parameter: 'sort', detail: 'by relevance needs q' }] })
    }
    const search = q === undefined ? { conditions: [], params: {} } : searchConditions('b', q)
    return {
      conditions: [
        ...(genre === undefined ? [] : ['b.primary_genre = $genre']),
        ...(language_code === undefined ? [] : ['b.language_code = $language_code']),
        ...(author_id === undefined ? [] : ['list_contains(b.author_ids, $author_id)']),
        ...(min_ratings === undefined ? [] : ['b.ratings_count >= $min_ratings']),
        ...search.conditions,
      ],
      params: {
        ...given({ genre, language_code, author_id, min_ratings }),
        ...search.params,
        ...(sort === 'relevance' ? { order_q: q! } : {}),
      },
    }
  },
  orders: {
    ratings_count: [{ sql: 'b.ratings_count', descending: true }],
    average_rating: [{ sql: 'b.average_rating', descending: true }],
    reader_ratings: [{ sql: 'coalesce(b.ratings, 0)', descending: true }],
    reader_average: [{ sql: '(b.rating_sum / b.ratings)', descending: true }],
    title: [{ sql: sortedText('strip_accents(lower(b.title))') }, { sql: sortedText('lower(b.title)') }],
    publication_year: [{ sql: 'b.publication_year', descending: true }],
    relevance: [{ sql: relevanceSql('b') }, { sql: 'b.ratings_count', descending: true }],
  },
  defaultOrder: 'ratings_count',
  key: 'b.book_id',
})
