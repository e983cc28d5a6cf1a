import type { Catalogue } from './catalogue.ts'
import { type FaultKind, faultOf } from './faults.ts'
import { type Random, randomOf, stream } from './random.ts'
import { readerShelves } from './words/genres.ts'
import { peopleOf } from './words/names.ts'
import { afterthoughts, opinions, remarks } from './words/prose.ts'

/** A review as the site shows it at the catalogue's step. Times are epoch ms. */
export interface SandboxReview {
  id: number
  user: number
  book: number
  /** 1 to 5; 0 where unrated. */
  rating: number
  body: string
  votes: number
  commentsCount: number
  hasSpoiler: boolean
  shelves: string[]
  recommendedFor: string
  startedMs: number | null
  readMs: number | null
  addedMs: number
  updatedMs: number
  readCount: number | null
  owned: number
  fault: FaultKind<'reviews'> | null
}

const DAY_MS = 86_400_000

const bodyOf = (random: Random, catalogue: Catalogue, { book, rating, edits }: { book: number; rating: number; edits: number }) => {
  const { books, authors } = catalogue.library
  const about = books[book]!
  const parts = Array.from({ length: 1 + random.below(2) }, () => random.pick(opinions[rating - 1]!))
  for (let i = random.below(4); i > 0; i--) parts.push(random.pick(remarks))
  const paragraph = random.chance(0.3) ? '<br /><br />' : ' '
  if (edits > 0) parts.push(`<br />${afterthoughts[edits % afterthoughts.length]}`)
  return [...new Set(parts)]
    .join(paragraph)
    .replaceAll('{title}', about.titleWithoutSeries)
    .replaceAll('{author}', authors[about.authors[0]!.index]!.name)
    .replaceAll('{hero}', random.pick(peopleOf.eng.female))
}

/** The review with this ordinal; what is not in the columns is drawn from the seed. */
export const reviewAt = (catalogue: Catalogue, ordinal: number): SandboxReview => {
  const { world, reviews, library, ids } = catalogue
  const random = randomOf(world.seed, stream.reviewDetails, ordinal)
  const book = reviews.book(ordinal)
  const rating = reviews.rating(ordinal)
  const edits = reviews.edits(ordinal)
  const addedMs = reviews.addedS(ordinal) * 1000
  const stateShare = random.next()
  const state = rating > 0 || stateShare < 0.05 ? 'read' : stateShare < 0.25 ? 'currently-reading' : 'to-read'
  const own = readerShelves(random, library.books[book]!.genre)
  const hasRead = random.chance(0.6) && rating > 0
  // GoodReads keeps reading dates by the day, as midnight of its own zone.
  const readMs = (Math.floor(addedMs / DAY_MS) - 1 - random.below(9)) * DAY_MS + 8 * 3_600_000
  const startedMs = readMs - (2 + random.below(40)) * DAY_MS
  const hasStarted = random.chance(0.7)
  const votes = Math.floor(12 * random.next() ** 6)
  const isText = catalogue.hasText(ordinal)
  return {
    id: ids.reviews.idOf(ordinal),
    user: reviews.user(ordinal),
    book,
    rating,
    addedMs,
    body: isText ? bodyOf(randomOf(world.seed, stream.reviewText, ordinal), catalogue, { book, rating, edits }) : '',
    votes: isText ? votes + edits : 0,
    commentsCount: isText ? Math.floor(votes / 3) : 0,
    hasSpoiler: isText && random.chance(0.05),
    shelves: [state, ...own],
    recommendedFor: random.chance(0.02) ? 'everyone & their mother' : '',
    startedMs: hasRead && hasStarted ? startedMs : null,
    readMs: hasRead ? readMs : null,
    updatedMs: reviews.updatedS(ordinal) * 1000,
    readCount: rating > 0 && random.chance(0.5) ? 1 + Math.floor(2 * random.next() ** 8) : null,
    owned: random.chance(0.1) ? 1 : 0,
    fault: edits > 0 ? null : faultOf(world.seed, 'reviews', ordinal),
  }
}
