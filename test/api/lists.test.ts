import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Api, startApi } from './helpers/api.ts'
import { author, book, genre, publishGold, rating, review } from './helpers/gold-lake.ts'

const sharedApi = (rows: Parameters<typeof publishGold>[1]) => {
  const shared = {} as Api
  const releases: (() => Promise<void>)[] = []
  before(async () => {
    Object.assign(shared, await startApi({ after: (release) => void releases.push(release) }))
    await publishGold(shared.store, rows)
    await shared.gold.refresh()
  })
  after(async () => {
    for (const release of releases) await release()
  })
  return shared
}

/** All rows of a list, a page at a time. */
const paged = async (api: Api, route: string, name: string, limit: number): Promise<Record<string, unknown>[]> => {
  const rows: Record<string, unknown>[] = []
  for (let cursor = ''; ; ) {
    const { status, body } = await api.get(`${route}${route.includes('?') ? '&' : '?'}limit=${limit}${cursor && `&cursor=${cursor}`}`)
    assert.equal(status, 200, JSON.stringify(body))
    rows.push(...body[name])
    if (body.next_cursor === null) return rows
    cursor = body.next_cursor
  }
}

describe('paging', () => {
  const api = sharedApi({
    dim_book: Array.from({ length: 23 }, (_, index) =>
      book(String(index), {
        title: ['Same', 'Élan', 'élan', null][index % 4],
        ratings_count: index % 3 === 0 ? null : index % 5,
        average_rating: index % 7 === 0 ? null : (index % 4) + 0.1,
      }),
    ),
    fact_rating: Array.from({ length: 31 }, (_, index) =>
      rating(String(index % 5), (index % 5) + 1, index % 6 === 0 ? null : `2026-01-${10 + (index % 4)}`),
    ),
  })

  for (const sort of ['ratings_count', 'average_rating', 'title', 'reader_ratings', 'reader_average', 'publication_year']) {
    it(`by ${sort} has every book once, in the order of one large page`, async () => {
      const whole = (await api.get(`/v1/books?sort=${sort}&limit=200`)).body.books
      assert.equal(whole.length, 23)
      for (const limit of [1, 4, 23]) assert.deepEqual(await paged(api, `/v1/books?sort=${sort}`, 'books', limit), whole, `${limit} a page`)
    })
  }

  for (const sort of ['rated_at', 'oldest', 'rating']) {
    it(`of ratings by ${sort}, some without a time, has each once`, async () => {
      const whole = (await api.get(`/v1/ratings?sort=${sort}&limit=200`)).body.ratings
      assert.equal(new Set(whole.map(({ rating_key }: { rating_key: string }) => rating_key)).size, 31)
      assert.deepEqual(await paged(api, `/v1/ratings?sort=${sort}`, 'ratings', 7), whole)
    })
  }

  it('by title goes on behind a title that is longer than any cursor', async (t) => {
    const { get, store, gold } = await startApi(t)
    const title = '三体'.repeat(2000)
    await publishGold(store, { dim_book: Array.from({ length: 5 }, (_, index) => book(String(index), { title: `${title}${index}` })) })
    await gold.refresh()
    const rows = await paged({ get } as Api, '/v1/books?sort=title&fields=book_id', 'books', 2)
    assert.deepEqual(
      rows.map(({ book_id }) => book_id),
      ['0', '1', '2', '3', '4'],
    )
  })

  it('is refused for a cursor whose keys were changed', async () => {
    const { body } = await api.get('/v1/books?limit=2')
    const cursor = JSON.parse(Buffer.from(body.next_cursor, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...cursor, k: [1] })).toString('base64url')
    assert.equal((await api.get(`/v1/books?limit=2&cursor=${forged}`)).status, 400)
    const typed = Buffer.from(JSON.stringify({ ...cursor, k: ['x', 1] })).toString('base64url')
    assert.equal((await api.get(`/v1/books?limit=2&cursor=${typed}`)).status, 400)
  })

  it('gives only the fields that are asked for', async () => {
    const { body } = await api.get('/v1/books?fields=title,book_id&limit=1')
    assert.deepEqual(Object.keys(body.books[0]), ['title', 'book_id'])
    const wrong = await api.get('/v1/books?fields=title,price')
    assert.equal(wrong.status, 400)
    assert.match(wrong.body.detail, /^fields must be of book_id, title/)
  })
})

