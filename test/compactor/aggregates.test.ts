import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveGold } from '../../compactor/derive.ts'
import { author, book, by, openSilver, rating, review, type Silver, shelves } from './silver.ts'

const silver: Silver = {
  books: [
    book('b1', '2026-01-01', 'h', {
      title: 'One',
      authors: by('a1', 'a2'),
      shelves: shelves({ fantasy: 30, horror: 10, owned: 99 }),
      language_code: 'eng',
    }),
    book('b2', '2026-01-01', 'h', { title: 'Two', authors: by('a2') }),
  ],
  authors: [author('a1', '2026-01-01', 'x', { name: 'Ann' })],
  ratings: [
    rating('u1', 'b1', 5, '2026-01-31T23:59:59Z'),
    rating('u2', 'b1', 4, '2026-01-31'),
    rating('u3', 'b1', 1, '2026-02-01'),
    rating('u1', 'b2', 3, '2026-01-31'),
    rating('u2', 'b2', 2, null),
  ],
  reviews: [
    review('r1', 'b1', '2026-01-01', { body: '12345', votes: 2 }),
    review('r2', 'b1', '2026-01-07', { body: '123', votes: 1, has_spoiler: true }),
    review('r3', 'b2', '2026-01-08', {}),
    review('r4', 'b2', null, { body: 'lost in time' }),
  ],
}

const withGold = async (use: (rows: (sql: string) => Promise<Record<string, unknown>[]>) => Promise<void>) => {
  const { duckdb, inputs } = await openSilver(silver)
  try {
    await deriveGold({ duckdb, inputs })
    await use((sql) => duckdb.rows(sql))
  } finally {
    await duckdb.close()
  }
}

test('ratings by day, genre and language; those without a time under a day of their own', () =>
  withGold(async (rows) => {
    assert.deepEqual(
      await rows(
        'SELECT month, date, genre, language_code, ratings, rating_sum, ratings_5, average_rating FROM agg_ratings_daily ORDER BY ALL NULLS LAST',
      ),
      [
        {
          month: '2026-01',
          date: '2026-01-31',
          genre: 'fantasy',
          language_code: 'eng',
          ratings: 2,
          rating_sum: 9,
          ratings_5: 1,
          average_rating: 4.5,
        },
        {
          month: '2026-01',
          date: '2026-01-31',
          genre: 'other',
          language_code: null,
          ratings: 1,
          rating_sum: 3,
          ratings_5: 0,
          average_rating: 3,
        },
        {
          month: '2026-02',
          date: '2026-02-01',
          genre: 'fantasy',
          language_code: 'eng',
          ratings: 1,
          rating_sum: 1,
          ratings_5: 0,
          average_rating: 1,
        },
        { month: 'unknown', date: null, genre: 'other', language_code: null, ratings: 1, rating_sum: 2, ratings_5: 0, average_rating: 2 },
      ],
    )
  }))

test('review trends: every day from the first to the last, with the 7 and the 28 days that end with it', () =>
  withGold(async (rows) => {
    const trend = await rows(
      "SELECT date, reviews, votes, average_length, reviews_7d, votes_7d, average_length_7d, reviews_28d FROM agg_review_trends WHERE genre = 'all' ORDER BY date",
    )
    assert.equal(trend.length, 8)
    assert.deepEqual(trend[0], {
      date: '2026-01-01',
      reviews: 1,
      votes: 2,
      average_length: 5,
      reviews_7d: 1,
      votes_7d: 2,
      average_length_7d: 5,
      reviews_28d: 1,
    })
    assert.deepEqual(trend[1], {
      date: '2026-01-02',
      reviews: 0,
      votes: 0,
      average_length: null,
      reviews_7d: 1,
      votes_7d: 2,
      average_length_7d: 5,
      reviews_28d: 1,
    })
    assert.deepEqual(trend[6], {
      date: '2026-01-07',
      reviews: 1,
      votes: 1,
      average_length: 3,
      reviews_7d: 2,
      votes_7d: 3,
      average_length_7d: 4,
      reviews_28d: 2,
    })
    // The first has left the seven days; the third has no text.
    assert.deepEqual(trend[7], {
      date: '2026-01-08',
      reviews: 1,
      votes: 0,
      average_length: null,
      reviews_7d: 2,
      votes_7d: 1,
      average_length_7d: 3,
      reviews_28d: 3,
    })
    assert.deepEqual(
      await rows("SELECT genre, sum(reviews) AS n FROM agg_review_trends WHERE genre <> 'all' GROUP BY genre ORDER BY genre"),
      [
        { genre: 'fantasy', n: 2 },
        { genre: 'other', n: 1 },
      ],
    )
  }))

test('rating distribution and author performance, with their shrinkage towards the mean of all ratings', () =>
  withGold(async (rows) => {
    // 15 stars in 5 ratings: a mean of 3, which weighs as 25 ratings.
    assert.deepEqual(await rows('SELECT * FROM agg_rating_distribution ORDER BY book_id'), [
      {
        book_id: 'b1',
        ratings: 3,
        rating_sum: 10,
        ratings_1: 1,
        ratings_2: 0,
        ratings_3: 0,
        ratings_4: 1,
        ratings_5: 1,
        average_rating: 10 / 3,
        bayesian_rating: 85 / 28,
      },
      {
        book_id: 'b2',
        ratings: 2,
        rating_sum: 5,
        ratings_1: 0,
        ratings_2: 1,
        ratings_3: 1,
        ratings_4: 0,
        ratings_5: 0,
        average_rating: 2.5,
        bayesian_rating: 80 / 27,
      },
    ])
    assert.deepEqual(await rows('SELECT * FROM agg_author_performance ORDER BY author_id'), [
      {
        author_id: 'a1',
        name: 'Ann',
        books: 1,
        primary_books: 1,
        ratings: 3,
        rating_sum: 10,
        average_rating: 10 / 3,
        bayesian_rating: 85 / 28,
        reviews: 2,
      },
      {
        author_id: 'a2',
        name: 'Name of a2',
        books: 2,
        primary_books: 1,
        ratings: 5,
        rating_sum: 15,
        average_rating: 3,
        bayesian_rating: 3,
        reviews: 4,
      },
    ])
  }))

test('the genres of a book share a weight of one, and tags are the shelves that are no bookkeeping', () =>
  withGold(async (rows) => {
    assert.deepEqual(await rows('SELECT book_id, genre, readers, weight, is_primary FROM bridge_book_genre ORDER BY book_id, genre'), [
      { book_id: 'b1', genre: 'fantasy', readers: 30, weight: 0.75, is_primary: true },
      { book_id: 'b1', genre: 'horror', readers: 10, weight: 0.25, is_primary: false },
      { book_id: 'b2', genre: 'other', readers: 0, weight: 1, is_primary: true },
    ])
    assert.deepEqual(await rows("SELECT tags FROM dim_book WHERE book_id = 'b1'"), [{ tags: ['fantasy', 'horror'] }])
  }))

test('aggregates add up to the facts', () =>
  withGold(async (rows) => {
    assert.deepEqual(
      await rows(`SELECT (SELECT sum(ratings) FROM agg_ratings_daily) AS daily, (SELECT sum(ratings) FROM agg_book_monthly) AS monthly,
        (SELECT sum(ratings) FROM agg_rating_distribution) AS books, (SELECT sum(reviews) FROM agg_reviews_daily) AS reviews`),
      [{ daily: 5, monthly: 5, books: 5, reviews: 4 }],
    )
  }))
