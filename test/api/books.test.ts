import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Api, startApi } from './helpers/api.ts'
import { author, book, publishGold, rating, review } from './helpers/gold-lake.ts'

const catalogue = {
  dim_book: [
    book('1', {
      title: 'Éclair of the North',
      ratings_count: 500,
      average_rating: 4.5,
      primary_author_id: 'a1',
      author_names: ['Ada Ahl', 'Bo Berg'],
    }),
    book('2', {
      title: 'Salt',
      ratings_count: 50,
      average_rating: 3,
      primary_genre: 'history',
      primary_author_id: 'name:cy-dahl',
      author_names: ['Cy Dahl'],
    }),
    book('3', { title: 'alpine', ratings_count: null, average_rating: null, language_code: 'fr', ratings_1: 1, ratings_5: 9 }),
    book('4', { title: 'Withdrawn', is_deleted: true }),
    book('5', { title: 'Old Title', is_current: false, book_sk: 'old-2', book_id: '2' }),
    book('9', { title: null, is_placeholder: true, primary_author_id: null, author_names: null, primary_genre: 'other' }),
  ],
  dim_author: [
    author('a1', 'Ada Ahl'),
    author('name:cy-dahl', 'Cy Dahl', { is_placeholder: true }),
    author('a9', 'Gone', { is_deleted: true }),
  ],
  fact_rating: [
    rating('1', 5, '2026-01-10'),
    rating('1', 4, null),
    rating('2', 1, '2026-02-01', 'history'),
    rating('9', 3, '2026-02-02', 'other'),
  ],
  fact_review: [review('1', '2026-01-11', true), review('1', '2026-03-01', false)],
}

const withCatalogue = async (t: Parameters<typeof startApi>[0]): Promise<Api> => {
  const api = await startApi(t)
  await publishGold(api.store, catalogue)
  await api.gold.refresh()
  return api
}

const ids = (body: { books: { book_id: string }[] }) => body.books.map(({ book_id }) => book_id)

/** One API for a suite that only reads. */
const sharedApi = () => {
  const shared = {} as Api
  const releases: (() => Promise<void>)[] = []
  before(async () => void Object.assign(shared, await withCatalogue({ after: (release) => void releases.push(release) })))
  after(async () => {
    for (const release of releases) await release()
  })
  return shared
}

describe('the list of books', () => {
  const api = sharedApi()

  it('holds current books only: no old version, no deleted one, no placeholder', async () => {
    const { body } = await api.get('/v1/books')
    assert.deepEqual(ids(body), ['1', '2', '3'])
    assert.equal(body.total, 3)
    assert.equal(body.next_cursor, null)
  })

  it('names the version that it is of, in body and headers', async () => {
    const { body, headers } = await api.get('/v1/books?limit=1')
    assert.equal(headers.get('readflow-version'), String(body.version))
    assert.equal(headers.get('readflow-complete-through'), '2026-01-02T03:04:05.000Z')
    assert.equal(body.complete_through, '2026-01-02T03:04:05.000Z')
    assert.ok(Date.parse(body.as_of) > 0)
  })

  for (const [query, expected] of [
    ['genre=history', ['2']],
    ['language_code=fr', ['3']],
    ['min_ratings=50', ['1', '2']],
    ['min_ratings=51', ['1']],
    ['q=eclair', ['1']],
    ['q=BERG', ['1']],
    ['q=%25', []],
    ["q=' OR 1=1 --", []],
    ['genre=history&language_code=fr', []],
    ['sort=title', ['3', '1', '2']],
    ['sort=average_rating', ['1', '2', '3']],
    ['sort=reader_ratings', ['1', '2', '3']],
    ['sort=reader_average', ['1', '2', '3']],
  ] as const) {
    it(`with ${query} is ${expected.join(', ') || 'empty'}`, async () => {
      const { status, body } = await api.get(`/v1/books?${query}`)
      assert.equal(status, 200)
      assert.deepEqual(ids(body).toSorted(), [...expected].toSorted())
      if (query.startsWith('sort')) assert.deepEqual(ids(body), expected)
    })
  }

  it('counts and averages the ratings in Gold, with and without a time', async () => {
    const { body } = await api.get('/v1/books?q=eclair')
    assert.equal(body.books[0].reader_ratings, 2)
    assert.equal(body.books[0].reader_average, 4.5)
  })

  for (const [query, parameter] of [
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1e2', 'limit'],
    ['sort=price', 'sort'],
    ['min_ratings=-1', 'min_ratings'],
    ['q=', 'q'],
    ['genre=a&genre=b', 'genre'],
    ['page=2', 'page'],
    ['cursor=zzz', 'cursor'],
  ] as const) {
    it(`refuses ${query} with a 400 that names ${parameter}`, async () => {
      const { status, body, headers } = await api.get(`/v1/books?${query}`)
      assert.equal(status, 400)
      assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/)
      assert.deepEqual(
        body.errors.map((fault: { parameter: string }) => fault.parameter),
        [parameter],
      )
      assert.match(body.detail, new RegExp(`^${parameter} .+\\.$`))
    })
  }

  it('names every fault of a request at once', async () => {
    const { body } = await api.get('/v1/books?limit=0&sort=price&page=1')
    assert.deepEqual(body.errors.map((fault: { parameter: string }) => fault.parameter).toSorted(), ['limit', 'page', 'sort'])
  })
})

