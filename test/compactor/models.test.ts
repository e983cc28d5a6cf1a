import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { deriveGold } from '../../compactor/derive.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { author, book, by, deletion, invariants, md5, openSilver, rating, review, type Silver, shelves, versionKey } from './silver.ts'

const withGold = async (silver: Silver, use: (duckdb: DuckDb) => Promise<void>) => {
  const { duckdb, inputs } = await openSilver(silver)
  try {
    await deriveGold({ duckdb, inputs })
    for (const [name, sql] of Object.entries(invariants)) assert.deepEqual(await duckdb.rows(sql), [], name)
    await use(duckdb)
  } finally {
    await duckdb.close()
  }
}

/** b1 changes three times, arrives out of order, and two of its versions share a time. */
const history: Silver = {
  books: [
    book('b1', '2026-03-01', 'h3', { title: 'Third', authors: by('a1'), shelves: shelves({ fantasy: 9 }) }),
    book('b1', '2026-01-01', 'h1', { title: 'First', authors: by('a1'), shelves: shelves({ romance: 5 }) }),
    book('b1', '2026-02-01', 'hb', { title: 'Second, the greater hash', authors: by('a2', 'a1'), shelves: shelves({ horror: 5 }) }),
    book('b1', '2026-02-01', 'ha', { title: 'Second, the lesser hash' }),
    book('b2', '2026-01-15', 'h1', { title: 'Of an unknown author', authors: by('a9') }),
    book('b3', '2026-01-15', 'h1', { title: 'Without author' }),
  ],
  authors: [
    author('a1', '2026-02-15', 'x2', { name: 'New name' }),
    author('a1', '2026-01-10', 'x1', { name: 'Old name' }),
    author('a2', '2026-01-10', 'y', { name: 'Second author' }),
  ],
  ratings: [
    rating('before', 'b1', 1, '2025-12-24T10:00:00Z'),
    rating('first', 'b1', 2, '2026-01-31T23:59:59.999Z'),
    rating('second', 'b1', 3, '2026-02-01T00:00:00Z'),
    rating('third', 'b1', 4, '2026-03-05T00:00:00Z'),
    rating('timeless', 'b1', 5, null),
    rating('orphan', 'b404', 3, '2026-02-02'),
    rating('alone', 'b3', 3, '2026-02-02'),
  ],
  reviews: [
    review('r1', 'b1', '2026-02-20', { rating: 4, body: 'Été', votes: 2, date_added: '2025-12-01', shelves: ['read', 'z', 'a'] }),
    review('r2', 'b2', null, { date_added: '2026-01-20', body: null }),
    review('r3', null, null),
  ],
}

