import fc from 'fast-check'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { author, book, by, deletion, type Row, rating, review, type Silver, shelves } from './silver.ts'

const day = fc.constantFrom('2025-11-30', '2025-12-01', '2026-01-01', '2026-01-31', '2026-02-15', '2026-02-16', '2026-04-01')
const bookId = fc.constantFrom('b1', 'b2', 'b3', 'b4')
const authorIds = fc.uniqueArray(fc.constantFrom('a1', 'a2', 'a3'), { maxLength: 2 })
const userId = fc.constantFrom('u1', 'u2', 'u3')
const stars = fc.integer({ min: 1, max: 5 })
const genres = fc.dictionary(fc.constantFrom('fantasy', 'horror', 'owned', 'my-tag'), fc.integer({ min: 0, max: 3 }), { maxKeys: 3 })
const hash = fc.constantFrom('h1', 'h2', 'h3')

/** One accepted change of some key: new, changed, late, backdated, a tie, a deletion, or the same again at another offset. */
export const change: fc.Arbitrary<[EntityName, Row]> = fc.oneof(
  fc
    .tuple(bookId, day, hash, authorIds, genres, fc.constantFrom('eng', 'ger', null))
    .map(([id, at, content, ids, counts, language]): [EntityName, Row] => [
      'books',
      book(id, at, content, { title: `${id} ${content}`, authors: by(...ids), shelves: shelves(counts), language_code: language }),
    ]),
  fc
    .tuple(fc.constantFrom('a1', 'a2', 'a3'), day, hash)
    .map(([id, at, content]): [EntityName, Row] => ['authors', author(id, at, content, { name: `${id} ${content}` })]),
  fc
    .tuple(userId, bookId, stars, fc.option(day, { freq: 4 }))
    .map(([user, id, given, at]): [EntityName, Row] => ['ratings', rating(user, id, given, at)]),
  fc
    .tuple(
      fc.constantFrom('r1', 'r2', 'r3'),
      fc.option(bookId, { freq: 6 }),
      fc.option(day, { freq: 4 }),
      fc.constantFrom('', 'Good', 'Very good'),
      fc.constantFrom([], ['read'], ['to-read', 'Été']),
    )
    .map(([id, of, at, body, on]): [EntityName, Row] => [
      'reviews',
      review(id, of, at, { body, votes: body.length, rating: 3, shelves: on }),
    ]),
  fc.tuple(bookId, day).map(([id, at]): [EntityName, Row] => ['books', deletion(id, at)]),
  fc.tuple(fc.constantFrom('a1', 'a2'), day).map(([id, at]): [EntityName, Row] => ['authors', deletion(id, at)]),
  fc.tuple(userId, bookId, day).map(([user, id, at]): [EntityName, Row] => ['ratings', deletion(`${user}:${id}`, at)]),
  fc.tuple(fc.constantFrom('r1', 'r2'), day).map(([id, at]): [EntityName, Row] => ['reviews', deletion(id, at)]),
)

/** Changes as the rows of each entity. */
export const grouped = (changes: readonly [EntityName, Row][]): Silver =>
  Object.fromEntries(
    entityNames
      .map((entity) => [entity, changes.filter(([of]) => of === entity).map(([, row]) => row)] as const)
      .filter(([, rows]) => rows.length > 0),
  )
