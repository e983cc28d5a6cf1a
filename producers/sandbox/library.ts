import { authorAt, type SandboxAuthor, type World } from './authors.ts'
import { bookAt, type SandboxBook } from './books.ts'
import { type Random, randomOf, stream } from './random.ts'

export const START_AUTHORS = 700
export const START_BOOKS = 1200
const LIVE_RANK = 5000

/** Books and authors by index. Both only ever grow. */
export interface Library {
  authors: SandboxAuthor[]
  books: SandboxBook[]
  /** Indexes of the books of an author, in whatever role. */
  booksOf: number[][]
  addAuthor: () => SandboxAuthor
  /** Adds the author's next book; `bornMs` is when it comes out while the sandbox runs, null for the books of the start. */
  addBook: (author: SandboxAuthor, bornMs: number | null) => SandboxBook
}

const shuffled = (count: number, random: Random): number[] => {
  const list = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[list[i], list[j]] = [list[j]!, list[i]!]
  }
  return list
}

/** Ranks in a random order, the same for the same (seed, salt). */
export const shuffledRanks = (seed: number, salt: number, count: number) => shuffled(count, randomOf(seed, stream.ranks, salt))

/** The books and authors that the sandbox starts with: every author has a book, a few have many. */
export const createLibrary = (world: World): Library => {
  const authors: SandboxAuthor[] = []
  const books: SandboxBook[] = []
  const booksOf: number[][] = []
  const byLanguage = new Map<string, SandboxAuthor[]>()
  const titles = new Set<string>()
  const ranks = shuffledRanks(world.seed, 0, START_BOOKS)

  const addAuthor = () => {
    const author = authorAt(world, authors.length)
    authors.push(author)
    booksOf.push([])
    byLanguage.set(author.language, [...(byLanguage.get(author.language) ?? []), author])
    return author
  }
  const addBook = (author: SandboxAuthor, bornMs: number | null) => {
    const index = books.length
    const book = bookAt({
      world,
      index,
      author,
      bornMs,
      rank: ranks[index] ?? LIVE_RANK,
      authorBooksCount: booksOf[author.index]!.length,
      others: byLanguage.get(author.language)!,
      isTaken: (title) => titles.has(title),
    })
    titles.add(book.titleWithoutSeries)
    books.push(book)
    for (const { index: authorIndex } of book.authors) booksOf[authorIndex]!.push(index)
    return book
  }

  while (authors.length < START_AUTHORS) addAuthor()
  const random = randomOf(world.seed, stream.books, -1)
  for (let i = 0; i < START_BOOKS; i++) {
    addBook(authors[i < START_AUTHORS ? i : Math.floor(START_AUTHORS * random.next() ** 2.2)]!, null)
  }
  return { authors, books, booksOf, addAuthor, addBook }
}
