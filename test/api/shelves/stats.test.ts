import assert from 'node:assert/strict'
import { test } from 'node:test'
import { periods } from '../../../api/shelves/dates.ts'
import type { LibraryBook } from '../../../api/shelves/library.ts'
import { shelfStats } from '../../../api/shelves/stats.ts'
import { startApi } from '../helpers/api.ts'
import { book, genre, publishGold, review } from '../helpers/gold-lake.ts'

const day = (text: string) => Date.parse(text)
const of = (book_id: string, rest: Partial<LibraryBook> = {}): LibraryBook => ({
  ...{ book_id, title: `Book ${book_id}`, author_id: 'a1', author: 'Ann', genre: 'fantasy', genre_name: 'Fantasy' },
  ...{
    num_pages: 100,
    average_rating: 4,
    ratings_count: null,
    rating: null,
    hasText: false,
    shelves: ['read'],
    readMs: null,
    addedMs: null,
  },
  ...rest,
})
const library = [
  of('1', { readMs: day('2021-03-04'), addedMs: day('2020-01-01'), rating: 5, num_pages: 300, hasText: true }),
  of('2', {
    addedMs: day('2021-05-06'),
    rating: 2,
    num_pages: 80,
    average_rating: 4.5,
    author_id: 'a2',
    author: 'Bo',
    genre: 'horror',
    genre_name: 'Horror',
  }),
  of('3', { readMs: day('2021-05-31T23:59:59Z'), num_pages: null, average_rating: null, rating: 4 }),
  of('4', { shelves: ['to-read', 'fantasy'], addedMs: day('2022-01-01') }),
  of('5', { shelves: ['currently-reading'], addedMs: day('2022-02-01') }),
  of('6', { shelves: ['dnf'], readMs: day('2022-03-01') }),
  of('7', { shelves: [], rating: 1, average_rating: 2.5, genre: null, genre_name: null, author_id: null, author: null }),
  of('8', { shelves: ['to-read'], addedMs: day('2021-01-01') }),
]

test('books count in the month of reading, else of adding, and the answer says of how many', () => {
  const { books, dates, by_month, by_year, pages, books_without_pages } = shelfStats(library)
  assert.deepEqual(books, { total: 8, read: 4, to_read: 2, currently_reading: 1, reviewed: 1 })
  assert.deepEqual(dates, { read: 2, added_instead: 1, none: 1 })
  assert.deepEqual(by_month, [
    { month: '2021-03', books: 1, pages: 300, books_without_pages: 0, my_average: 5 },
    { month: '2021-04', books: 0, pages: 0, books_without_pages: 0, my_average: null },
    { month: '2021-05', books: 2, pages: 80, books_without_pages: 1, my_average: 3 },
  ])
  assert.deepEqual(by_year, [{ year: 2021, books: 3, pages: 380, books_without_pages: 1, my_average: 3.667 }])
  assert.deepEqual([pages, books_without_pages], [480, 1])
})

test('mine is compared with the average over the books that have both', () => {
  const { ratings } = shelfStats(library)
  assert.deepEqual([ratings.rated, ratings.my_average, ratings.compared], [4, 3, 3])
  assert.deepEqual([ratings.compared_my_average, ratings.compared_average, ratings.difference], [2.667, 3.667, -1])
  assert.deepEqual(
    ratings.books.map(({ book_id, difference }) => [book_id, difference]),
    [
      ['1', 1],
      ['7', -1.5],
      ['2', -2.5],
    ],
  )
  assert.deepEqual(
    ratings.distribution.map(({ mine, average }) => [mine, average]),
    [
      [1, 0],
      [1, 0],
      [0, 1],
      [1, 1],
      [1, 1],
    ],
  )
})

test('genres, authors and what waits to be read', () => {
  const { genres, authors, to_read } = shelfStats(library)
  assert.deepEqual(
    genres.map(({ genre: slug, books }) => [slug, books]),
    [
      ['fantasy', 2],
      ['horror', 1],
      ['other', 1],
    ],
  )
  assert.deepEqual(
    authors.map(({ author_id, name, books, pages }) => [author_id, name, books, pages]),
    [
      ['a1', 'Ann', 2, 300],
      ['a2', 'Bo', 1, 80],
    ],
  )
  assert.deepEqual(
    to_read.map(({ book_id, date, date_is }) => [book_id, date, date_is]),
    [
      ['8', '2021-01-01', 'added'],
      ['4', '2022-01-01', 'added'],
    ],
  )
})

test('a year in books: longest, shortest, best rated, first and last; what nobody knows is null', () => {
  const year = shelfStats(library).year_in_books
  assert.equal(year?.year, 2021)
  assert.deepEqual([year?.longest?.book_id, year?.shortest?.book_id, year?.best_rated?.book_id], ['1', '2', '1'])
  assert.deepEqual([year?.first?.date, year?.last?.date, year?.average_pages], ['2021-03-04', '2021-05-31', 190])
  assert.deepEqual([year?.most_popular, year?.dates], [null, { read: 2, added_instead: 1, none: 0 }])
  assert.equal(
    shelfStats([of('1', { addedMs: 0, ratings_count: 5 }), of('2', { addedMs: 1, ratings_count: 9 })]).year_in_books?.most_popular?.book_id,
    '2',
  )
  const empty = shelfStats(library, 1999).year_in_books
  assert.deepEqual([empty?.books, empty?.first], [0, null])
})

