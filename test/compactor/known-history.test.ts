import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withLake } from './lake.ts'
import { author, book, by, deletion, md5, rating, review, shelves, versionKey } from './silver.ts'

/*
 * A history with a known answer. Ann's profile changes three times, the book's counts change and it is deleted in the end, a review
 * is edited; the changes come out of order, some of them twice, spread over four builds.
 */
const ann = (at: string, hometown: string) => author('ann', at, hometown, { name: 'Ann', hometown })
const novel = (at: string, ratingsCount: number, genre: string) =>
  book('b1', at, `${ratingsCount}`, {
    title: 'Novel',
    ratings_count: ratingsCount,
    authors: by('ann', 'bob'),
    shelves: shelves({ [genre]: 5 }),
  })
const sk = {
  b1: (at: string, count: string) => versionKey('b1', at, count),
  ann: (at: string, town: string) => versionKey('ann', at, town),
}

test('versions, intervals and joins are those of the history, in whatever order and how often it comes', async () => {
  await withLake(async ({ addSilver, build, query }) => {
    // The second version first; a rating of before there was any; one whose book never comes.
    await addSilver({
      authors: [ann('2026-02-01', 'Bonn')],
      books: [novel('2026-02-10', 20, 'horror')],
      ratings: [
        rating('u1', 'b1', 5, '2025-12-24'),
        rating('u2', 'b1', 4, '2026-02-05'),
        rating('u3', 'gone', 3, '2026-02-05'),
        rating('u4', 'b1', 2, null),
      ],
      reviews: [review('r1', 'b1', '2026-01-15', { body: 'Good', votes: 1 })],
    })
    await build()
    // Backdated: the first versions. And the second ones again, from another partition.
    await addSilver({
      authors: [ann('2026-01-01', 'Aachen'), { ...ann('2026-02-01', 'Bonn'), _partition: 1 }],
      books: [novel('2026-01-10', 10, 'fantasy'), { ...novel('2026-02-10', 20, 'horror'), _partition: 1 }],
      ratings: [{ ...rating('u1', 'b1', 5, '2025-12-24'), _partition: 1 }],
    })
    await build()
    // The fourth before the third; the review is edited; a rating is changed.
    await addSilver({
      authors: [ann('2026-04-01', 'Dover')],
      ratings: [rating('u2', 'b1', 1, '2026-03-05')],
      reviews: [review('r1', 'b1', '2026-03-15', { body: 'Very good', votes: 3, has_spoiler: true })],
    })
    await build()
    await addSilver({ authors: [ann('2026-03-01', 'Celle')], books: [deletion('b1', '2026-03-10')] })
    const last = await build()
    assert.equal(last.full, null, 'it came by increments')

    assert.deepEqual(
      await query(
        "SELECT author_sk, hometown, valid_from, valid_to, is_current FROM {dim_author} WHERE author_id = 'ann' ORDER BY valid_from",
      ),
      [
        ['2026-01-01', 'Aachen', '2026-02-01'],
        ['2026-02-01', 'Bonn', '2026-03-01'],
        ['2026-03-01', 'Celle', '2026-04-01'],
        ['2026-04-01', 'Dover', null],
      ].map(([from, hometown, to]) => ({
        author_sk: sk.ann(from!, hometown!),
        hometown,
        valid_from: `${from}T00:00:00.000Z`,
        valid_to: to && `${to}T00:00:00.000Z`,
        is_current: to === null,
      })),
    )
    assert.deepEqual(
      await query(
        "SELECT book_sk, ratings_count, primary_genre, primary_author_sk, valid_to, is_current, is_deleted FROM {dim_book} WHERE book_id = 'b1' ORDER BY valid_from",
      ),
      [
        {
          book_sk: sk.b1('2026-01-10', '10'),
          ratings_count: 10,
          primary_genre: 'fantasy',
          primary_author_sk: sk.ann('2026-01-01', 'Aachen'),
          valid_to: '2026-02-10T00:00:00.000Z',
          is_current: false,
          is_deleted: false,
        },
        {
          book_sk: sk.b1('2026-02-10', '20'),
          ratings_count: 20,
          primary_genre: 'horror',
          primary_author_sk: sk.ann('2026-02-01', 'Bonn'),
          valid_to: '2026-03-10T00:00:00.000Z',
          is_current: false,
          is_deleted: false,
        },
        // A deletion is a version of its own, which closes the one before it and keeps its content.
        {
          book_sk: sk.b1('2026-03-10', 'deleted'),
          ratings_count: 20,
          primary_genre: 'horror',
          primary_author_sk: sk.ann('2026-03-01', 'Celle'),
          valid_to: null,
          is_current: true,
          is_deleted: true,
        },
      ],
    )
    assert.deepEqual(
      await query('SELECT rating_key, rating, book_sk, author_sk, rated_month, primary_genre FROM {fact_rating} ORDER BY rating_key'),
      [
        // Before the first version: the first one serves.
        {
          rating_key: 'u1:b1',
          rating: 5,
          book_sk: sk.b1('2026-01-10', '10'),
          author_sk: sk.ann('2026-01-01', 'Aachen'),
          rated_month: '2025-12',
          primary_genre: 'fantasy',
        },
        {
          rating_key: 'u2:b1',
          rating: 1,
          book_sk: sk.b1('2026-02-10', '20'),
          author_sk: sk.ann('2026-03-01', 'Celle'),
          rated_month: '2026-03',
          primary_genre: 'horror',
        },
        {
          rating_key: 'u3:gone',
          rating: 3,
          book_sk: md5('gone'),
          author_sk: md5('unknown'),
          rated_month: '2026-02',
          primary_genre: 'other',
        },
        // Without a time: the newest.
        {
          rating_key: 'u4:b1',
          rating: 2,
          book_sk: sk.b1('2026-03-10', 'deleted'),
          author_sk: sk.ann('2026-04-01', 'Dover'),
          rated_month: 'unknown',
          primary_genre: 'horror',
        },
      ],
    )
    assert.deepEqual(await query('SELECT review_id, book_sk, body_length, votes, has_spoiler, reviewed_month FROM {fact_review}'), [
      { review_id: 'r1', book_sk: sk.b1('2026-03-10', 'deleted'), body_length: 9, votes: 3, has_spoiler: true, reviewed_month: '2026-03' },
    ])
    // The co-author never came: a placeholder with the name that the book gives.
    assert.deepEqual(
      await query(
        "SELECT b.author_id, b.position, a.name, a.is_placeholder FROM {bridge_book_author} b JOIN {dim_author} a USING (author_sk) WHERE b.book_sk = (SELECT book_sk FROM {dim_book} WHERE book_id = 'b1' AND is_current) ORDER BY position",
      ),
      [
        { author_id: 'ann', position: 1, name: 'Ann', is_placeholder: false },
        { author_id: 'bob', position: 2, name: 'Name of bob', is_placeholder: true },
      ],
    )
  })
})

