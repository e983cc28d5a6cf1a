import { count, figure, text, texts } from '../gold/columns.ts'
import type { ListColumn } from '../gold/list.ts'
import type { GoldVersion } from '../gold/version.ts'

/**
 * Columns of a book in a list: `b` is the book, `ratings` stands for its ratings in Gold, of which `reader_*` are. The others are
 * what the source says.
 */
const columnsOf = (ratings: 'b' | 'r'): Record<string, ListColumn> => ({
  book_id: { sql: 'b.book_id', type: text },
  title: { sql: 'b.title', type: text },
  author_names: { sql: 'b.author_names', type: texts },
  primary_author_id: { sql: 'b.primary_author_id', type: text },
  primary_genre: { sql: 'b.primary_genre', type: text },
  language_code: { sql: 'b.language_code', type: text },
  publication_year: { sql: 'b.publication_year', type: count },
  original_publication_year: { sql: 'b.original_publication_year', type: count },
  average_rating: { sql: 'b.average_rating', type: figure },
  ratings_count: { sql: 'b.ratings_count', type: count },
  reader_ratings: { sql: `coalesce(${ratings}.ratings, 0)`, type: count },
  reader_average: { sql: `round(${ratings}.rating_sum / ${ratings}.ratings, 2)`, type: figure },
  url: { sql: 'b.url', type: text },
})

/** Columns of `currentBooks`, with the ratings beside the book as `r`. */
export const bookColumns = columnsOf('r')

/** Columns of the table `listed_books` as `b`, which has both halves in one row. */
export const listedColumns = columnsOf('b')

/** The columns as the list of a SELECT. */
export const selectBook = Object.entries(bookColumns)
  .map(([name, { sql }]) => `${sql} AS ${name}`)
  .join(', ')

/** Current books as `b`, joined to their ratings in Gold as `r`: from the table's name on to a WHERE. */
export const currentBooks = (gold: GoldVersion): string =>
  `${gold.table('dim_book')} b LEFT JOIN ${gold.table('agg_rating_distribution')} r ON r.book_id = b.book_id
   WHERE b.is_current AND NOT b.is_deleted`
