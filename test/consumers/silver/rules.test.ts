import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createJudge } from '../../../consumers/silver/check.ts'
import { plainText } from '../../../consumers/silver/html.ts'
import { languageCode } from '../../../consumers/silver/language.ts'
import { emptyAuthor, emptyBook } from '../../../producers/sources/empty.ts'
import { contracts } from '../../../schemas/contracts/contracts.ts'
import type { Rating, Review } from '../../../schemas/records.ts'

const arrivalMs = Date.UTC(2026, 10, 22, 12)
const book = (fields: object) => ({ ...emptyBook('1'), title: 'A title', ...fields })
const judge = (entity: keyof typeof contracts, record: object) =>
  createJudge(contracts[entity]).check(record as Record<string, unknown>, arrivalMs)
const rejects = (entity: keyof typeof contracts, record: object) => judge(entity, record).rejected?.rule.id ?? null

test('a plain book is valid', () => assert.equal(rejects('books', book({})), null))

for (const [fields, id] of [
  [{ title: null }, 'title-missing'],
  [{ title: '  ' }, 'title-missing'],
  [{ ratings_count: -1 }, 'ratings_count-negative'],
  [{ average_rating: 5.01 }, 'average_rating-out-of-range'],
  [{ publication_year: 2027 }, 'publication-implausible'],
  [{ publication_year: 2026, publication_month: 12 }, 'publication-implausible'],
  [{ publication_year: 2026, publication_month: 11, publication_day: 24 }, 'publication-implausible'],
  [{ publication_year: 2001, publication_month: 2, publication_day: 29 }, 'publication-implausible'],
  [{ publication_year: 2001, publication_month: 13 }, 'publication-implausible'],
  [{ original_publication_year: 3000 }, 'original_publication-implausible'],
] as const) {
  test(`a book with ${JSON.stringify(fields)} is rejected as ${id}`, () => assert.equal(rejects('books', book(fields)), id))
}

test('what was found is told as a person reads it: times as such, dates whole', () => {
  const found = (entity: keyof typeof contracts, record: object) => judge(entity, record).rejected?.found
  assert.equal(found('books', book({ average_rating: 9 })), 'average_rating is 9')
  assert.equal(found('books', book({ publication_year: 2014, publication_month: 13 })), 'publication_year/month/day is 2014/13/–')
  assert.equal(
    found('books', book({ original_publication_year: 2001, original_publication_month: 2, original_publication_day: 29 })),
    'original_publication_year/month/day is 2001/2/29',
  )
  const rated = (at: number) => ({ rating_id: 'a', user_id: 'u', book_id: 'b', rating: 3, rated_at: at })
  assert.equal(found('ratings', rated(2984644518000)), 'rated_at is 2064-07-30T11:55:18.000Z')
  assert.equal(found('ratings', rated(1e18)), 'rated_at is 1000000000000000000')
})

for (const fields of [
  { original_publication_year: -750 },
  { publication_year: 2000, publication_month: 2, publication_day: 29 },
  { publication_year: 2026, publication_month: 11, publication_day: 22 },
  { publication_year: 2026 },
  { ratings_count: 0, average_rating: 0 },
  { isbn: 'broken' },
]) {
  test(`a book with ${JSON.stringify(fields)} is valid`, () => assert.equal(rejects('books', book(fields)), null))
}

const rating = (fields: Partial<Rating>) => ({
  user_id: 'u',
  book_id: 'b',
  rating: 3,
  rated_at: null,
  review_id: null,
  extra: {},
  ...fields,
})
test('ratings go from 1 to 5', () =>
  assert.deepEqual(
    [0, 1, 5, 6, -1].map((value) => rejects('ratings', rating({ rating: value }))),
    ['rating-out-of-range', null, null, 'rating-out-of-range', 'rating-out-of-range'],
  ))
test('a rating without a time is valid, one of the future is not', () => {
  assert.equal(rejects('ratings', rating({ rated_at: null })), null)
  assert.equal(rejects('ratings', rating({ rated_at: arrivalMs + 3 * 86_400_000 })), 'rated_at-implausible')
})

test('a review without rating and text is valid; a reading date that can not be is nulled', () => {
  const review = { review_id: '1', book_id: 'b', rating: null, body: null, read_at: Date.UTC(1066, 9, 14) } as unknown as Review
  const verdict = judge('reviews', review)
  assert.equal(verdict.rejected, null)
  assert.deepEqual(
    verdict.warned.map(({ id }) => id),
    ['read_at-implausible'],
  )
})

test('an author of antiquity is valid', () =>
  assert.equal(rejects('authors', { ...emptyAuthor('1'), name: 'Homer', born_at: Date.UTC(-750, 0, 1) / 86_400_000 }), null))

test('language codes come in one standard', () => {
  assert.deepEqual(['en', 'en-US', 'eng', 'EN-gb', 'fre', 'fra', 'ger', 'spa', 'mul', '--', ''].map(languageCode), [
    'eng',
    'eng',
    'eng',
    'eng',
    'fra',
    'fra',
    'deu',
    'spa',
    'mul',
    null,
    null,
  ])
})

test('HTML becomes its text', () => {
  assert.equal(plainText('One &amp; <b>two</b><br/>three<script>alert(1)</script>'), 'One & two\nthree')
  assert.equal(plainText('a > b'), 'a > b')
})
