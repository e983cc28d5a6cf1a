import { bookXml, type EmbeddedStyle, embeddedBookXml, SITE_URL } from './book-xml.ts'
import type { Catalogue } from './catalogue.ts'
import { isDuplicated } from './faults.ts'
import { reviewAt, type SandboxReview } from './reviews.ts'
import { userAt } from './users.ts'
import { cdata, escapeXml, goodreadsDate, goodreadsResponse, integer, slug } from './xml.ts'

const RECENT_REVIEWS = 100
const AUTHOR_BOOKS = 10
const DEFAULT_PER_PAGE = 20
const MAX_PER_PAGE = 200
const FORTY_YEARS_MS = 40 * 365.25 * 86_400_000

/** The answers of the API's methods at the catalogue's step; null where the id is unknown. */
export interface Answers {
  recentReviews: () => string
  book: (id: number) => string | null
  author: (id: number) => string | null
  /** `page` from 1, `perPage` 1 to 200 (20 where it is not a number). */
  reviewList: (userId: number, page: number, perPage: number) => string | null
  /** Forgets what was kept of an earlier step. */
  stepChanged: () => void
}

const profileNews = [
  '',
  ' Currently writing the next one.',
  ' <br />New book out soon!',
  ' On tour this autumn.',
  ' Website: https://example.org/books',
]

