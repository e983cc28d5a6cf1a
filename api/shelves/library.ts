import { sqlText } from '../../lake/sql.ts'
import { textIs } from '../../lineage/conditions.ts'
import { chartRows } from '../gold/chart.ts'
import type { GoldVersion } from '../gold/version.ts'

/** A book of one reader, with what the reader did with it. Times are epoch ms. */
export interface LibraryBook {
  book_id: string
  title: string | null
  author_id: string | null
  author: string | null
  genre: string | null
  genre_name: string | null
  num_pages: number | null
  average_rating: number | null
  ratings_count: number | null
  rating: number | null
  hasText: boolean
  shelves: readonly string[]
  readMs: number | null
  addedMs: number | null
}

interface Row extends Omit<LibraryBook, 'hasText' | 'shelves' | 'readMs' | 'addedMs'> {
  has_text: boolean | null
  shelves?: string[] | null
  read_at: string | null
  date_added: string | null
}

/**
 * The books of a reader in one Gold version, each once: its newest review where there are several, with what is current of the
 * book; and the SQL that gives them. A Gold from before reviews had shelves gives none of those, and says so by `hasShelves`.
 */
export const readLibrary = async (
  gold: GoldVersion,
  userId: string,
): Promise<{ books: LibraryBook[]; sql: string; hasShelves: boolean }> => {
  const { rows, sql } = await chartRows<Row>(
    gold,
    `SELECT f.*, b.title, b.primary_author_id AS author_id, b.author_names[1] AS author, b.primary_genre AS genre, g.name AS genre_name,
  b.num_pages, b.average_rating, coalesce(b.work_ratings_count, b.ratings_count) AS ratings_count
FROM gold_fact_review f
LEFT JOIN gold_dim_book b ON b.book_id = f.book_id AND b.is_current
LEFT JOIN gold_dim_genre g ON g.genre = b.primary_genre
WHERE f.user_id = ${sqlText(userId)} AND f.book_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY f.book_id ORDER BY greatest(f.date_updated, f.read_at, f.date_added) DESC NULLS LAST, f.review_id DESC) = 1
ORDER BY f.book_id`,
    { fact: 'fact_review', conditions: [textIs('user_id', userId)] },
  )
  const books = rows.map(({ has_text, shelves, read_at, date_added, ...row }) => ({
    ...{ book_id: row.book_id, title: row.title, author_id: row.author_id, author: row.author },
    ...{ genre: row.genre, genre_name: row.genre_name, num_pages: row.num_pages },
    ...{ average_rating: row.average_rating, ratings_count: row.ratings_count, rating: row.rating },
    hasText: has_text === true,
    shelves: shelves ?? [],
    readMs: msOf(read_at),
    addedMs: msOf(date_added),
  }))
  return { books, sql, hasShelves: rows.some((row) => 'shelves' in row) }
}

const msOf = (time: string | null) => (time === null ? null : Date.parse(time))
