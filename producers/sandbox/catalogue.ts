import type { World } from './authors.ts'
import type { SandboxBook } from './books.ts'
import { type Ids, idSpaces } from './ids.ts'
import { createLibrary, type Library, START_BOOKS, shuffledRanks } from './library.ts'
import { cumulative, drawFrom, hashShare, type Random, randomOf, stream, zipfWeights } from './random.ts'
import { createReviewColumns, type ReviewColumns } from './review-columns.ts'
import { createTallies, type Tallies } from './tallies.ts'

/** One step of evolution. */
export const STEP_MS = 10_000
const START_USERS = 1500
/** Each of them has readers enough at every time. */
const LEAST_USERS = 50
const START_REVIEWS = 36_000
export const HISTORY_MS = 3 * 365.25 * 86_400_000
/** A day of 20 to 32 new reviews a step; then a tenth, so that a restart after months stays quick and small. */
export const BUSY_STEPS = 8640
const UNRATED_SHARE = 0.14
const TEXT_SHARE = 0.35
const NEW_MEMBER_SHARE = 0.4
const RECENT_KEPT = 512

/**
 * What the site holds at one moment. A pure function of (seed, startMs, step), kept as state only so that a
 * later step costs no more than what happened in between; time never goes back.
 */
export interface Catalogue {
  world: World
  ids: Ids
  library: Library
  reviews: ReviewColumns
  tallies: Tallies
  /** Whole steps since the start that this catalogue has seen. */
  readonly step: number
  readonly usersCount: number
  /** How often an author's profile changed. */
  authorEdits: (author: number) => number
  hasText: (ordinal: number) => boolean
  /** Reviews by when they were added or changed last, newest first, each once. */
  recent: (limit: number) => number[]
  /** Lets happen all that is due by `nowMs`; true where that is anything. */
  advanceTo: (nowMs: number) => boolean
}

/** How many readers share so many reviews. */
export const usersOf = (startReviews: number): number => Math.max(LEAST_USERS, Math.round((startReviews * START_USERS) / START_REVIEWS))

