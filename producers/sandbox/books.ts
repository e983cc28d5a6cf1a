import { genreSums, type SandboxAuthor, type World } from './authors.ts'
import { type FaultKind, faultOf } from './faults.ts'
import { isbnPair } from './isbn.ts'
import { drawFrom, type Random, randomOf, stream } from './random.ts'
import { type Genre, genres, popularShelves } from './words/genres.ts'
import { type Language, peopleOf } from './words/names.ts'
import { blurbClosings, blurbMiddles, blurbOpenings, otherBlurbs } from './words/prose.ts'
import { englishTitles, type Grammar, otherTitles } from './words/titles.ts'

export interface PublicationDate {
  year: number
  month: number
  day: number
}

export interface SandboxBook {
  index: number
  /** 0 is the most read. */
  rank: number
  titleWithoutSeries: string
  /** With the series in brackets where there is one. */
  title: string
  series: { authorIndex: number; name: string; position: number } | null
  authors: { index: number; role: string | null }[]
  language: Language
  /** As GoodReads writes it (`eng`, `en-US`, `spa`, …), or null. */
  languageCode: string | null
  genre: Genre
  isbn: string | null
  isbn13: string | null
  asin: string | null
  publisher: string
  format: string
  isEbook: boolean
  numPages: number | null
  published: PublicationDate
  originallyPublished: PublicationDate
  description: string
  shelves: { name: string; count: number }[]
  /** Mean rating that readers tend to give. */
  quality: number
  /** Chance of each rating, 1 to 5, as running sums. */
  ratingSums: Float64Array
  /** Ratings 1 to 5 by readers whom the sandbox does not show. */
  otherRatings: number[]
  /** Share of the work's ratings that belong to this edition. */
  editionShare: number
  editionsCount: number
  /** No review is dated before this, epoch ms. */
  availableFromMs: number
  fault: FaultKind<'books'> | null
}

export interface BookRequest {
  world: World
  index: number
  rank: number
  author: SandboxAuthor
  /** How many books the author has already. */
  authorBooksCount: number
  /** Authors whom another role may fall to. */
  others: readonly SandboxAuthor[]
  /** When a book that comes out while the sandbox runs is published, epoch ms; null for the books of the start. */
  bornMs: number | null
  /** Whether another book has this title. */
  isTaken: (title: string) => boolean
}

const formats = ['Paperback', 'Paperback', 'Hardcover', 'Hardcover', 'Mass Market Paperback', 'Kindle Edition', 'ebook', 'Audiobook']
const roles = ['Illustrator', 'Translator', 'Editor', 'Foreword']
const DAY_MS = 86_400_000
/** Keeps the numbers inside ISBNs from beginning with many zeros. */
const ISBN_BASE = 123_457
const RATING_SPREAD = 1.05
/** The hundred most read books are free of faults, so that a fault stays a matter of few records. */
const FAULTLESS_RANKS = 100

const expand = (random: Random, grammar: Grammar) => {
  const text = random.pick(grammar.patterns).replaceAll(/\{(\w+)\}/g, (_, slot: string) => random.pick(grammar.slots[slot]!))
  return (text.charAt(0).toUpperCase() + text.slice(1)).replaceAll(/\bA (?=[AEIOU]|Heir)/g, 'An ')
}

const makeTitle = (random: Random, language: Language, genre: Genre, isTaken: (title: string) => boolean) => {
  const grammar = language === 'eng' ? englishTitles[genre] : otherTitles[language]
  let title = expand(random, grammar)
  for (let tries = 0; tries < 12 && isTaken(title); tries++) title = expand(random, grammar)
  return title
}

const makeDescription = (random: Random, language: Language, title: string) => {
  if (random.chance(0.06)) return ''
  if (language !== 'eng') return random.pick(otherBlurbs[language]).replaceAll('{title}', title)
  const people = peopleOf.eng
  const hero = `${random.pick(people[random.chance(0.5) ? 'female' : 'male'])} ${random.pick(people.surnames)}`
  const town = random.pick(people.towns)
  const text = `${random.pick(blurbOpenings)} ${random.pick(blurbMiddles)} ${random.pick(blurbMiddles)} ${random.pick(blurbClosings)}`
  return text.replaceAll('{hero}', hero).replaceAll('{town}', town).replaceAll('{title}', title)
}