describe('a book', () => {
  const api = sharedApi()

  it('comes with its authors, histograms and reviews', async () => {
    const { body } = await api.get('/v1/books/1')
    assert.deepEqual(body.book.authors, [
      { author_id: 'a1', name: 'Ada Ahl', role: null, is_primary: true },
      { author_id: 'co-1', name: 'Bo Berg', role: null, is_primary: false },
    ])
    assert.deepEqual(body.book.reader_histogram, { 1: 0, 2: 0, 3: 0, 4: 1, 5: 1 })
    assert.deepEqual(body.reviews, { count: 2, with_text: 1, latest_at: '2026-03-01T00:00:00.000Z' })
    assert.equal(body.book.valid_from, '2024-01-01T00:00:00.000Z')
    assert.equal(body.book.book_sk, undefined)
  })

  it('has its ratings by stars as rows, with the SQL that gives them', async () => {
    const { body } = await api.get('/v1/books/3/ratings')
    assert.deepEqual(body.stars[4], { stars: 5, ratings: 0, source_ratings: 9 })
    assert.deepEqual((await api.ask(body.sql)).body.rows, body.stars)
    assert.match((await api.get('/v1/books/1/ratings?format=csv')).body, /^stars,ratings,source_ratings\r\n1,0,\r\n/)
    assert.equal((await api.get('/v1/books/4/ratings')).status, 404)
  })

  it('tells what the source counts apart from the ratings in Gold', async () => {
    const { body } = await api.get('/v1/books/3')
    assert.deepEqual(body.book.source_histogram, { 1: 1, 2: null, 3: null, 4: null, 5: 9 })
    assert.deepEqual(body.book.reader_histogram, { 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 })
    assert.equal(body.book.reader_average, null)
  })

  it('that is known by its ratings only is marked as a placeholder', async () => {
    const { body } = await api.get('/v1/books/9')
    assert.equal(body.book.is_placeholder, true)
    assert.equal(body.book.reader_ratings, 1)
    assert.deepEqual(body.book.authors, [])
  })

  for (const id of ['4', '404', "1' OR '1'='1"]) {
    it(`'${id}', which is not there, is a 404 that says how to find books`, async () => {
      const { status, body } = await api.get(`/v1/books/${encodeURIComponent(id)}`)
      assert.equal(status, 404)
      assert.match(body.detail, /no book .* in Gold version 0.*\?q=/)
    })
  }

  it('takes no parameters', async () => assert.equal((await api.get('/v1/books/1?fields=title')).status, 400))
})

describe('an author', () => {
  const api = sharedApi()

  it('comes with the current books that name them, most rated first', async () => {
    const { body } = await api.get('/v1/authors/a1')
    assert.equal(body.author.name, 'Ada Ahl')
    assert.deepEqual(ids(body), ['1', '3'])
    assert.equal(body.books_total, 2)
    assert.equal(body.books[0].total, undefined)
  })

  it('without an id at the source is found by name key', async () => {
    const { body } = await api.get('/v1/authors/name:cy-dahl')
    assert.equal(body.author.is_placeholder, true)
    assert.deepEqual(ids(body), ['2'])
  })

  it('that is not there, or was deleted, is a 404', async () => {
    assert.equal((await api.get('/v1/authors/zz')).status, 404)
    assert.equal((await api.get('/v1/authors/a9')).status, 404)
  })
})
