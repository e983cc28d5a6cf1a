import type { LibraryBook } from './library.ts'

/** A book that was read, with the day that counts. */
export interface ReadBook extends LibraryBook {
  /** YYYY-MM-DD, UTC; null where neither the day of reading nor of adding is known. */
  date: string | null
  /** Which of them it is. */
  dateIs: 'read' | 'added' | null
}

/** Shelves of which a book is on one at a time, and that say that it was not read to its end. */
export const unread = new Set(['to-read', 'currently-reading', 'did-not-finish', 'dnf', 'abandoned'])

/** Whether the reader has read it: by its shelf, else by a day of reading or a rating. */
export const isRead = ({ shelves, readMs, rating }: LibraryBook): boolean =>
  shelves.includes('read') || (!shelves.some((name) => unread.has(name)) && (readMs !== null || rating !== null))

/** The day of a time, UTC. */
export const dayOf = (timeMs: number | null): string | null => (timeMs === null ? null : new Date(timeMs).toISOString().slice(0, 10))

/** Exports often lack the day of reading: then the day on which the book was added stands in, and says so. */
export const dated = (book: LibraryBook): ReadBook => {
  const dateIs = book.readMs !== null ? 'read' : book.addedMs !== null ? 'added' : null
  return { ...book, date: dayOf(book.readMs ?? book.addedMs), dateIs }
}

/** Every month (YYYY-MM) or year (YYYY) from the first to the last of these days, none left out. */
export const periods = (days: readonly string[], length: 4 | 7): string[] => {
  const all = days.map((day) => day.slice(0, length)).sort()
  const [first, last] = [all[0], all.at(-1)]
  if (first === undefined || last === undefined) return []
  const found: string[] = []
  for (let [year, month] = [Number(first.slice(0, 4)), Number(first.slice(5, 7) || 1)]; ; ) {
    const period = length === 4 ? String(year).padStart(4, '0') : `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
    if (period > last) return found
    found.push(period)
    if (length === 4 || month === 12) [year, month] = [year + 1, 1]
    else month++
  }
}