const ratingShares = (quality: number) => {
  const weights = [1, 2, 3, 4, 5].map((rating) => Math.exp(-((rating - quality) ** 2) / (2 * RATING_SPREAD ** 2)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

const publication = (random: Random, world: World, author: SandboxAuthor, bornMs: number | null) => {
  const date = (year: number): PublicationDate => ({ year, month: 1 + random.below(12), day: 1 + random.below(28) })
  if (bornMs !== null) {
    const born = new Date(bornMs - DAY_MS)
    const day = { year: born.getUTCFullYear(), month: born.getUTCMonth() + 1, day: born.getUTCDate() }
    return { published: day, originallyPublished: day }
  }
  const lastYear = world.startYear - 1
  const originallyPublished = date(
    author.activeFromYear + Math.floor(Math.min(20, lastYear - author.activeFromYear + 1) * random.next() ** 1.5),
  )
  const isFirst = originallyPublished.year >= 1960 && random.chance(0.55)
  const earliest = Math.max(1960, originallyPublished.year)
  const published = isFirst ? originallyPublished : date(earliest + random.below(lastYear - earliest + 1))
  return { published: published.year === originallyPublished.year ? originallyPublished : published, originallyPublished }
}

/** The book with this index, always the same for the same request. */
export const bookAt = ({ world, index, rank, author, authorBooksCount, others, bornMs, isTaken }: BookRequest): SandboxBook => {
  const random = randomOf(world.seed, stream.books, index)
  const { language } = author
  const genre = author.seriesName || random.chance(0.85) ? author.genre : genres[drawFrom(genreSums, random.next())]!
  const titleWithoutSeries = makeTitle(random, language, genre, isTaken)
  const series = author.seriesName ? { authorIndex: author.index, name: author.seriesName, position: authorBooksCount + 1 } : null
  const { published, originallyPublished } = publication(random, world, author, bornMs)
  const people = peopleOf[language]
  const format = random.pick(formats)
  const isEbook = format === 'Kindle Edition' || format === 'ebook'
  const fault = rank < FAULTLESS_RANKS || bornMs !== null ? null : faultOf(world.seed, 'books', index)
  const hasIsbn = random.chance(isEbook ? 0.6 : 0.97) || fault?.startsWith('isbn')
  const pair = isbnPair(random.pick(people.isbnGroups), ISBN_BASE + (Math.abs(world.seed) % 10_000) + index)
  const quality = Math.min(4.7, Math.max(2.2, 3.95 + 0.42 * (random.next() + random.next() + random.next() - 1.5) * 2))
  const shares = ratingShares(quality)
  const readers = bornMs === null ? Math.floor(2_000_000 / (rank + 4) ** 1.15) : random.below(6)
  const roleShare = random.next()
  const second = roleShare < 0.1 && others.length > 0 ? random.pick(others) : author
  const role = roleShare < 0.03 ? null : random.pick(roles)
  const ratingSums = new Float64Array(5)
  shares.reduce((sum, share, i) => (ratingSums[i] = sum + share), 0)
  const englishCode = random.pick(['eng', 'eng', 'en-US', 'en-GB', 'en-CA'])
  return {
    index,
    rank,
    titleWithoutSeries,
    series,
    language,
    genre,
    published,
    originallyPublished,
    format,
    isEbook,
    quality,
    ratingSums,
    title: series ? `${titleWithoutSeries} (${series.name}, #${series.position})` : titleWithoutSeries,
    authors: [{ index: author.index, role: null }, ...(second === author ? [] : [{ index: second.index, role }])],
    languageCode: random.chance(0.05) ? null : language === 'eng' ? englishCode : language,
    isbn: hasIsbn ? pair.isbn : null,
    isbn13: hasIsbn ? pair.isbn13 : null,
    asin: isEbook ? `B00${pair.isbn.slice(0, 7)}` : null,
    publisher: random.pick(people.publishers),
    numPages: random.chance(0.04) ? null : genre === 'children' ? 24 + random.below(60) : 140 + Math.floor(520 * random.next() ** 1.6),
    description: makeDescription(random, language, titleWithoutSeries),
    shelves: popularShelves(random, genre, Math.max(40, readers)),
    otherRatings: shares.map((share) => Math.floor(share * readers)),
    editionShare: 0.7 + random.next() * 0.28,
    editionsCount: 1 + Math.floor(60 / (rank / 20 + 1)) + random.below(4),
    availableFromMs: bornMs ?? Date.UTC(originallyPublished.year, originallyPublished.month - 1, originallyPublished.day),
    fault,
  }
}