describe('dim_book', () => {
  test('holds one version for each change, in the order of the changes', () =>
    withGold(history, async (duckdb) => {
      const rows = await duckdb.rows(
        "SELECT book_sk, title, valid_from, valid_to, is_current, primary_genre FROM dim_book WHERE book_id = 'b1' ORDER BY valid_from",
      )
      assert.deepEqual(rows, [
        {
          book_sk: versionKey('b1', '2026-01-01', 'h1'),
          title: 'First',
          valid_from: '2026-01-01T00:00:00.000Z',
          valid_to: '2026-02-01T00:00:00.000Z',
          is_current: false,
          primary_genre: 'romance',
        },
        {
          book_sk: versionKey('b1', '2026-02-01', 'hb'),
          title: 'Second, the greater hash',
          valid_from: '2026-02-01T00:00:00.000Z',
          valid_to: '2026-03-01T00:00:00.000Z',
          is_current: false,
          primary_genre: 'horror',
        },
        {
          book_sk: versionKey('b1', '2026-03-01', 'h3'),
          title: 'Third',
          valid_from: '2026-03-01T00:00:00.000Z',
          valid_to: null,
          is_current: true,
          primary_genre: 'fantasy',
        },
      ])
    }))

  test('refers to the author version that was valid when the book version began', () =>
    withGold(history, async (duckdb) => {
      const rows = await duckdb.rows(
        "SELECT b.valid_from, a.name, b.author_names FROM dim_book b JOIN dim_author a ON a.author_sk = b.primary_author_sk WHERE book_id IN ('b1', 'b3') ORDER BY b.book_id, b.valid_from",
      )
      assert.deepEqual(rows, [
        { valid_from: '2026-01-01T00:00:00.000Z', name: 'Old name', author_names: ['Name of a1'] },
        { valid_from: '2026-02-01T00:00:00.000Z', name: 'Second author', author_names: ['Name of a2', 'Name of a1'] },
        { valid_from: '2026-03-01T00:00:00.000Z', name: 'New name', author_names: ['Name of a1'] },
        { valid_from: '2026-01-15T00:00:00.000Z', name: null, author_names: [] },
      ])
    }))

  test('has a placeholder for a book that only facts name, and for facts that name none', () =>
    withGold(history, async (duckdb) => {
      const rows = await duckdb.rows(
        'SELECT book_sk, book_id, title, valid_from, is_current, author_names, tags, primary_genre FROM dim_book WHERE is_placeholder ORDER BY book_id',
      )
      const empty = { title: null, valid_from: null, is_current: true, author_names: [], tags: [], primary_genre: 'other' }
      assert.deepEqual(rows, [
        { book_sk: md5('b404'), book_id: 'b404', ...empty },
        { book_sk: md5('unknown'), book_id: 'unknown', ...empty },
      ])
    }))

  test('closes the version of a deleted book with one that is deleted and keeps its content', () =>
    withGold(
      {
        books: [
          book('b1', '2026-01-01', 'h', { title: 'Gone', authors: by('a1') }),
          deletion('b1', '2026-02-01'),
          book('b1', '2026-03-01', 'i', { title: 'Back' }),
          deletion('b2', '2026-01-01'),
        ],
        ratings: [rating('u', 'b1', 4, '2026-02-10'), rating('u', 'b2', 4, '2026-02-10')],
      },
      async (duckdb) => {
        assert.deepEqual(
          await duckdb.rows(
            'SELECT book_id, title, valid_to, is_current, is_deleted, is_placeholder FROM dim_book ORDER BY book_id, valid_from',
          ),
          [
            {
              book_id: 'b1',
              title: 'Gone',
              valid_to: '2026-02-01T00:00:00.000Z',
              is_current: false,
              is_deleted: false,
              is_placeholder: false,
            },
            {
              book_id: 'b1',
              title: 'Gone',
              valid_to: '2026-03-01T00:00:00.000Z',
              is_current: false,
              is_deleted: true,
              is_placeholder: false,
            },
            { book_id: 'b1', title: 'Back', valid_to: null, is_current: true, is_deleted: false, is_placeholder: false },
            { book_id: 'b2', title: null, valid_to: null, is_current: true, is_deleted: true, is_placeholder: false },
          ],
        )
        assert.deepEqual(await duckdb.rows("SELECT author_sk FROM fact_rating WHERE book_id = 'b1'"), [{ author_sk: md5('a1') }])
      },
    ))

  test('keeps one version of a record that two partitions delivered', () =>
    withGold(
      { books: [book('b1', '2026-01-01', 'h', { title: 'Once' }), { ...book('b1', '2026-01-01', 'h', { title: 'Once' }), _partition: 3 }] },
      async (duckdb) => {
        assert.deepEqual(await duckdb.rows('SELECT title, is_current FROM dim_book'), [{ title: 'Once', is_current: true }])
      },
    ))

  test('gives a date of publication only where year, month and day make one', () =>
    withGold(
      {
        books: [
          book('1', '2026-01-01', 'h', { publication_year: 850, publication_month: 2, publication_day: 3 }),
          book('2', '2026-01-01', 'h', { publication_year: 2001, publication_month: 2, publication_day: 30 }),
          book('3', '2026-01-01', 'h', { publication_year: -750, publication_month: 1, publication_day: 1 }),
          book('4', '2026-01-01', 'h', { publication_year: 2001, publication_month: 2 }),
        ],
      },
      async (duckdb) => {
        const rows = await duckdb.rows('SELECT publication_year AS y, publication_date AS d FROM dim_book ORDER BY book_id')
        assert.deepEqual(rows, [
          { y: 850, d: '0850-02-03' },
          { y: 2001, d: null },
          { y: -750, d: null },
          { y: 2001, d: null },
        ])
      },
    ))
})

describe('dim_author', () => {
  test('has versions for known authors and placeholders, with their names, for those that only books name', () =>
    withGold(history, async (duckdb) => {
      assert.deepEqual(
        await duckdb.rows('SELECT author_sk, author_id, name, is_current, is_placeholder FROM dim_author ORDER BY author_id, valid_from'),
        [
          { author_sk: versionKey('a1', '2026-01-10', 'x1'), author_id: 'a1', name: 'Old name', is_current: false, is_placeholder: false },
          { author_sk: versionKey('a1', '2026-02-15', 'x2'), author_id: 'a1', name: 'New name', is_current: true, is_placeholder: false },
          {
            author_sk: versionKey('a2', '2026-01-10', 'y'),
            author_id: 'a2',
            name: 'Second author',
            is_current: true,
            is_placeholder: false,
          },
          { author_sk: md5('a9'), author_id: 'a9', name: 'Name of a9', is_current: true, is_placeholder: true },
          { author_sk: md5('unknown'), author_id: 'unknown', name: null, is_current: true, is_placeholder: true },
        ],
      )
    }))
})

