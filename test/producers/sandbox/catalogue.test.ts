import assert from 'node:assert/strict'
import test from 'node:test'
import { createAnswers } from '../../../producers/sandbox/answers.ts'
import { BUSY_STEPS, HISTORY_MS, openCatalogue, STEP_MS, usersOf } from '../../../producers/sandbox/catalogue.ts'
import { faultPlan, isDuplicated } from '../../../producers/sandbox/faults.ts'
import { idSpaces } from '../../../producers/sandbox/ids.ts'
import { isbn10CheckDigit, isbn13CheckDigit } from '../../../producers/sandbox/isbn.ts'
import { reviewAt } from '../../../producers/sandbox/reviews.ts'
import { ratingsOf } from '../../../producers/sandbox/tallies.ts'

const startMs = Date.UTC(2026, 9, 1, 12, 0, 0)
const open = (seed = 7) => openCatalogue({ seed, startMs })
const base = open()
const ordinals = Array.from({ length: base.reviews.size }, (_, i) => i)
const shareOf = <T>(list: readonly T[], is: (item: T) => boolean) => list.filter(is).length / list.length

const isIsbn10 = (isbn: string) => /^\d{9}[\dX]$/.test(isbn) && isbn10CheckDigit(isbn.slice(0, 9)) === isbn[9]
const isIsbn13 = (isbn: string) => /^\d{13}$/.test(isbn) && isbn13CheckDigit(isbn.slice(0, 12)) === isbn[12]

test('the check digits are those of published examples', () => {
  assert.equal(isbn10CheckDigit('030640615'), '2')
  assert.equal(isbn10CheckDigit('080442957'), 'X')
  assert.equal(isbn13CheckDigit('978030640615'), '7')
})

test('every book has valid ISBNs that belong together, or none, and no two books share one', () => {
  const seen = new Set<string>()
  for (const { isbn, isbn13 } of base.library.books) {
    if (isbn === null || isbn13 === null) continue
    assert.ok(isIsbn10(isbn), isbn)
    assert.ok(isIsbn13(isbn13), isbn13)
    assert.equal(isbn13.slice(3, 12), isbn.slice(0, 9))
    assert.ok(!seen.has(isbn13), isbn13)
    seen.add(isbn13)
  }
  assert.ok(seen.size > 1000)
})

test('there are more than 60,000 events over three years', () => {
  const rated = ordinals.filter((ordinal) => base.reviews.rating(ordinal) > 0).length
  assert.ok(base.reviews.size >= 32_000)
  assert.ok(rated / base.reviews.size > 0.83 && rated / base.reviews.size < 0.88)
  assert.equal(base.library.books.length, 1200)
  assert.equal(base.library.authors.length, 700)
  assert.ok(base.reviews.size + rated + 1200 + 700 > 60_000)
  const first = base.reviews.addedS(0) * 1000
  assert.ok(first >= startMs - HISTORY_MS - 120_000 && first < startMs - HISTORY_MS + 5 * 86_400_000)
  const months = new Set(ordinals.map((ordinal) => new Date(base.reviews.addedS(ordinal) * 1000).toISOString().slice(0, 7)))
  assert.ok(months.size >= 36)
})

test('a history of fewer reviews has as many readers as have so many, the same each time', () => {
  const small = openCatalogue({ seed: 7, startMs, startReviews: 4000 })
  assert.equal(small.reviews.size, 4000)
  assert.equal(small.usersCount, usersOf(4000))
  assert.ok(small.usersCount > 100 && small.usersCount < 200)
  const again = openCatalogue({ seed: 7, startMs, startReviews: 4000 })
  for (const ordinal of [0, 1999, 3999]) assert.deepEqual(reviewAt(again, ordinal), reviewAt(small, ordinal))
})

test('history is in the past, in order, after its books came out, and a reader reviews a book once', () => {
  const pairs = new Set<number>()
  let before = 0
  for (const ordinal of ordinals) {
    const addedS = base.reviews.addedS(ordinal)
    assert.ok(addedS >= before && base.reviews.updatedS(ordinal) >= addedS && base.reviews.updatedS(ordinal) * 1000 <= startMs)
    assert.ok(base.library.books[base.reviews.book(ordinal)]!.availableFromMs <= addedS * 1000 + 1000)
    before = addedS
    pairs.add(base.reviews.user(ordinal) * 100_000 + base.reviews.book(ordinal))
  }
  assert.equal(pairs.size, base.reviews.size)
})

