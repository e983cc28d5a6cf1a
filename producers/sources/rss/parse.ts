import { ReadflowError } from '../../../runtime/errors.ts'
import { authorKeyOfName } from '../../../schemas/catalogue.ts'
import type { Book, Review } from '../../../schemas/records.ts'
import { emptyAuthor, emptyBook, emptyReview } from '../empty.ts'
import { childText, fieldTable, readFields } from '../goodreads/parse/fields.ts'
import { ratingOf } from '../goodreads/parse/review.ts'
import { parseXml, type XmlElement } from '../goodreads/parse/xml.ts'
import type { SourceRecord } from '../source.ts'

const bookTable = fieldTable<Book>({
  title: ['title', 'text'],
  book_description: ['description', 'text'],
  book_large_image_url: ['image_url', 'text'],
  book_small_image_url: ['small_image_url', 'text'],
  isbn: ['isbn', 'text'],
  average_rating: ['average_rating', 'decimal'],
  // Of the work, as the feed's own text says; the edition's year is not told.
  book_published: ['original_publication_year', 'integer'],
})
const pagesTable = fieldTable<Book>({ num_pages: ['num_pages', 'integer'] })

// A feed tells no time of a change: its dates are those of a shelving. The newest one read is what counts.
const reviewTable = fieldTable<Review>({
  user_name: ['user_name', 'text'],
  user_rating: ['rating', 'integer'],
  user_review: ['body', 'text'],
  user_read_at: ['read_at', 'rfc822'],
  user_date_added: ['date_added', 'rfc822'],
})

/** The field that an element of a feed is for, by the name that it has in `extra`. */
export const feedFieldOf = (entity: string, name: string): string | null =>
  (entity === 'books'
    ? (bookTable.get(name) ?? pagesTable.get(name.replace('book.', '')))
    : entity === 'reviews'
      ? reviewTable.get(name)
      : undefined)?.[0] ?? null

/** Of an item's elements, which table takes them; the rest is told again in `description`, in HTML. */
const repeated = new Set(['guid', 'link', 'description', 'book_image_url', 'book_medium_image_url'])
const special = new Set(['book_id', 'book', 'author_name', 'user_shelves', 'pubDate'])

/** The elements that a table reads, as an element of their own. */
const only = (item: XmlElement, isWanted: (name: string) => boolean): XmlElement => ({
  ...item,
  children: item.children.filter(({ name }) => isWanted(name)),
})

export interface FeedItem {
  /** Tells items apart across pages. */
  id: string
  records: SourceRecord[]
}

export interface FeedPage {
  items: FeedItem[]
  /** Minutes for which the feed asks to be left alone; null where it does not. */
  ttlMinutes: number | null
}

interface ItemContext {
  userId: string
  shelf: string | null
  requestId: string
}

/** Shelves of which a book is on one at a time, beside `read`. */
const unread = new Set(['to-read', 'currently-reading', 'did-not-finish', 'dnf', 'abandoned'])

/** A book on the shelf `read` is told by the absence of another such shelf; one of a shelf that was asked for is on that one. */
const shelvesOf = (listed: string, asked: string | null): string[] => {
  const names = [
    ...(asked === null || asked === '#ALL#' || asked.includes(',') ? [] : [asked]),
    ...listed.split(',').map((name) => name.trim()),
  ]
  return [...new Set([...(names.some((name) => unread.has(name)) ? [] : ['read']), ...names])].filter(Boolean)
}

const parseItem = (item: XmlElement, { userId, shelf, requestId }: ItemContext): FeedItem => {
  const guid = childText(item, 'guid') ?? childText(item, 'link') ?? ''
  const bookElement = item.children.find(({ name }) => name === 'book')
  const bookId = childText(item, 'book_id') ?? bookElement?.attributes['id']?.trim() ?? ''
  const reviewNumber = /\/review\/show\/(\d+)/.exec(guid)?.[1]
  const reviewId = reviewNumber ?? `rss-${userId}:${bookId}`

  const book = emptyBook(bookId)
  const author = childText(item, 'author_name')?.replaceAll(/\s+/g, ' ') ?? null
  const isNamed = author !== null && authorKeyOfName(author) !== 'name:'
  if (isNamed) book.authors = [{ author_id: authorKeyOfName(author), name: author, role: null }]
  readFields(
    only(item, (name) => bookTable.has(name)),
    { table: bookTable, target: book, extra: book.extra },
  )
  if (bookElement) readFields(bookElement, { table: pagesTable, target: book, extra: book.extra, path: 'book.' })
  if (book.num_pages === 0) book.num_pages = null

  const review = emptyReview(reviewId)
  Object.assign(review, { user_id: userId, book_id: bookId || null })
  const isOfReview = (name: string) => !bookTable.has(name) && !repeated.has(name) && !special.has(name)
  readFields(only(item, isOfReview), { table: reviewTable, target: review, extra: review.extra })
  if (review.rating === 0) review.rating = null
  if (reviewNumber !== undefined) review.url = `https://www.goodreads.com/review/show/${reviewNumber}`
  review.shelves = shelvesOf(childText(item, 'user_shelves') ?? '', shelf)

  // All that is known of who else put it where: this reader did.
  book.shelves = review.shelves.map((name) => ({ name, count: 1 }))
  const rating = ratingOf(review)
  return {
    id: reviewId,
    records: [
      { entity: 'books', value: book, requestId },
      ...(isNamed ? [{ entity: 'authors' as const, value: { ...emptyAuthor(authorKeyOfName(author)), name: author }, requestId }] : []),
      { entity: 'reviews', value: review, requestId },
      // Its time would be that of the shelving, which a later change of mind does not move.
      ...(rating ? [{ entity: 'ratings' as const, value: { ...rating, rated_at: null }, requestId }] : []),
    ],
  }
}

const CDATA = /(<!\[CDATA\[[\s\S]*?\]\]>)/
const entities: Readonly<Record<string, string>> = {
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
}

/**
 * What people write into reviews is put into feeds as it is: characters that XML forbids become blanks, and of HTML's entities
 * outside of CDATA the common ones are read, any other stands as it was written. One of these would make a page unreadable for good.
 */
export const mendFeed = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those that XML forbids
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, ' ')
    .split(CDATA)
    .map((part) =>
      part.startsWith('<![CDATA[')
        ? part
        : part
            .replaceAll(/&#(?:x0*(?:[0-8bcef]|1[0-9a-f]|fff[ef])|0*(?:[0-8]|1[124-9]|2\d|3[01]));/gi, ' ')
            .replaceAll(/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)(?:(\w{2,10});)?/gi, (_all, name?: string) =>
              name === undefined ? '&amp;' : (entities[name] ?? `&amp;${name};`),
            ),
    )
    .join('')

/** A page of a shelf's feed (RSS 2.0). Throws ReadflowError `source-invalid` for what is none. */
export const parseFeed = (body: Uint8Array, label: string, context: ItemContext): FeedPage => {
  const root = parseXml(body, label, mendFeed)
  const channel = root.name === 'rss' ? root.children.find(({ name }) => name === 'channel') : undefined
  if (!channel) throw new ReadflowError('source-invalid', `${label} answered XML that is no feed: its root is <${root.name}>.`)
  const ttl = Number(childText(channel, 'ttl') ?? Number.NaN)
  return {
    items: channel.children.filter(({ name }) => name === 'item').map((item) => parseItem(item, context)),
    ttlMinutes: ttl >= 0 && ttl <= 10_080 ? ttl : null,
  }
}
