import type { Random } from '../random.ts'
import { words } from './split.ts'

export const genres = [
  'fantasy',
  'science-fiction',
  'mystery',
  'romance',
  'history',
  'biography',
  'young-adult',
  'horror',
  'thriller',
  'poetry',
  'classics',
  'non-fiction',
  'children',
] as const
export type Genre = (typeof genres)[number]

/** Share of the books of each genre, in the order above. */
export const genreWeights = [15, 11, 12, 13, 6, 5, 9, 5, 8, 3, 5, 5, 3]

/** Genres that tend to come as series. */
export const seriesGenres: readonly Genre[] = ['fantasy', 'science-fiction', 'mystery', 'romance', 'young-adult', 'thriller', 'children']

/** Shelves that readers of a genre also use, most used first. */
const related: Record<Genre, readonly string[]> = {
  fantasy: words('fiction, magic, epic-fantasy, adventure, sci-fi-fantasy, high-fantasy, dragons'),
  'science-fiction': words('fiction, sci-fi, space, dystopia, speculative-fiction, space-opera, scifi'),
  mystery: words('fiction, crime, thriller, detective, suspense, mystery-thriller, whodunit'),
  romance: words('fiction, contemporary, love, chick-lit, historical-romance, adult'),
  history: words('non-fiction, nonfiction, war, politics, european-history, reference'),
  biography: words('non-fiction, memoir, history, nonfiction, biographies, inspirational'),
  'young-adult': words('fiction, ya, teen, fantasy, contemporary, coming-of-age'),
  horror: words('fiction, paranormal, gothic, supernatural, thriller, ghosts'),
  thriller: words('fiction, suspense, crime, mystery, action, espionage'),
  poetry: words('literature, classics, poems, verse, non-fiction'),
  classics: words('fiction, literature, classic, historical-fiction, novel, school'),
  'non-fiction': words('nonfiction, science, psychology, self-help, essays, business'),
  children: words('childrens, picture-books, kids, middle-grade, adventure, animals'),
}

const noise = words(`favorites, owned, kindle, to-buy, library, audiobook, books-i-own, default, wish-list, ebook, audiobooks, my-books,
  re-read, book-club, dnf, did-not-finish, own-it, maybe, series, tbr, 5-stars, borrowed, bookshelf, 2-read`)

/** Popular shelves of a book, most used first: reading states, its genre and relatives, and noise. */
export const popularShelves = (random: Random, genre: Genre, readers: number): { name: string; count: number }[] => {
  const shelves = new Map<string, number>()
  const put = (name: string, share: number) => {
    const count = Math.round(readers * share)
    if (count > 0 && !shelves.has(name)) shelves.set(name, count)
  }
  put('to-read', 0.6 + random.next() * 0.9)
  put('currently-reading', 0.03 + random.next() * 0.08)
  put(genre, 0.09 + random.next() * 0.08)
  let share = 0.08
  for (const name of related[genre]) {
    if (!random.chance(0.75)) continue
    share *= 0.5 + random.next() * 0.4
    put(name, share)
  }
  for (let i = 0; i < 6; i++) put(random.pick(noise), 0.002 + random.next() * 0.03)
  return [...shelves].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
}

/** Shelves of their own that readers put a book on, besides its reading state. */
export const readerShelves = (random: Random, genre: Genre): string[] => {
  const own = [genre, ...related[genre].slice(0, 3), 'favorites', 'owned', 'kindle', 'book-club', 're-read']
  const count = random.chance(0.45) ? 0 : 1 + random.below(3)
  return [...new Set(Array.from({ length: count }, () => random.pick(own)))]
}