/** Renders the catalogue; books inside reviews are kept as text until the step changes. */
export const createAnswers = (catalogue: Catalogue): Answers => {
  const { ids, library, reviews, world } = catalogue
  const embedded: Record<EmbeddedStyle, Map<number, string>> = { text: new Map(), cdata: new Map() }

  const embeddedBook = (index: number, style: EmbeddedStyle) => {
    const kept = embedded[style].get(index)
    if (kept !== undefined) return kept
    const xml = embeddedBookXml(catalogue, library.books[index]!, style)
    embedded[style].set(index, xml)
    return xml
  }

  const userXml = (index: number) => {
    const { name, location } = userAt(world.seed, index)
    const id = ids.users.idOf(index)
    return `<user><id>${id}</id><name>${cdata(name)}</name><location>${cdata(location)}</location>\
<link>${cdata(`${SITE_URL}/user/show/${slug(id, name)}`)}</link></user>\n  `
  }

  const datesOf = ({ fault, addedMs, updatedMs, readMs }: SandboxReview) => ({
    added: goodreadsDate(fault === 'future-date' ? addedMs + FORTY_YEARS_MS : addedMs),
    updated:
      fault === 'impossible-date'
        ? 'Thu Feb 31 25:61:00 -0800 2019'
        : goodreadsDate(fault === 'future-date' ? updatedMs + FORTY_YEARS_MS : updatedMs),
    read: fault === 'ancient-date' ? 'Tue Jan 01 00:00:00 -0800 0019' : goodreadsDate(readMs),
  })

  const reviewXml = (ordinal: number, style: EmbeddedStyle) => {
    const review = reviewAt(catalogue, ordinal)
    const dates = datesOf(review)
    const book = review.fault === 'missing-book' ? '<book><id type="integer" nil="true"/></book>' : embeddedBook(review.book, style)
    const url = `${SITE_URL}/review/show/${review.id}`
    return `<review>
  <id>${review.id}</id>
  ${style === 'cdata' ? userXml(review.user) : ''}${book}
  <rating>${review.fault === 'rating-out-of-range' ? 7 : review.rating}</rating>
  <votes>${review.votes}</votes>
  <spoiler_flag>${review.hasSpoiler}</spoiler_flag>
  <spoilers_state>${review.hasSpoiler ? 'review' : 'none'}</spoilers_state>
  <shelves>${review.shelves.map((name, i) => `<shelf name="${escapeXml(name)}"${i === 0 ? ' exclusive="true"' : ''} />`).join('')}</shelves>
  <recommended_for>${cdata(review.recommendedFor)}</recommended_for>
  <recommended_by></recommended_by>
  <started_at>${goodreadsDate(review.startedMs)}</started_at>
  <read_at>${dates.read}</read_at>
  <date_added>${dates.added}</date_added>
  <date_updated>${dates.updated}</date_updated>
  <read_count>${review.readCount ?? ''}</read_count>
  <body>${style === 'cdata' || review.body === '' ? `\n      ${cdata(review.body)}\n    ` : escapeXml(review.body)}</body>
  <comments_count>${review.commentsCount}</comments_count>
  <url>${cdata(url)}</url>
  <link>${cdata(url)}</link>
  <owned>${review.owned}</owned>
</review>
`
  }

  const withDuplicates = (ordinals: number[], style: EmbeddedStyle) =>
    ordinals
      .map((ordinal) => (isDuplicated(world.seed, ordinal) ? reviewXml(ordinal, style).repeat(2) : reviewXml(ordinal, style)))
      .join('')

  const authorXml = (index: number) => {
    const author = library.authors[index]!
    const id = ids.authors.idOf(index)
    const edits = catalogue.authorEdits(index)
    const books = library.booksOf[index]!
    const isDeadBeforeBorn = author.fault === 'died-before-born'
    return `<author>
  <id>${id}</id>
  <name>${cdata(author.fault === 'missing-name' ? '' : author.name)}</name>
  <link>${cdata(`${SITE_URL}/author/show/${slug(id, author.name)}`)}</link>
  ${integer('fans_count', author.fault === 'negative-count' ? -3 : author.fansCount + 3 * edits)}
  ${integer('author_followers_count', Math.floor(author.fansCount / 2) + edits)}
  <large_image_url/>
  <image_url>${cdata(`${SITE_URL}/assets/authors/${id}._UX200_.jpg`)}</image_url>
  <small_image_url>${cdata(`${SITE_URL}/assets/authors/${id}._UX50_.jpg`)}</small_image_url>
  <about>${cdata(author.about + profileNews[edits % profileNews.length])}</about>
  <influences>${cdata('')}</influences>
  <works_count>${books.length}</works_count>
  <gender>${author.gender}</gender>
  <hometown>${escapeXml(author.hometown ?? '')}</hometown>
  <born_at>${isDeadBeforeBorn ? '1950/06/01' : (author.bornAt ?? '')}</born_at>
  <died_at>${isDeadBeforeBorn ? '1921/03/04' : (author.diedAt ?? '')}</died_at>
  <goodreads_author>${author.userId !== null}</goodreads_author>
  ${author.userId === null ? '' : `<user>${integer('id', author.userId)}</user>`}
  <books>${books
    .slice(0, AUTHOR_BOOKS)
    .map((book) => embeddedBook(book, 'text'))
    .join('\n')}</books>
</author>`
  }

  const reviewList: Answers['reviewList'] = (userId, page, perPage) => {
    const user = ids.users.indexOf(userId)
    if (user === null || user >= catalogue.usersCount) return null
    const size = perPage >= 1 ? Math.min(MAX_PER_PAGE, Math.floor(perPage)) : DEFAULT_PER_PAGE
    const first = (page >= 1 ? Math.floor(page) - 1 : 0) * size
    const total = reviews.countOfUser(user)
    // Now and then a page begins with the entry that ended the page before.
    const overlap = first > 0 && (user + first) % 5 === 0 ? 1 : 0
    const shown = first < total ? reviews.ofUser(user, first - overlap, size + overlap) : []
    const range = first < total ? `start="${first + 1}" end="${Math.min(total, first + size)}"` : 'start="0" end="0"'
    return goodreadsResponse('review_list', `<reviews ${range} total="${total}">\n${withDuplicates(shown, 'text')}</reviews>`)
  }

  return {
    recentReviews: () =>
      goodreadsResponse('review_recent_reviews', `<reviews>\n${withDuplicates(catalogue.recent(RECENT_REVIEWS), 'cdata')}</reviews>`),
    book: (id) => {
      const index = ids.books.indexOf(id)
      const book = index === null ? undefined : library.books[index]
      return book ? goodreadsResponse('book_show', bookXml(catalogue, book)) : null
    },
    author: (id) => {
      const index = ids.authors.indexOf(id)
      return index !== null && index < library.authors.length ? goodreadsResponse('author_show', authorXml(index)) : null
    },
    reviewList,
    stepChanged: () => {
      embedded.text.clear()
      embedded.cdata.clear()
    },
  }
}
