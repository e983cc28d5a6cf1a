import type { SandboxBook } from './books.ts'
import type { Catalogue } from './catalogue.ts'
import { averageOf, ratingsOf, ratingsSumOf } from './tallies.ts'
import { cdata, escapeXml, integer, nilable, slug } from './xml.ts'

/** Where the pages of the invented site would be; nothing answers there. */
export const SITE_URL = 'https://www.goodreads.example'
const WORK_READERS_PER_RATING = 1.8

const wrongDigit = (text: string) => text.slice(0, -1) + ((Number(text.at(-1)!.replace('X', '3')) + 1) % 10)

const isbnsOf = ({ fault, isbn, isbn13 }: SandboxBook) => {
  if (isbn === null || isbn13 === null) return { isbn: null, isbn13: null }
  if (fault === 'isbn-check-digit') return { isbn: wrongDigit(isbn), isbn13: wrongDigit(isbn13) }
  if (fault === 'isbn-lost-digit') return { isbn: isbn.slice(1), isbn13: isbn13.slice(0, -1) }
  if (fault === 'isbn-garbled') return { isbn: `ISBN ${isbn.slice(0, 4)}?`, isbn13: `${isbn13[0]}.${isbn13.slice(1, 6)}E+12` }
  return { isbn, isbn13 }
}

/** A book's fields as they are printed: with the fault that it was given, if any. */
const printed = (catalogue: Catalogue, book: SandboxBook) => {
  const { fault } = book
  const tally = catalogue.tallies.ofBook(book.index)
  const id = catalogue.ids.books.idOf(book.index)
  const isFuture = fault === 'future-publication'
  const date = isFuture ? { ...book.published, year: catalogue.world.startYear + 40 } : book.published
  const ratingsCount = fault === 'negative-count' ? -7 : Math.floor(ratingsOf(tally) * book.editionShare)
  return {
    ...isbnsOf(book),
    id,
    ratingsCount,
    tally,
    title: fault === 'missing-title' ? '' : book.title,
    date: fault === 'impossible-publication-date' ? { ...date, month: 13, day: 45 } : date,
    originalYear: isFuture ? date.year : book.originallyPublished.year,
    textReviews: Math.floor(tally.textReviews * book.editionShare),
    average: averageOf(tally),
    link: `${SITE_URL}/book/show/${slug(id, book.titleWithoutSeries)}`,
    imageUrl: `${SITE_URL}/assets/books/${id}._SX98_.jpg`,
    smallImageUrl: `${SITE_URL}/assets/books/${id}._SX50_.jpg`,
  }
}

const authorsXml = (catalogue: Catalogue, book: SandboxBook) =>
  book.authors
    .map(({ index, role }) => {
      const id = catalogue.ids.authors.idOf(index)
      const { name, fault } = catalogue.library.authors[index]!
      const tally = catalogue.tallies.ofAuthor(index)
      return `<author><id>${id}</id><name>${cdata(fault === 'missing-name' ? '' : name)}</name><role>${role ?? ''}</role>\
<average_rating>${averageOf(tally)}</average_rating>\
<ratings_count>${ratingsOf(tally)}</ratings_count><text_reviews_count>${tally.textReviews}</text_reviews_count></author>`
    })
    .join('\n')

/** `text`: the title as escaped text on one line; `cdata`: as CDATA between line ends, as the recent reviews have it. */
export type EmbeddedStyle = 'text' | 'cdata'

/** A book inside a review or an author: the short form, without description and shelves. */
export const embeddedBookXml = (catalogue: Catalogue, book: SandboxBook, style: EmbeddedStyle): string => {
  const fields = printed(catalogue, book)
  const title = style === 'text' ? escapeXml(fields.title) : `\n    ${cdata(fields.title)}\n  `
  return `<book>
  <id type="integer">${fields.id}</id>
  ${nilable('isbn', fields.isbn)}
  ${nilable('isbn13', fields.isbn13)}
  ${integer('text_reviews_count', fields.textReviews)}
  <title>${title}</title>
  <image_url>${fields.imageUrl}</image_url>
  <link>${escapeXml(fields.link)}</link>
  <num_pages>${book.numPages ?? ''}</num_pages>
  <average_rating>${fields.average}</average_rating>
  <ratings_count>${fields.ratingsCount}</ratings_count>
  <authors>${authorsXml(catalogue, book)}</authors>  <published>${fields.originalYear}</published>
</book>`
}