test('few books get most of the reviews', () => {
  const counts = new Map<number, number>()
  for (const ordinal of ordinals) counts.set(base.reviews.book(ordinal), (counts.get(base.reviews.book(ordinal)) ?? 0) + 1)
  const sorted = [...counts.values()].sort((a, b) => b - a)
  const top = sorted.slice(0, 120).reduce((sum, count) => sum + count, 0)
  assert.ok(top / base.reviews.size > 0.35, `${top}`)
})

test('people and publications have plausible dates', () => {
  for (const author of base.library.authors) {
    if (author.bornAt) assert.ok(Number(author.bornAt.slice(0, 4)) <= author.activeFromYear - 20)
    if (author.diedAt) assert.ok(author.diedAt > author.bornAt!)
  }
  for (const { published, originallyPublished } of base.library.books) {
    assert.ok(published.year >= originallyPublished.year)
    assert.ok(Date.UTC(published.year, published.month - 1, published.day) < startMs)
  }
})

test('the same seed and start give the same answers, step by step or at once, and another seed gives others', () => {
  const slow = open()
  const quick = open()
  for (let step = 1; step <= 40; step++) slow.advanceTo(startMs + step * STEP_MS)
  quick.advanceTo(startMs + 40 * STEP_MS + 9999)
  const other = open(8)
  other.advanceTo(startMs + 40 * STEP_MS)
  const everything = (catalogue: typeof base) => {
    const answers = createAnswers(catalogue)
    const users = [0, 1, 2, catalogue.usersCount - 1].map((index) => answers.reviewList(catalogue.ids.users.idOf(index), 1, 200))
    const books = [0, 500, catalogue.library.books.length - 1].map((index) => answers.book(catalogue.ids.books.idOf(index)))
    const authors = [0, 500, catalogue.library.authors.length - 1].map((index) => answers.author(catalogue.ids.authors.idOf(index)))
    return [answers.recentReviews(), ...users, ...books, ...authors].join('')
  }
  assert.equal(slow.step, 40)
  assert.equal(everything(slow), everything(quick))
  assert.notEqual(everything(slow), everything(other))
})

test('every step has new reviews and edits of earlier ones, dated within it', () => {
  const catalogue = open()
  for (let step = 1; step <= 30; step++) {
    const size = catalogue.reviews.size
    assert.ok(catalogue.advanceTo(startMs + step * STEP_MS))
    const added = catalogue.reviews.size - size
    assert.ok(added >= 20 && added <= 32, `${added} in step ${step}`)
    const changed = catalogue.recent(100).filter((ordinal) => catalogue.reviews.updatedS(ordinal) * 1000 >= startMs + (step - 1) * STEP_MS)
    assert.ok(changed.some((ordinal) => ordinal < size))
    assert.ok(changed.length >= added)
    for (const ordinal of changed) assert.ok(catalogue.reviews.updatedS(ordinal) * 1000 <= startMs + step * STEP_MS)
  }
  assert.ok(!catalogue.advanceTo(startMs + 30 * STEP_MS + 1))
})

test('books, authors, members and profiles are added and changed with time', () => {
  const catalogue = open()
  catalogue.advanceTo(startMs + 300 * STEP_MS)
  assert.ok(catalogue.library.books.length > 1210)
  assert.ok(catalogue.library.authors.length > 705)
  assert.ok(catalogue.usersCount > 2000)
  assert.ok(catalogue.library.authors.filter(({ index }) => catalogue.authorEdits(index) > 0).length > 50)
  const born = catalogue.library.books.at(-1)!
  assert.ok(Array.from({ length: catalogue.reviews.size }, (_, i) => catalogue.reviews.book(i)).includes(born.index))
})

test('the counts of books and authors follow every review and edit', () => {
  const catalogue = open()
  catalogue.advanceTo(startMs + 50 * STEP_MS)
  const expected = catalogue.library.books.map((book) => [...book.otherRatings])
  for (let i = 0; i < catalogue.reviews.size; i++) {
    const rating = catalogue.reviews.rating(i)
    if (rating > 0) expected[catalogue.reviews.book(i)]![rating - 1]! += 1
  }
  for (const book of catalogue.library.books) assert.deepEqual(catalogue.tallies.ofBook(book.index).ratings, expected[book.index])
  for (const author of catalogue.library.authors) {
    const sum = catalogue.library.booksOf[author.index]!.reduce((total, book) => total + ratingsOf(catalogue.tallies.ofBook(book)), 0)
    assert.equal(ratingsOf(catalogue.tallies.ofAuthor(author.index)), sum)
  }
})