/** Builds three years of history before `startMs` (epoch ms); the same for the same seed, start and number of reviews. */
export const openCatalogue = ({
  seed,
  startMs,
  startReviews = START_REVIEWS,
}: {
  seed: number
  startMs: number
  startReviews?: number | undefined
}): Catalogue => {
  const startUsers = usersOf(startReviews)
  const world: World = { seed, startMs, startYear: new Date(startMs).getUTCFullYear() }
  const library = createLibrary(world)
  const reviews = createReviewColumns()
  const tallies = createTallies()
  for (const book of library.books) tallies.addBook(book)
  const bookWeights = zipfWeights(START_BOOKS, 10, 0.9)
  const bookSums = cumulative(library.books.map(({ rank }) => bookWeights[rank]!))
  const profileEdits: number[] = []
  let recentOrdinals: number[] = []
  let usersCount = startUsers
  let step = 0

  const hasText = (ordinal: number) => reviews.rating(ordinal) > 0 && hashShare(seed, stream.hasText, ordinal) < TEXT_SHARE
  const drawRating = (random: Random, book: SandboxBook) => 1 + drawFrom(book.ratingSums, random.next())
  const drawBook = (random: Random) => library.books[drawFrom(bookSums, random.next())]!

  const addReview = (random: Random, user: number, book: SandboxBook, addedMs: number, updatedMs: number) => {
    const rating = random.chance(UNRATED_SHARE) ? 0 : drawRating(random, book)
    const ordinal = reviews.add({
      user,
      book: book.index,
      rating,
      addedS: Math.floor(addedMs / 1000),
      updatedS: Math.floor(updatedMs / 1000),
    })
    tallies.count(book, rating, 1, hasText(ordinal))
    return ordinal
  }

  const writeHistory = () => {
    const random = randomOf(seed, stream.history, 0)
    const ranks = shuffledRanks(seed, 1, startUsers)
    const userWeights = zipfWeights(startUsers, 30, 0.8)
    const userSums = cumulative(ranks.map((rank) => userWeights[rank]!))
    for (let i = 0; i < startReviews; i++) {
      // More readers every year, and a wave in every one of them.
      const grown = ((i + random.next()) / startReviews) ** (1 / 1.3)
      const addedMs = startMs - HISTORY_MS * (1 - grown - 0.012 * Math.sin(6 * Math.PI * grown) * (1 - grown)) - 60_000
      const laterMs = random.chance(0.25) ? 60 * 86_400_000 * random.next() ** 2 : 90_000 * random.next()
      const updatedMs = addedMs + laterMs < startMs ? addedMs + laterMs : addedMs
      let user: number
      let book: SandboxBook
      do {
        user = drawFrom(userSums, random.next())
        book = drawBook(random)
      } while (book.availableFromMs > addedMs || reviews.hasReviewed(user, book.index))
      addReview(random, user, book, addedMs, updatedMs)
    }
    recentOrdinals = Array.from({ length: startReviews }, (_, i) => i)
      .sort((a, b) => reviews.updatedS(a) - reviews.updatedS(b) || a - b)
      .slice(-RECENT_KEPT)
  }

  const addLive = (random: Random, atMs: number, wanted: SandboxBook | undefined) => {
    const liveBooks = library.books.length - START_BOOKS
    for (;;) {
      const user = random.chance(NEW_MEMBER_SHARE) ? usersCount : random.below(usersCount)
      const isLive = liveBooks > 0 && random.chance(0.05)
      const book = wanted ?? (isLive ? library.books[START_BOOKS + random.below(liveBooks)]! : drawBook(random))
      if (reviews.hasReviewed(user, book.index)) continue
      if (user === usersCount) usersCount++
      return addReview(random, user, book, atMs, atMs)
    }
  }

  const editLive = (random: Random, atMs: number) => {
    const ordinal = reviews.size - 1 - Math.floor(reviews.size * random.next() ** 3)
    const book = library.books[reviews.book(ordinal)]!
    const before = reviews.rating(ordinal)
    const hadText = hasText(ordinal)
    const moved = Math.min(5, Math.max(1, before + (random.chance(0.6) ? 1 : -1)))
    const rating = before === 0 ? drawRating(random, book) : random.chance(0.5) ? moved : before
    reviews.edit(ordinal, { rating, updatedS: Math.floor(atMs / 1000) })
    tallies.count(book, before, -1, hadText)
    tallies.count(book, rating, 1, hasText(ordinal))
    return ordinal
  }

  const publishBook = (random: Random, bornMs: number) => {
    const author = random.chance(0.5) ? library.addAuthor() : library.authors[random.below(library.authors.length)]!
    const book = library.addBook(author, bornMs)
    tallies.addBook(book)
    return book
  }

  const applyStep = (number: number) => {
    const random = randomOf(seed, stream.steps, number)
    const beginMs = startMs + (number - 1) * STEP_MS
    const isBusy = number <= BUSY_STEPS
    const reviewsCount = isBusy ? 20 + random.below(13) : 2 + random.below(3)
    const editsCount = isBusy ? 3 + random.below(4) : 1
    const eventsCount = reviewsCount + editsCount
    const newBook = random.chance(isBusy ? 0.1 : 0.01) ? publishBook(random, beginMs) : undefined
    let newBookReviews = newBook ? 2 : 0
    for (let i = 0; i < eventsCount; i++) {
      const atMs = beginMs + Math.floor(((i + 1) * STEP_MS) / (eventsCount + 1))
      const isEdit = (i * editsCount) % eventsCount < editsCount
      const ordinal = isEdit ? editLive(random, atMs) : addLive(random, atMs, newBookReviews-- > 0 ? newBook : undefined)
      recentOrdinals.push(ordinal)
    }
    if (recentOrdinals.length > 4 * RECENT_KEPT) recentOrdinals = recentOrdinals.slice(-RECENT_KEPT)
    const lastBook = library.books[reviews.book(recentOrdinals.at(-1)!)]!
    const changed = lastBook.authors[0]!.index
    if (random.chance(0.7)) profileEdits[changed] = (profileEdits[changed] ?? 0) + 1
  }

  writeHistory()
  return {
    world,
    ids: idSpaces(seed),
    library,
    reviews,
    tallies,
    hasText,
    get step() {
      return step
    },
    get usersCount() {
      return usersCount
    },
    authorEdits: (author) => profileEdits[author] ?? 0,
    recent: (limit) => [...new Set(recentOrdinals.toReversed())].slice(0, limit),
    advanceTo: (nowMs) => {
      const due = Math.floor((nowMs - startMs) / STEP_MS)
      const before = step
      while (step < due) applyStep(++step)
      return step > before
    },
  }
}