describe('fact_rating', () => {
  test('joins the book and author versions valid at its time; the first version serves earlier facts, the current one those without a time', () =>
    withGold(history, async (duckdb) => {
      const rows = await duckdb.rows(`
        SELECT f.user_id, b.title, a.name, f.primary_genre, f.rated_month, f.date_key
        FROM fact_rating f JOIN dim_book b USING (book_sk) JOIN dim_author a ON a.author_sk = f.author_sk ORDER BY f.rated_at NULLS LAST, f.user_id`)
      assert.deepEqual(rows, [
        { user_id: 'before', title: 'First', name: 'Old name', primary_genre: 'romance', rated_month: '2025-12', date_key: 20251224 },
        { user_id: 'first', title: 'First', name: 'Old name', primary_genre: 'romance', rated_month: '2026-01', date_key: 20260131 },
        {
          user_id: 'second',
          title: 'Second, the greater hash',
          name: 'Second author',
          primary_genre: 'horror',
          rated_month: '2026-02',
          date_key: 20260201,
        },
        { user_id: 'alone', title: 'Without author', name: null, primary_genre: 'other', rated_month: '2026-02', date_key: 20260202 },
        { user_id: 'orphan', title: null, name: null, primary_genre: 'other', rated_month: '2026-02', date_key: 20260202 },
        { user_id: 'third', title: 'Third', name: 'New name', primary_genre: 'fantasy', rated_month: '2026-03', date_key: 20260305 },
        { user_id: 'timeless', title: 'Third', name: 'New name', primary_genre: 'fantasy', rated_month: 'unknown', date_key: null },
      ])
    }))

  test('takes the newest rating of a reader and a book, and none that was deleted', () =>
    withGold(
      {
        ratings: [
          rating('u', 'b', 5, '2026-02-01'),
          rating('u', 'b', 1, '2026-01-01'),
          rating('v', 'b', 4, '2026-01-01'),
          deletion('v:b', '2026-01-02'),
        ],
      },
      async (duckdb) =>
        assert.deepEqual(await duckdb.rows('SELECT rating_key, rating FROM fact_rating'), [{ rating_key: 'u:b', rating: 5 }]),
    ))
})

describe('fact_review', () => {
  test('takes its time from the last update, else from when it was added', () =>
    withGold(history, async (duckdb) => {
      const rows = await duckdb.rows(`
        SELECT review_id, f.book_id, b.title, reviewed_month, date_key, body_length, has_text, votes, shelves
        FROM fact_review f JOIN dim_book b USING (book_sk) ORDER BY review_id`)
      assert.deepEqual(rows, [
        {
          review_id: 'r1',
          book_id: 'b1',
          title: 'Second, the greater hash',
          reviewed_month: '2026-02',
          date_key: 20260220,
          body_length: 3,
          has_text: true,
          votes: 2,
          shelves: ['read', 'z', 'a'],
        },
        {
          review_id: 'r2',
          book_id: 'b2',
          title: 'Of an unknown author',
          reviewed_month: '2026-01',
          date_key: 20260120,
          body_length: 0,
          has_text: false,
          votes: null,
          shelves: null,
        },
        {
          review_id: 'r3',
          book_id: null,
          title: null,
          reviewed_month: 'unknown',
          date_key: null,
          body_length: 0,
          has_text: false,
          votes: null,
          shelves: null,
        },
      ])
    }))
})