test('a shelf without a day, or without a book that was read, has no month and no year', () => {
  const none = shelfStats([of('1'), of('2', { shelves: ['to-read'] })])
  assert.deepEqual([none.by_month, none.by_year, none.year_in_books, none.dates.none], [[], [], null, 1])
  assert.equal(shelfStats([]).books.total, 0)
  assert.deepEqual(periods(['2019-11-30', '2020-02-01'], 7), ['2019-11', '2019-12', '2020-01', '2020-02'])
  assert.deepEqual(periods(['0099-12-01', '0101-01-01'], 4), ['0099', '0100', '0101'])
})

test('the route answers from one Gold version, with what is current of each book, and of that reader alone', async (t) => {
  const { get, ask, store, gold } = await startApi(t)
  const mine = (id: string, rest: Record<string, unknown>) => ({ ...review(id, '2026-01-11', true), user_id: 'export-ann', ...rest })
  await publishGold(store, {
    dim_book: [
      book('1', { num_pages: 320, ratings_count: 7 }),
      book('2'),
      { ...book('1'), book_sk: 'old', is_current: false, num_pages: 1 },
    ],
    dim_genre: [genre('fantasy', 'Fantasy')],
    fact_review: [
      mine('1', { shelves: ['read'], rating: 5, read_at: day('2025-06-01') }),
      mine('2', { shelves: ['to-read'], primary_genre: 'horror' }),
      mine('404', { shelves: ['read'], rating: 3 }),
      { ...mine('404', { shelves: ['to-read'], rating: 1 }), review_id: 'older', date_updated: day('2025-01-01'), date_added: null },
      { ...review('2', '2026-01-11', true), user_id: 'export-annabel', shelves: ['read'] },
    ],
  })
  await gold.refresh()
  const { status, body, headers } = await get('/v1/shelves/export-ann/stats')
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(headers.get('readflow-version'), String(body.version))
  assert.deepEqual([body.shelf, body.user_id, body.books.total, body.books.read], ['export-ann', 'export-ann', 3, 2])
  assert.deepEqual(body.year_in_books.longest, null)
  assert.deepEqual(body.dates, { read: 1, added_instead: 1, none: 0 })
  assert.deepEqual([body.by_month[0].month, body.by_month[0].pages], ['2025-06', 320])
  assert.equal((await get('/v1/shelves/export-ann/stats?year=2025')).body.year_in_books.longest.num_pages, 320)
  assert.equal(body.genres[0].name, 'Fantasy')

  const { body: list } = await get('/v1/shelves/export-ann/books')
  assert.deepEqual(
    list.books.map((each: Record<string, unknown>) => [
      each['book_id'],
      each['my_rating'],
      each['is_read'],
      each['read_on'],
      each['shelves'],
    ]),
    [
      ['1', 5, true, '2025-06-01', ['read']],
      ['2', null, false, null, ['to-read']],
      ['404', 3, true, null, ['read']],
    ],
  )
  const { body: text } = await get('/v1/shelves/export-ann/books?format=csv')
  assert.equal(text.split('\r\n').length, 5, text)
  assert.equal(list.sql, body.sql)
  const asked = (await ask(body.sql, { query: `?version=${body.version}` })).body
  assert.equal(asked.row_count, 3, JSON.stringify(asked))
  for (const [route, name, figures] of [
    ['by-month', 'by_month', body.by_month],
    ['by-year', 'by_year', body.by_year],
    ['stars', 'stars', body.ratings.distribution],
    ['genres', 'genres', body.genres],
  ]) {
    const { body: chart } = await get(`/v1/shelves/export-ann/${route}`)
    assert.deepEqual(chart.rows, figures, route)
    assert.equal(chart.sql, body.chart_sql[name])
    const { body: answer } = await ask(chart.sql, { query: `?version=${body.version}` })
    // Months and years without a book are no rows of SQL.
    const withBooks = figures.filter((each: { books?: number }) => each.books !== 0)
    assert.deepEqual(answer.rows, withBooks, `${route}: ${JSON.stringify(answer)}`)
  }

  assert.equal((await get('/v1/shelves/export-ann/stats', { headers: { 'if-none-match': headers.get('etag')! } })).status, 304)
  const missing = await get('/v1/shelves/export-bo/stats')
  assert.equal(missing.status, 404)
  assert.match(missing.body.detail, /nothing of the shelf 'export-bo' in Gold version/)
  assert.equal((await get('/v1/shelves/nobody/stats')).status, 404)
  assert.equal((await get('/v1/shelves/export-ann/stats?year=x')).status, 400)
})