describe('full-text search', () => {
  const api = sharedApi({
    dim_book: [
      book('1', { title: 'The Left Hand of Darkness', author_names: ['Ursula K. Le Guin'], isbn13: '9780441478125', ratings_count: 5 }),
      book('2', { title: 'Darkness', author_names: ['Öyvind Straße'], ratings_count: 1 }),
      book('3', { title: "O'Brien's Heart-of-Darkness", author_names: ['J. Conrad'], ratings_count: 9 }),
      book('4', { title: '三体', author_names: ['刘慈欣'], ratings_count: 3 }),
      book('5', { title: null, author_names: null, ratings_count: 3 }),
    ],
  })
  for (const [q, ids] of [
    ['darkness', ['3', '1', '2']],
    ['dark hand', ['1']],
    ['HAND dark guin', ['1']],
    ['oyvind', ['2']],
    ["o'brien", ['3']],
    ['heart of', ['3']],
    ['9780441478125', ['1']],
    ['体', ['4']],
    ['慈欣', ['4']],
    ['arkness', []],
    ['%_', []],
    ['& darkness', ['3', '1', '2']],
  ] as const) {
    it(`for ${q} finds ${ids.join(', ') || 'nothing'}`, async () => {
      const { body } = await api.get(`/v1/books?q=${encodeURIComponent(q)}`)
      assert.deepEqual(
        body.books.map(({ book_id }: { book_id: string }) => book_id),
        ids,
      )
    })
  }

  it('leaves out no word: too many are refused', async () => {
    const words = (count: number) => Array.from({ length: count }, () => 'darkness').join('+')
    assert.equal((await api.get(`/v1/books?q=${words(12)}`)).body.total, 3)
    assert.equal((await api.get(`/v1/books?q=${words(12)}+%26`)).body.total, 3)
    const { status, body } = await api.get(`/v1/books?q=${words(13)}`)
    assert.equal(status, 400)
    assert.match(body.detail, /^q must not have more than 12 words/)
  })

  it('by relevance has the title that is the question first', async () => {
    const { body } = await api.get('/v1/books?q=darkness&sort=relevance')
    assert.equal(body.books[0].book_id, '2')
    assert.equal((await api.get('/v1/books?sort=relevance')).status, 400)
  })
})

describe('lists of facts', () => {
  const api = sharedApi({
    dim_book: [book('1', { title: 'One' }), book('2', { title: 'Two', language_code: 'fra', primary_genre: 'history' })],
    dim_author: [author('a1', 'Ada Ahl')],
    dim_genre: [genre('fantasy', 'Fantasy'), genre('history', 'History')],
    fact_rating: [
      rating('1', 5, '2026-01-10'),
      { ...rating('1', 4, '2026-01-31'), user_id: 'u2' },
      rating('2', 1, '2026-02-01', 'history'),
      rating('1', 3, null),
    ],
    fact_review: [review('1', '2026-01-11', true), { ...review('2', '2026-03-01', false), shelves: ['to-read', 'of-my-own'] }],
    agg_author_performance: [
      { author_id: 'a1', name: 'Ada Ahl', books: 2, primary_books: 1, ratings: 4, average_rating: 3.25, bayesian_rating: 3.3, reviews: 2 },
      { author_id: 'b2', name: 'Bo Åberg', books: 1, primary_books: 0, ratings: 9, average_rating: 4, bayesian_rating: 3.9, reviews: 0 },
    ],
  })
  const starsOf = (body: { ratings: { rating: number }[] }) => body.ratings.map(({ rating: stars }) => stars)

  for (const [query, stars] of [
    ['', [1, 4, 5, 3]],
    ['?genre=history', [1]],
    ['?language_code=fra', [1]],
    ['?from=2026-01-31', [1, 4]],
    ['?to=2026-01-31', [5]],
    ['?from=2026-01&to=2026-02', [4, 5]],
    ['?user_id=u2', [4]],
    ['?book_id=2', [1]],
    ['?min_rating=4', [4, 5]],
    ['?sort=oldest', [5, 4, 1, 3]],
    ["?genre=x'y", []],
  ] as const) {
    it(`ratings${query} have the stars ${stars.join(', ')}`, async () => {
      const { body } = await api.get(`/v1/ratings${query}`)
      assert.deepEqual(starsOf(body), stars)
      assert.equal(body.total, stars.length)
    })
  }

  it('name the book of each rating', async () => {
    const { body } = await api.get('/v1/ratings?book_id=2')
    assert.deepEqual([body.ratings[0].title, body.ratings[0].language_code], ['Two', 'fra'])
  })

  it('refuse a range that is empty', async () => {
    const { status, body } = await api.get('/v1/ratings?from=2026-02&to=2026-02')
    assert.equal(status, 400)
    assert.match(body.detail, /from must be before to/)
  })

  it('have reviews by their day', async () => {
    const { body } = await api.get('/v1/reviews?from=2026-03')
    const [review] = body.reviews
    assert.deepEqual([body.total, review.title, review.has_text, review.shelves], [1, 'Two', false, ['to-read', 'of-my-own']])
  })

  it('have authors by how their books are rated, and by name', async () => {
    const { body } = await api.get('/v1/authors')
    assert.deepEqual(
      body.authors.map(({ author_id }: { author_id: string }) => author_id),
      ['b2', 'a1'],
    )
    assert.equal((await api.get('/v1/authors?q=aberg')).body.authors[0].name, 'Bo Åberg')
  })

  it('have genres and languages with their books and ratings', async () => {
    assert.deepEqual((await api.get('/v1/genres')).body.genres, [
      { genre: 'fantasy', name: 'Fantasy', is_other: false, books: 1, ratings: 3 },
      { genre: 'history', name: 'History', is_other: false, books: 1, ratings: 1 },
    ])
    assert.deepEqual((await api.get('/v1/languages')).body.languages, [
      { language_code: 'en', books: 1, ratings: 3 },
      { language_code: 'fra', books: 1, ratings: 1 },
    ])
  })
})
