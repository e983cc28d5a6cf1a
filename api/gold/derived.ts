import type { DerivedTables } from './version.ts'

/** A text as it is looked for: without accents and case, words with one space between, one before and one after. */
export const foldedSql = (sql: string): string =>
  `' ' || trim(regexp_replace(strip_accents(lower(${sql})), '[^\\p{L}\\p{N}]+', ' ', 'g')) || ' '`

/**
 * Small tables made once a Gold version, because lists ask for them: `book_words` has a row a current book, with the words of
 * its titles, author names and ISBNs, folded, and the authors whom it names.
 */
export const derivedTables: DerivedTables = {
  book_words: (table) => `
    SELECT b.book_id, ${foldedSql("concat_ws(' ', title, original_title, array_to_string(author_names, ' '), isbn, isbn13)")} AS words,
      ${foldedSql("coalesce(title, '')")} AS title_words,
      a.author_ids
    FROM ${table('dim_book')} b
    LEFT JOIN (SELECT book_sk, list(DISTINCT author_id) AS author_ids FROM ${table('bridge_book_author')} GROUP BY book_sk) a ON a.book_sk = b.book_sk
    WHERE b.is_current AND NOT b.is_deleted`,
}
