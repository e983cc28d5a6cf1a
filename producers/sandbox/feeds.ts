import { SITE_URL } from './book-xml.ts'
import type { Catalogue } from './catalogue.ts'
import { reviewAt } from './reviews.ts'
import { averageOf } from './tallies.ts'
import { userAt } from './users.ts'
import { cdata, escapeXml } from './xml.ts'

const PAGE_ITEMS = 100

/** A time as feeds print it: `Mon, 06 Mar 2017 12:02:40 -0800`. */
const feedDate = (timeMs: number | null): string => {
  if (timeMs === null) return ''
  return new Date(timeMs - 8 * 3_600_000).toUTCString().replace('GMT', '-0800')
}

/**
 * A page (from 1) of a reader's shelf as RSS 2.0; null where the reader is unknown. A shelf of null has all books. Past
 * the end a page is empty; before it one may hold fewer than a hundred, as GoodReads' own do. `ttlMinutes` is how long the
 * feed asks to be left alone.
 */
export const feedXml = (
  catalogue: Catalogue,
  { userId, shelf, page, ttlMinutes }: { userId: number; shelf: string | null; page: number; ttlMinutes: number },
): string | null => {
  const { ids, library, reviews, tallies, world } = catalogue
  const user = ids.users.indexOf(userId)
  if (user === null || user >= catalogue.usersCount) return null
  const { name } = userAt(world.seed, user)
  const all = reviews.ofUser(user, 0, reviews.countOfUser(user)).map((ordinal) => reviewAt(catalogue, ordinal))
  const onShelf = shelf === null || shelf === '#ALL#' ? all : all.filter(({ shelves }) => shelves.includes(shelf))
  const shown = onShelf.slice((page - 1) * PAGE_ITEMS, page * PAGE_ITEMS).filter(({ fault }) => fault !== 'missing-book')

  const items = shown.map((review) => {
    const book = library.books[review.book]!
    const id = ids.books.idOf(book.index)
    const url = `${SITE_URL}/review/show/${review.id}?utm_medium=api&utm_source=rss`
    const author = library.authors[book.authors[0]!.index]!
    return `<item>
  <guid>${cdata(url)}</guid>
  <pubDate>${cdata(feedDate(review.addedMs))}</pubDate>
  <title>${cdata(book.title)}</title>
  <link>${cdata(url)}</link>
  <book_id>${id}</book_id>
  <book_image_url>${cdata(`${SITE_URL}/assets/books/${id}._SX98_.jpg`)}</book_image_url>
  <book_small_image_url>${cdata(`${SITE_URL}/assets/books/${id}._SX50_.jpg`)}</book_small_image_url>
  <book_description>${cdata(book.description)}</book_description>
  <book id="${id}">
    <num_pages>${book.numPages ?? ''}</num_pages>
  </book>
  <author_name>${escapeXml(author.name)}</author_name>
  <isbn>${book.isbn ?? ''}</isbn>
  <user_name>${escapeXml(name)}</user_name>
  <user_rating>${review.rating}</user_rating>
  <user_read_at>${review.readMs === null ? '' : cdata(feedDate(review.readMs))}</user_read_at>
  <user_date_added>${cdata(feedDate(review.addedMs))}</user_date_added>
  <user_date_created>${cdata(feedDate(review.addedMs))}</user_date_created>
  <user_shelves>${escapeXml(review.shelves.filter((each) => each !== 'read').join(', '))}</user_shelves>
  <user_review>${cdata(review.body)}</user_review>
  <average_rating>${averageOf(tallies.ofBook(book.index))}</average_rating>
  <book_published>${book.originallyPublished.year}</book_published>
  <description>${cdata(`<a href="${SITE_URL}/book/show/${id}">${escapeXml(book.title)}</a><br/>author: ${escapeXml(author.name)}<br/>`)}</description>
</item>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0">
<channel>
  <title>${cdata(`${name}'s bookshelf: ${shelf ?? 'all'}`)}</title>
  <language>en-US</language>
  <ttl>${ttlMinutes}</ttl>
  ${items.join('\n  ')}
</channel>
</rss>
`
}
