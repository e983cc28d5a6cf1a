import { dated, isRead, periods, type ReadBook } from './dates.ts'
import type { LibraryBook } from './library.ts'

const MOST_AUTHORS = 100
const round = (value: number) => Math.round(value * 1000) / 1000
const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
const meanOf = (values: readonly number[]) => (values.length === 0 ? null : round(sumOf(values) / values.length))
const known = <T>(values: readonly (T | null)[]) => values.filter((value) => value !== null)
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
const titleOf = ({ title, book_id }: LibraryBook) => title ?? book_id

/** What is said of some books wherever they are counted. */
const tally = (books: readonly LibraryBook[]) => {
  const pages = known(books.map(({ num_pages }) => num_pages))
  return {
    books: books.length,
    pages: sumOf(pages),
    books_without_pages: books.length - pages.length,
    my_average: meanOf(known(books.map(({ rating }) => rating))),
  }
}

const shown = (book: ReadBook) => ({
  ...{ book_id: book.book_id, title: book.title, author: book.author, num_pages: book.num_pages, my_rating: book.rating },
  ...{ average_rating: book.average_rating, ratings_count: book.ratings_count, date: book.date, date_is: book.dateIs },
})

/** The book that is first by a figure, the greatest or least; of equals the one whose title comes first. Null where none has it. */
const first = (books: readonly ReadBook[], of: (book: ReadBook) => number | string | null, greatest: boolean) => {
  const [found] = books
    .filter((book) => of(book) !== null)
    .sort((a, b) => {
      const [x, y] = [of(a)!, of(b)!]
      const order = x < y ? -1 : x > y ? 1 : 0
      return (greatest ? -order : order) || compareText(titleOf(a), titleOf(b))
    })
  return found ? shown(found) : null
}

/** Best by the reader's own rating, then by the average. */
const bestRated = (books: readonly ReadBook[]) =>
  first(books, ({ rating, average_rating }) => (rating === null ? null : rating * 10 + (average_rating ?? 0)), true)

const groups = <B extends LibraryBook>(books: readonly B[], keyOf: (book: B) => string | null) =>
  Array.from(Map.groupBy(books, keyOf)).filter((entry): entry is [string, B[]] => entry[0] !== null)

const ratingsOf = (books: readonly LibraryBook[]) => {
  const rated = books.filter(({ rating }) => rating !== null)
  const both = rated.filter(({ average_rating }) => average_rating !== null)
  const [mine, average] = [meanOf(both.map(({ rating }) => rating!)), meanOf(both.map(({ average_rating }) => average_rating!))]
  return {
    rated: rated.length,
    my_average: meanOf(rated.map(({ rating }) => rating!)),
    // Of the books that have both: else two different sets would be compared.
    compared: both.length,
    compared_my_average: mine,
    compared_average: average,
    difference: mine === null || average === null ? null : round(mine - average),
    distribution: [1, 2, 3, 4, 5].map((stars) => ({
      stars,
      mine: rated.filter(({ rating }) => rating === stars).length,
      average: both.filter(({ average_rating }) => Math.round(average_rating!) === stars).length,
    })),
    books: both
      .map((book) => ({
        ...{ book_id: book.book_id, title: book.title, author: book.author, my_rating: book.rating, average_rating: book.average_rating },
        difference: round(book.rating! - book.average_rating!),
      }))
      .sort((a, b) => b.difference - a.difference || compareText(a.title ?? a.book_id, b.title ?? b.book_id)),
  }
}

const yearOf = (read: readonly ReadBook[], year: string) => {
  const books = read.filter(({ date }) => date?.startsWith(year))
  const lengths = known(books.map(({ num_pages }) => num_pages))
  return {
    year: Number(year),
    ...tally(books),
    average_pages: lengths.length === 0 ? null : Math.round(sumOf(lengths) / lengths.length),
    longest: first(books, ({ num_pages }) => num_pages, true),
    shortest: first(books, ({ num_pages }) => num_pages, false),
    best_rated: bestRated(books),
    most_popular: first(books, ({ ratings_count }) => ratings_count, true),
    least_popular: first(books, ({ ratings_count }) => ratings_count, false),
    first: first(books, ({ date }) => date, false),
    last: first(books, ({ date }) => date, true),
    dates: datesOf(books),
  }
}

const datesOf = (books: readonly ReadBook[]) => ({
  read: books.filter(({ dateIs }) => dateIs === 'read').length,
  added_instead: books.filter(({ dateIs }) => dateIs === 'added').length,
  none: books.filter(({ dateIs }) => dateIs === null).length,
})

/**
 * The statistics of a reader's books; `year` is the one to look back at, the last one with a book without it. Pure. Months
 * and years are by the day of reading, else of adding (UTC); books without either are in no month.
 */
export const shelfStats = (library: readonly LibraryBook[], year?: number) => {
  const read = library.filter(isRead).map(dated)
  const days = known(read.map(({ date }) => date))
  const years = periods(days, 4)
  const wanted = year === undefined ? years.at(-1) : String(year).padStart(4, '0')
  const of = (shelf: string) => library.filter((book) => book.shelves.includes(shelf) && !isRead(book))
  const inPeriod = (length: 4 | 7) => Map.groupBy(read, ({ date }) => date?.slice(0, length) ?? null)
  const [months, byYear] = [inPeriod(7), inPeriod(4)]
  return {
    books: {
      ...{ total: library.length, read: read.length, to_read: of('to-read').length, currently_reading: of('currently-reading').length },
      reviewed: library.filter(({ hasText }) => hasText).length,
    },
    ...{ pages: tally(read).pages, books_without_pages: tally(read).books_without_pages },
    dates: datesOf(read),
    by_month: periods(days, 7).map((month) => ({ month, ...tally(months.get(month) ?? []) })),
    by_year: years.map((each) => ({ year: Number(each), ...tally(byYear.get(each) ?? []) })),
    ratings: ratingsOf(read),
    genres: groups(read, ({ genre }) => genre ?? 'other')
      .map(([genre, books]) => ({ genre, name: books[0]!.genre_name ?? genre, ...tally(books) }))
      .sort((a, b) => b.books - a.books || compareText(a.genre, b.genre)),
    authors: groups(read, ({ author_id }) => author_id)
      .map(([author_id, books]) => ({ author_id, name: books[0]!.author, ...tally(books) }))
      .sort((a, b) => b.books - a.books || b.pages - a.pages || compareText(a.author_id, b.author_id))
      .slice(0, MOST_AUTHORS),
    to_read: of('to-read')
      .sort((a, b) => (a.addedMs ?? 0) - (b.addedMs ?? 0) || compareText(titleOf(a), titleOf(b)))
      .map((book) => shown(dated({ ...book, readMs: null }))),
    year_in_books: wanted === undefined ? null : yearOf(read, wanted),
  }
}
