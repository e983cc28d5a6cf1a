import { z } from 'zod'
import { defineList } from '../gold/list.ts'
import { given, shortText, whole } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { bookColumns } from './book-columns.ts'
import { relevanceSql, searchConditions } from './book-search.ts'

const filters = z.strictObject({
  genre: shortText.optional().describe('slug of the primary genre, such as fantasy'),
  language_code: shortText.optional().describe('language in ISO 639-3, such as eng'),
  author_id: shortText.optional().describe('id of an author whom the book names, in whatever role'),
  q: shortText.optional().describe('words, or beginnings of words, of titles, authors and ISBNs'),
  min_ratings: whole(0, 1_000_000_000).optional().describe('least ratings_count'),
})

/** The catalogue. */
export const listBooks = defineList({
  path: '/v1/books',
  summary: 'Books of the catalogue: filtered, sorted, a page at a time. A cursor goes on in the version that it began in.',
  name: 'books',
  filters,
  columns: bookColumns,
  from: (gold) => `FROM ${gold.table('dim_book')} b LEFT JOIN ${gold.table('agg_rating_distribution')} r ON r.book_id = b.book_id
    JOIN ${gold.table('book_words')} w ON w.book_id = b.book_id`,
  where: ({ genre, language_code, author_id, q, min_ratings, sort }: z.output<typeof filters> & { sort?: string }) => {
    if (sort === 'relevance' && q === undefined) {
      throw new Problem(400, 'sort by relevance needs q.', { faults: [{ parameter: 'sort', detail: 'by relevance needs q' }] })
    }
    const search = q === undefined ? { conditions: [], params: {} } : searchConditions('w', q)
    return {
      conditions: [
        'b.is_current AND NOT b.is_deleted AND NOT b.is_placeholder',
        ...(genre === undefined ? [] : ['b.primary_genre = $genre']),
        ...(language_code === undefined ? [] : ['b.language_code = $language_code']),
        ...(author_id === undefined ? [] : ['list_contains(w.author_ids, $author_id)']),
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
    reader_ratings: [{ sql: 'coalesce(r.ratings, 0)', descending: true }],
    reader_average: [{ sql: '(r.rating_sum / r.ratings)', descending: true }],
    title: [{ sql: 'strip_accents(lower(b.title))' }, { sql: 'lower(b.title)' }],
    publication_year: [{ sql: 'b.publication_year', descending: true }],
    relevance: [{ sql: relevanceSql('w') }, { sql: 'b.ratings_count', descending: true }],
  },
  defaultOrder: 'ratings_count',
  key: 'b.book_id',
})
