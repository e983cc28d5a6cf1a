import { ReadflowError } from '../../../../runtime/errors.ts'
import type { Author, Book, Rating, Review } from '../../../../schemas/records.ts'
import { authorIdOf, completeAuthor, isWholeAuthor, parseAuthor } from './author.ts'
import { dropBorrowedNumbers, parseBook } from './book.ts'
import { childText } from './fields.ts'
import { parseReview, ratingOf } from './review.ts'
import { parseInteger, textOf } from './values.ts'
import { parseXml, type XmlElement } from './xml.ts'

/** Where a page of a list begins and ends, from 1, and how many there are, as the page claims. */
export interface Paging {
  start: number
  end: number
  total: number
}
/** A partial record has less than the method that shows it (book.show, author.show). */
export interface Found<T> {
  value: T
  isPartial: boolean
}

export interface ParsedResponse {
  /** API method that the answer says it is of, such as `book.show`; else the one that was given. */
  method: string | null
  /** One a book and author: a whole record wins, else the first. */
  books: Found<Book>[]
  authors: Found<Author>[]
  /** One a `<review>`, repeats included. */
  reviews: Review[]
  ratings: Rating[]
  paging: Paging | null
  /** Books, authors and reviews that have no id, and so no key. */
  withoutId: number
}

export interface ResponseToParse {
  /** Method that was asked, such as `book.show`. */
  method?: string
  /** Whose list was asked: review.list does not repeat it. */
  userId?: string
  contentType: string | null
  status: number
  body: Uint8Array
  /** Partial records that nobody wants, which then cost little. */
  skipsPartial?: (entity: 'books' | 'authors', id: string) => boolean
}

/** What an element is listed under; `author` is the one that author.show shows. */
interface Context {
  userId: string | null
  bookId: string | null
  author: Author | null
}

/** Collects the records of one document. */
const createCollector = (skipsPartial: NonNullable<ResponseToParse['skipsPartial']>) => {
  const books = new Map<string, Found<Book>>()
  const authors = new Map<string, Found<Author>>()
  const reviews: Review[] = []
  const ratings: Rating[] = []
  let withoutId = 0

  const visitAll = (parent: XmlElement, context: Context) => {
    for (const child of parent.children) visit(child, parent, context)
  }

  const visitAuthor = (element: XmlElement, isPartial: boolean, context: Context) => {
    const id = authorIdOf(element)
    if (id === null) {
      withoutId++
      return
    }
    if (context.author?.author_id === id) completeAuthor(context.author, element)
    const isNeeded = isPartial ? !authors.has(id) && !skipsPartial('authors', id) : authors.get(id)?.isPartial !== false
    if (isNeeded) authors.set(id, { value: parseAuthor(element, id), isPartial })
    const shown = isPartial ? context.author : (authors.get(id)?.value ?? null)
    for (const child of element.children) if (child.name === 'books') visitAll(child, { ...context, author: shown })
  }

  const visitBook = (
    element: XmlElement,
    { isPartial, work, shown }: { isPartial: boolean; work: XmlElement | null; shown: Book | null },
    context: Context,
  ) => {
    const id = childText(element, 'id')
    if (id === null) {
      withoutId++
      return
    }
    const known = books.get(id)
    if (isPartial && (known || skipsPartial('books', id))) {
      if (context.author) visitAll(element, context)
      return
    }
    const book = parseBook(element, id, work)
    if (shown) dropBorrowedNumbers(book, shown)
    books.set(id, { value: book, isPartial })
    for (const child of element.children) {
      if (child.name === 'similar_books') {
        for (const similar of child.children) visitBook(similar, { isPartial: true, work: null, shown: book }, context)
      } else if (child.name === 'author') visitAuthor(child, true, context)
      else if (child.name === 'authors' || child.name === 'reviews') visitAll(child, { ...context, bookId: id })
    }
  }

  const visitReview = (element: XmlElement, context: Context) => {
    const id = childText(element, 'id')
    if (id === null) withoutId++
    else {
      const review = parseReview(element, id, context)
      const rating = ratingOf(review)
      reviews.push(review)
      if (rating) ratings.push(rating)
    }
    for (const child of element.children) {
      if (child.name === 'book' && childText(child, 'id') !== null) visitBook(child, { isPartial: true, work: null, shown: null }, context)
    }
  }

  const visit = (element: XmlElement, parent: XmlElement, context: Context): void => {
    const isTop = parent.name === 'GoodreadsResponse'
    const { name } = element
    if (name === 'book') visitBook(element, { isPartial: !isTop, work: null, shown: null }, context)
    else if (name === 'best_book')
      visitBook(element, { isPartial: true, work: parent.name === 'work' ? parent : null, shown: null }, context)
    else if (name === 'author') visitAuthor(element, !(isTop && isWholeAuthor(element)), context)
    else if (name === 'review') visitReview(element, context)
    else if (name !== 'Request') visitAll(element, context)
  }

  return {
    visitAll,
    result: () => ({ books: [...books.values()], authors: [...authors.values()], reviews, ratings, withoutId }),
  }
}

