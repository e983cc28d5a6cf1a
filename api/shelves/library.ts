import { sqlText } from '../../lake/sql.ts'
import { textIs } from '../../lineage/conditions.ts'
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
  read_ms: number | null
  added_ms: number | null
}

/**
 * The books of a reader in one Gold version, each once: its newest review where there are several, with what is current of the
 * book. A Gold from before reviews had shelves gives none.
 */
export const readLibrary = (gold: GoldVersion, userId: string): Promise<LibraryBook[]> =>
  gold.scan('fact_review', [textIs('user_id', userId)], async (relation) => {
    const rows = await gold.rows<Row>(
      `SELECT f.* EXCLUDE (has_text), coalesce(f.has_text, false) AS has_text, epoch_ms(f.read_at) AS read_ms, epoch_ms(f.date_added) AS added_ms,
        b.title, b.primary_author_id AS author_id, b.author_names[1] AS author, b.primary_genre AS genre, g.name AS genre_name,
        b.num_pages, b.average_rating, coalesce(b.work_ratings_count, b.ratings_count) AS ratings_count
      FROM (SELECT * EXCLUDE (primary_genre) FROM ${relation} WHERE user_id = ${sqlText(userId)} AND book_id IS NOT NULL) f
      LEFT JOIN ${gold.table('dim_book')} b ON b.book_id = f.book_id AND b.is_current
      LEFT JOIN ${gold.table('dim_genre')} g ON g.genre = b.primary_genre
      ORDER BY f.book_id, greatest(coalesce(epoch_ms(f.date_updated), 0), coalesce(epoch_ms(f.read_at), 0), coalesce(epoch_ms(f.date_added), 0)), f.review_id`,
    )
    const newest = new Map(rows.map((row) => [row.book_id, row]))
    return Array.from(newest.values(), ({ has_text, shelves, read_ms, added_ms, ...row }) => ({
      ...{ book_id: row.book_id, title: row.title, author_id: row.author_id, author: row.author },
      ...{ genre: row.genre, genre_name: row.genre_name, num_pages: row.num_pages },
      ...{ average_rating: row.average_rating, ratings_count: row.ratings_count, rating: row.rating },
      hasText: has_text === true,
      shelves: shelves ?? [],
      readMs: read_ms,
      addedMs: added_ms,
    }))
  })