const workXml = (catalogue: Catalogue, book: SandboxBook, originalYear: number) => {
  const { ids, tallies } = catalogue
  const tally = tallies.ofBook(book.index)
  const count = ratingsOf(tally)
  const dist = [5, 4, 3, 2, 1].map((rating) => `${rating}:${tally.ratings[rating - 1]}`).join('|')
  const { month, day } = book.originallyPublished
  const hasDay = originalYear > 1900
  return `<work>
  ${integer('id', ids.works.idOf(book.index))}
  ${integer('books_count', book.editionsCount)}
  ${integer('best_book_id', ids.books.idOf(book.index))}
  ${integer('reviews_count', Math.floor(count * WORK_READERS_PER_RATING))}
  ${integer('ratings_sum', ratingsSumOf(tally))}
  ${integer('ratings_count', count)}
  ${integer('text_reviews_count', tally.textReviews)}
  ${integer('original_publication_year', originalYear)}
  ${integer('original_publication_month', hasDay ? month : null)}
  ${integer('original_publication_day', hasDay ? day : null)}
  <original_title>${escapeXml(book.titleWithoutSeries)}</original_title>
  <original_language_id type="integer" nil="true"/>
  <media_type>book</media_type>
  <rating_dist>${dist}|total:${count}</rating_dist>
</work>`
}

const seriesXml = (catalogue: Catalogue, { series }: SandboxBook) =>
  series
    ? `<series_works><series_work><id>${catalogue.ids.series.idOf(series.authorIndex) + series.position}</id><user_position>${series.position}</user_position>\
<series><id>${catalogue.ids.series.idOf(series.authorIndex)}</id><title>\n${cdata(series.name)}\n</title></series></series_work></series_works>`
    : '<series_works></series_works>'

/** The whole book, as book.show answers. */
export const bookXml = (catalogue: Catalogue, book: SandboxBook): string => {
  const fields = printed(catalogue, book)
  const { year, month, day } = fields.date
  const shelves = book.shelves.map(({ name, count }) => `    <shelf name="${escapeXml(name)}" count="${count}"/>`).join('\n')
  return `<book>
  <id>${fields.id}</id>
  <title>${cdata(fields.title)}</title>
  <isbn>${cdata(fields.isbn ?? '')}</isbn>
  <isbn13>${cdata(fields.isbn13 ?? '')}</isbn13>
  <asin>${cdata(book.asin ?? '')}</asin>
  <country_code>${cdata('US')}</country_code>
  <image_url>${fields.imageUrl}</image_url>
  <small_image_url>${fields.smallImageUrl}</small_image_url>
  <publication_year>${year}</publication_year>
  <publication_month>${month}</publication_month>
  <publication_day>${day}</publication_day>
  <publisher>${escapeXml(book.publisher)}</publisher>
  <language_code>${book.languageCode ?? ''}</language_code>
  <is_ebook>${book.isEbook}</is_ebook>
  <title_without_series>${cdata(fields.title && book.titleWithoutSeries)}</title_without_series>
  <description>${cdata(book.description)}</description>
  ${workXml(catalogue, book, fields.originalYear)}
  <average_rating>${fields.average}</average_rating>
  <num_pages>${cdata(String(book.numPages ?? ''))}</num_pages>
  <format>${cdata(book.format)}</format>
  <edition_information>${cdata('')}</edition_information>
  <ratings_count>${cdata(String(fields.ratingsCount))}</ratings_count>
  <text_reviews_count>${cdata(String(fields.textReviews))}</text_reviews_count>
  <url>${cdata(fields.link)}</url>
  <link>${cdata(fields.link)}</link>
  <authors>${authorsXml(catalogue, book)}</authors>
  <popular_shelves>
${shelves}
  </popular_shelves>
  ${seriesXml(catalogue, book)}
</book>`
}
