import type { Book } from '../../../../schemas/records.ts'
import { emptyBook } from '../../empty.ts'
import { authorIdOf } from './author.ts'
import { addExtra, childText, type Extra, fieldTable, keepElement, readFields } from './fields.ts'
import { parseInteger, parseRatingDist, textOf } from './values.ts'
import type { XmlElement } from './xml.ts'

const table = fieldTable<Book>({
  title: ['title', 'text'],
  title_without_series: ['title_without_series', 'text'],
  isbn: ['isbn', 'text'],
  isbn13: ['isbn13', 'text'],
  asin: ['asin', 'text'],
  language_code: ['language_code', 'text'],
  description: ['description', 'text'],
  publisher: ['publisher', 'text'],
  format: ['format', 'text'],
  edition_information: ['edition_information', 'text'],
  num_pages: ['num_pages', 'integer'],
  publication_year: ['publication_year', 'integer'],
  publication_month: ['publication_month', 'integer'],
  publication_day: ['publication_day', 'integer'],
  average_rating: ['average_rating', 'decimal'],
  ratings_count: ['ratings_count', 'integer'],
  text_reviews_count: ['text_reviews_count', 'integer'],
  url: ['url', 'text'],
  link: ['url', 'text'],
  image_url: ['image_url', 'text'],
  small_image_url: ['small_image_url', 'text'],
})

const workTable = fieldTable<Book>({
  id: ['work_id', 'text'],
  original_title: ['original_title', 'text'],
  books_count: ['books_count', 'integer'],
  ratings_count: ['work_ratings_count', 'integer'],
  text_reviews_count: ['work_text_reviews_count', 'integer'],
  reviews_count: ['work_reviews_count', 'integer'],
  original_publication_year: ['original_publication_year', 'integer'],
  original_publication_month: ['original_publication_month', 'integer'],
  original_publication_day: ['original_publication_day', 'integer'],
  average_rating: ['average_rating', 'decimal'],
})

/** The field that an element is for, by the name that the element has in `extra`. */
export const bookFieldOf = (name: string): string | null =>
  (name.startsWith('work.') ? workTable.get(name.slice('work.'.length)) : table.get(name))?.[0] ?? null

const nothing = () => undefined

const readRatingDist = (book: Book, element: XmlElement) => {
  const text = textOf(element)
  if (text === null) return
  const parsed = parseRatingDist(text)
  if (parsed === null) {
    addExtra(book.extra, 'work.rating_dist', text)
    return
  }
  const { counts, total } = parsed
  counts.forEach((count, index) => {
    book[`ratings_${(index + 1) as 1 | 2 | 3 | 4 | 5}`] = count
  })
  if (total !== counts.reduce((sum, count) => sum + count, 0)) addExtra(book.extra, 'work.rating_dist', text)
}

/** The numbers of the work that groups a book's editions. */
const readWork = (book: Book, work: XmlElement) =>
  readFields(work, {
    table: workTable,
    target: book,
    extra: book.extra,
    path: 'work.',
    special: { rating_dist: (element) => readRatingDist(book, element), best_book: nothing },
  })

const readShelves = (book: Book, shelves: XmlElement) => {
  const odd: XmlElement[] = []
  for (const shelf of shelves.children) {
    const name = (shelf.attributes['name'] ?? childText(shelf, 'name') ?? '').trim()
    const count = parseInteger((shelf.attributes['count'] ?? childText(shelf, 'count') ?? '').trim())
    if (name !== '' && count !== null) book.shelves.push({ name, count })
    else odd.push(shelf)
  }
  keepElement(book.extra, 'popular_shelves', ...odd)
}

const readAuthor = (book: Book, element: XmlElement) => {
  const authorId = authorIdOf(element)
  if (authorId === null) keepElement(book.extra, 'authors', element)
  else book.authors.push({ author_id: authorId, name: childText(element, 'name'), role: childText(element, 'role') })
}

const bookIds = (books: XmlElement): string[] => books.children.flatMap((book) => childText(book, 'id') ?? [])

/**
 * A book from a `<book>` or `<best_book>` element; `work` where its work is around it and not inside.
 * Its reviews, its authors' own records and the books in it are left to the caller.
 */
export const parseBook = (element: XmlElement, bookId: string, work: XmlElement | null): Book => {
  const book = emptyBook(bookId)
  const { extra } = book
  readFields(element, {
    table,
    target: book,
    extra,
    special: {
      id: nothing,
      reviews: nothing,
      work: (inside) => readWork(book, inside),
      popular_shelves: (shelves) => readShelves(book, shelves),
      authors: (authors) => {
        for (const author of authors.children) if (author.name === 'author') readAuthor(book, author)
      },
      author: (author) => readAuthor(book, author),
      similar_books: (books) => addExtra(extra, 'similar_books', bookIds(books).join(',')),
    },
  })
  if (work) readWork(book, work)
  return book
}

/**
 * GoodReads often prints the shown book's own average and its work's count on every similar book: these are
 * not the similar book's, so they leave its fields.
 */
export const dropBorrowedNumbers = (similar: Book, shown: Book): void => {
  if (similar.average_rating === null || similar.ratings_count === null) return
  if (similar.average_rating !== shown.average_rating || similar.ratings_count !== shown.work_ratings_count) return
  const { extra }: { extra: Extra } = similar
  addExtra(extra, 'average_rating', String(similar.average_rating))
  addExtra(extra, 'ratings_count', String(similar.ratings_count))
  similar.average_rating = null
  similar.ratings_count = null
}
