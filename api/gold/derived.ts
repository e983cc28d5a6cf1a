import type { DerivedTables } from './version.ts'

/** A text as it is looked for: without accents and case, words with one space between, one before and one after. */
export const foldedSql = (sql: string): string =>
  `' ' || trim(regexp_replace(strip_accents(lower(${sql})), '[^\\p{L}\\p{N}]+', ' ', 'g')) || ' '`

/** What the catalogue's list has of `dim_book`. */
const listed = [
  'book_id',
  'title',
  'author_names',
  'primary_author_id',
  'primary_genre',
  'language_code',
  'publication_year',
  'original_publication_year',
  'average_rating',
  'ratings_count',
  'url',
]

/**
 * Small tables made once a Gold version, because lists ask for them: `listed_books` has a row a current book that is no placeholder,
 * with its ratings in Gold (`ratings`, `rating_sum`), the words of its titles, author names and ISBNs, folded, and the authors whom
 * it names. A list that joined these each time would take most of its time for that.
 */
export const derivedTables: DerivedTables = {
  listed_books: (table) => `
    SELECT ${listed.map((name) => `b.${name}`).join(', ')}, r.ratings, r.rating_sum,
      ${foldedSql("concat_ws(' ', b.title, b.original_title, array_to_string(b.author_names, ' '), b.isbn, b.isbn13)")} AS words,
      ${foldedSql("coalesce(b.title, '')")} AS title_words,
      a.author_ids
    FROM ${table('dim_book')} b
    LEFT JOIN ${table('agg_rating_distribution')} r ON r.book_id = b.book_id
    LEFT JOIN (SELECT book_sk, list(DISTINCT author_id) AS author_ids FROM ${table('bridge_book_author')} GROUP BY book_sk) a ON a.book_sk = b.book_sk
    WHERE b.is_current AND NOT b.is_deleted AND NOT b.is_placeholder`,
}