/** Paging of the list in a document: attributes of the list, or elements of a search. */
const pagingOf = (root: XmlElement): Paging | null => {
  const paging = (start: string | null | undefined, end: string | null | undefined, total: string | null | undefined) => {
    const numbers = [start, end, total].map((text) => parseInteger(text?.trim() ?? ''))
    return numbers.includes(null) ? null : { start: numbers[0]!, end: numbers[1]!, total: numbers[2]! }
  }
  for (const top of root.children) {
    if (top.name === 'search')
      return paging(childText(top, 'results-start'), childText(top, 'results-end'), childText(top, 'total-results'))
    for (const list of [top, ...top.children.filter(({ name }) => name === 'books' || name === 'reviews')]) {
      const { start, end, total } = list.attributes
      const found = total === undefined ? null : paging(start, end, total)
      if (found) return found
    }
  }
  return null
}

const nothing = { books: [], authors: [], reviews: [], ratings: [], paging: null, withoutId: 0 }

/** `book_show` is `book.show` in the documentation of the API. */
const methodOf = (root: XmlElement): string | null => {
  const request = root.children.find(({ name }) => name === 'Request')
  return request ? (childText(request, 'method')?.replace('_', '.') ?? null) : null
}

/** The statistics are JSON; no record is made of them. */
const checkJson = (body: Uint8Array, method: string) => {
  try {
    JSON.parse(new TextDecoder().decode(body))
  } catch (cause) {
    throw new ReadflowError('source-invalid', `${method} answered JSON that is broken.`, { cause })
  }
}

/**
 * The records in one answer of the GoodReads API. Pure. A value that does not parse is null, with its text in
 * `extra`; what is not well-formed XML of GoodReads throws ReadflowError `source-invalid` with one clear line.
 * A missing thing (404) holds no records.
 */
export const parseResponse = (response: ResponseToParse): ParsedResponse => {
  const { contentType, status, body, userId, skipsPartial = () => false } = response
  const asked = response.method ?? 'the source'
  if (status === 404) return { method: response.method ?? null, ...nothing }
  if (/^[^;]*json/i.test(contentType ?? '')) {
    checkJson(body, asked)
    return { method: response.method ?? null, ...nothing }
  }
  const root = parseXml(body, asked)
  if (root.name !== 'GoodreadsResponse') {
    const said = root.name === 'error' ? textOf(root)?.slice(0, 100) : undefined
    throw new ReadflowError(
      'source-invalid',
      said ? `${asked} answered an error: ${said}.` : `${asked} answered XML of another kind, with <${root.name.slice(0, 40)}> at its top.`,
    )
  }
  const collector = createCollector(skipsPartial)
  collector.visitAll(root, { userId: userId ?? null, bookId: null, author: null })
  return { method: methodOf(root) ?? response.method ?? null, paging: pagingOf(root), ...collector.result() }
}