test('ratings whose book never comes are counted and joined to a placeholder, which the book fills when it does come', async () => {
  await withLake(async ({ addSilver, build, query }) => {
    await addSilver({
      ratings: [rating('u1', 'late', 5, '2026-01-05'), rating('u2', 'late', 4, '2026-02-05'), rating('u3', 'never', 1, '2026-02-05')],
    })
    await build()
    const orphans = () =>
      query(
        'SELECT b.book_id, count(*) AS ratings FROM {fact_rating} f JOIN {dim_book} b USING (book_sk) WHERE b.is_placeholder GROUP BY ALL ORDER BY ALL',
      )
    assert.deepEqual(await orphans(), [
      { book_id: 'late', ratings: 2 },
      { book_id: 'never', ratings: 1 },
    ])
    await addSilver({ books: [book('late', '2026-01-20', 'h', { title: 'Late', shelves: shelves({ fantasy: 1 }) })] })
    const { full } = await build()
    assert.equal(full, null)
    assert.deepEqual(await orphans(), [{ book_id: 'never', ratings: 1 }])
    assert.deepEqual(
      await query(
        "SELECT count(*) AS n, count(DISTINCT book_sk) AS members FROM {fact_rating} WHERE book_id = 'late' AND primary_genre = 'fantasy'",
      ),
      [{ n: 2, members: 1 }],
    )
    assert.deepEqual(await query("SELECT count(*) AS n FROM {dim_book} WHERE book_id = 'late' AND is_placeholder"), [{ n: 0 }])
    assert.deepEqual(await query('SELECT book_id, ratings FROM {agg_rating_distribution} ORDER BY book_id'), [
      { book_id: 'late', ratings: 2 },
      { book_id: 'never', ratings: 1 },
    ])
  })
})