describe('genres', () => {
  const genreOf = async (counts: Record<string, number>) => {
    let found: Record<string, unknown> | undefined
    await withGold({ books: [book('b', '2026-01-01', 'h', { shelves: shelves(counts) })] }, async (duckdb) => {
      ;[found] = await duckdb.rows('SELECT primary_genre, tags FROM dim_book')
    })
    return found
  }

  test('come from the shelves of one genre taken together, whatever the spelling', async () => {
    assert.deepEqual(await genreOf({ 'to-read': 900, fantasy: 10, 'Sci Fi': 4, 'science-fiction': 4, science_fiction: 3 }), {
      primary_genre: 'science-fiction',
      tags: ['fantasy', 'sci-fi', 'science-fiction'],
    })
  })
  test('go to the first slug where two have as many readers', async () => {
    assert.equal((await genreOf({ romance: 5, horror: 5 }))?.['primary_genre'], 'horror')
  })
  test('are other where no shelf is known; bookkeeping is no tag', async () => {
    assert.deepEqual(await genreOf({ 'to-read-soon': 9, 'read-in-2016': 8, '2016-reads': 7, favorites: 6, swords: 5 }), {
      primary_genre: 'other',
      tags: ['swords'],
    })
    assert.deepEqual(await genreOf({}), { primary_genre: 'other', tags: [] })
  })
  test('map each shelf once, to a genre that exists and never from bookkeeping', () =>
    withGold({}, async (duckdb) => {
      const faults = await duckdb.rows(`
        SELECT shelf FROM shelf_genres GROUP BY shelf HAVING count(*) > 1
        UNION ALL SELECT shelf FROM shelf_genres WHERE genre NOT IN (SELECT slug FROM genres WHERE slug <> 'other')
        UNION ALL SELECT slug FROM genres WHERE slug <> 'other' AND slug NOT IN (SELECT genre FROM shelf_genres)
        UNION ALL SELECT shelf FROM shelf_genres JOIN bookkeeping_shelves USING (shelf)
        UNION ALL SELECT shelf FROM shelf_genres WHERE shelf <> lower(shelf) OR shelf LIKE '% %'`)
      assert.deepEqual(faults, [])
      assert.deepEqual(await duckdb.rows('SELECT genre_sk, name FROM dim_genre WHERE is_other'), [
        { genre_sk: md5('other'), name: 'Other' },
      ])
    }))
})

describe('dim_date', () => {
  test('holds every day from the first to the last fact', () =>
    withGold({ ratings: [rating('u', 'b', 3, '2019-12-30')], reviews: [review('r', 'b', '2021-01-03T23:00:00Z')] }, async (duckdb) => {
      assert.deepEqual(await duckdb.rows('SELECT count(*) AS n, min(date) AS first, max(date) AS last FROM dim_date'), [
        { n: 371, first: '2019-12-30', last: '2021-01-03' },
      ])
      assert.deepEqual(await duckdb.rows('SELECT * FROM dim_date WHERE date_key IN (20200229, 20210103) ORDER BY date_key'), [
        {
          date_key: 20200229,
          date: '2020-02-29',
          year: 2020,
          quarter: 1,
          month: 2,
          year_month: '2020-02',
          day: 29,
          day_of_week: 6,
          iso_week: 9,
          is_weekend: true,
        },
        {
          date_key: 20210103,
          date: '2021-01-03',
          year: 2021,
          quarter: 1,
          month: 1,
          year_month: '2021-01',
          day: 3,
          day_of_week: 7,
          iso_week: 53,
          is_weekend: true,
        },
      ])
    }))

  test('is empty without facts, and complete over centuries', async () => {
    await withGold({}, async (duckdb) => assert.deepEqual(await duckdb.rows('SELECT * FROM dim_date'), []))
    await withGold({ ratings: [rating('u', 'b', 3, '1500-01-01'), rating('v', 'b', 3, '2026-01-01')] }, async (duckdb) =>
      assert.deepEqual(await duckdb.rows('SELECT count(*) AS n FROM dim_date'), [{ n: 192_119 }]),
    )
  })
})

describe('models', () => {
  const dir = new URL('../../compactor/models/', import.meta.url)
  const models = readdirSync(dir).map((file) => ({ file, sql: readFileSync(new URL(file, dir), 'utf8').replaceAll(/--.*/g, '') }))
  const forbidden: Record<string, RegExp> = {
    'what DuckDB alone understands':
      /::|\bEXCLUDE\b|\bQUALIFY\b|\bunnest\b|\bgenerate_series\b|\blist\(|\bVARCHAR\b|\bTIMESTAMPTZ\b|->|\bUSING SAMPLE\b|\bFILTER\b|\bASOF\b|\bepoch_ms\b|'[^'\n]*''/i,
    'casts to TIMESTAMP, which has a zone in one engine and none in the other': /AS TIMESTAMP\b|\bTIMESTAMP '/i,
    'the time of the build, chance, or the order of rows':
      /\bnow\(|\bCURRENT_|\brandom\(|\brand\(|\buuid\(|\bLIMIT\b|\bfirst\(|\bany_value\(|\bROW_NUMBER\(\) OVER \((?![^()]*ORDER BY)/i,
  }
  for (const [what, pattern] of Object.entries(forbidden)) {
    test(`use nothing of ${what}`, () => {
      assert.ok(models.length >= 15)
      assert.deepEqual(
        models.filter(({ sql }) => pattern.test(sql)).map(({ file }) => file),
        [],
      )
    })
  }
})