test('after a busy day steps are small', () => {
  const catalogue = open()
  catalogue.advanceTo(startMs + BUSY_STEPS * STEP_MS)
  const size = catalogue.reviews.size
  catalogue.advanceTo(startMs + (BUSY_STEPS + 100) * STEP_MS)
  assert.ok(catalogue.reviews.size - size >= 200 && catalogue.reviews.size - size <= 400)
})

test('the share of faulty records is the documented one, and an edit mends a review', () => {
  const reviewFaults = shareOf(ordinals, (ordinal) => reviewAt(base, ordinal).fault !== null)
  assert.ok(Math.abs(reviewFaults - faultPlan.reviews.share) < 0.001, `${reviewFaults}`)
  const bookFaults = shareOf(base.library.books, ({ fault }) => fault !== null)
  assert.ok(bookFaults > 0.012 && bookFaults < 0.035, `${bookFaults}`)
  assert.ok(shareOf(base.library.authors, ({ fault }) => fault !== null) < 0.03)
  assert.ok(base.library.books.every(({ rank, fault }) => rank >= 100 || fault === null))
  const catalogue = open()
  const faulty = ordinals.find((ordinal) => reviewAt(catalogue, ordinal).fault !== null)!
  catalogue.reviews.edit(faulty, { rating: 4, updatedS: startMs / 1000 })
  assert.equal(reviewAt(catalogue, faulty).fault, null)
})

test('faults are served as such, and doubled reviews twice', () => {
  const answers = createAnswers(base)
  const bookWith = (kind: string) =>
    base.library.books.filter(({ fault }) => fault === kind).map(({ index }) => answers.book(base.ids.books.idOf(index))!)
  const isbnOf = (xml: string) => /<isbn><!\[CDATA\[(.*?)\]\]>/.exec(xml)![1]!
  const broken = [...bookWith('isbn-check-digit'), ...bookWith('isbn-lost-digit'), ...bookWith('isbn-garbled')]
  assert.ok(broken.length > 0)
  for (const xml of broken) assert.ok(!isIsbn10(isbnOf(xml)), isbnOf(xml))
  for (const xml of bookWith('negative-count')) assert.match(xml, /<ratings_count><!\[CDATA\[-7/)
  for (const xml of bookWith('missing-title')) assert.match(xml, /<title><!\[CDATA\[\]\]>/)
  for (const xml of bookWith('future-publication')) assert.match(xml, /<publication_year>2066</)
  const kinds = new Set(ordinals.map((ordinal) => reviewAt(base, ordinal).fault).filter((fault) => fault !== null))
  assert.deepEqual([...kinds].sort(), [...faultPlan.reviews.kinds].sort())
  const wanted = {
    'rating-out-of-range': '<rating>7<',
    'impossible-date': 'Feb 31',
    'future-date': ' 206',
    'ancient-date': ' 0019<',
    'missing-book': '<id type="integer" nil="true"/>',
  }
  for (const [kind, text] of Object.entries(wanted)) {
    const faulty = ordinals.find((ordinal) => reviewAt(base, ordinal).fault === kind)!
    assert.ok(answers.reviewList(base.ids.users.idOf(base.reviews.user(faulty)), 1, 200)!.includes(text), kind)
  }
  const doubled = ordinals.filter((ordinal) => isDuplicated(base.world.seed, ordinal))
  assert.ok(Math.abs(doubled.length / ordinals.length - faultPlan.duplicateShare) < 0.001)
  const list = answers.reviewList(base.ids.users.idOf(base.reviews.user(doubled[0]!)), 1, 200)!
  assert.equal(list.split(`<id>${base.ids.reviews.idOf(doubled[0]!)}</id>`).length, 3)
})

test('ids can be turned back, and unknown ones belong to nothing', () => {
  for (const space of Object.values(idSpaces(3))) {
    for (const index of [0, 1, 77, 123_456]) assert.equal(space.indexOf(space.idOf(index)), index)
    for (const id of [-1, 0, space.idOf(5) + 1, Number.NaN, 1.5]) assert.ok(space.indexOf(id) !== 5)
    assert.equal(space.indexOf(1), null)
  }
})
