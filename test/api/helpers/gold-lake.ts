import { appendValue, type ColumnType, type Field, newBatch } from '../../../lake/columns/column.ts'
import type { Txn } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { publish } from '../../../lake/published.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'

type Row = Record<string, unknown>

const text: ColumnType = { kind: 'string' }
const of = (kind: 'string' | 'long' | 'double' | 'boolean' | 'timestamp' | 'date', names: string): Field[] =>
  names.split(' ').map((name) => ({ name, type: { kind }, nullable: true }))
const lists = (names: string): Field[] => names.split(' ').map((name) => ({ name, type: { kind: 'list', element: text }, nullable: true }))

const versioned = [...of('timestamp', 'valid_from valid_to'), ...of('boolean', 'is_current is_deleted is_placeholder')]

/** The Gold tables by the columns of ARCHITECTURE.md. */
const tables: Record<string, { fields: Field[]; partitionColumns: string[] }> = {
  dim_book: {
    fields: [
      ...of('string', 'book_sk book_id work_id title title_without_series original_title isbn isbn13 language_code publisher format'),
      ...of('long', 'num_pages publication_year original_publication_year ratings_count text_reviews_count work_ratings_count'),
      ...of('long', 'ratings_1 ratings_2 ratings_3 ratings_4 ratings_5'),
      ...of('string', 'primary_author_sk primary_author_id primary_genre url image_url'),
      ...of('double', 'average_rating'),
      ...of('date', 'publication_date'),
      ...lists('author_names tags'),
      ...versioned,
    ],
    partitionColumns: [],
  },
  dim_author: {
    fields: [
      ...of('string', 'author_sk author_id name gender hometown url image_url'),
      ...of('date', 'born_at died_at'),
      ...of('long', 'works_count fans_count ratings_count text_reviews_count'),
      ...of('double', 'average_rating'),
      ...versioned,
    ],
    partitionColumns: [],
  },
  dim_date: { fields: of('long', 'date_key year month'), partitionColumns: [] },
  dim_genre: { fields: [...of('string', 'genre_sk genre name'), ...of('boolean', 'is_other')], partitionColumns: [] },
  fact_rating: {
    fields: [
      ...of('string', 'rating_key user_id book_id book_sk author_sk genre_sk review_id rated_month primary_genre'),
      ...of('long', 'date_key rating'),
      ...of('timestamp', 'rated_at ingestion_timestamp'),
    ],
    partitionColumns: ['rated_month', 'primary_genre'],
  },
  fact_review: {
    fields: [
      ...of('string', 'review_id user_id book_id book_sk author_sk genre_sk reviewed_month primary_genre'),
      ...of('long', 'date_key rating votes comments_count body_length read_count'),
      ...of('boolean', 'has_text has_spoiler'),
      ...of('timestamp', 'date_added date_updated started_at read_at ingestion_timestamp'),
      ...lists('shelves'),
    ],
    partitionColumns: ['reviewed_month', 'primary_genre'],
  },
  bridge_book_author: {
    fields: [...of('string', 'book_sk book_id author_sk author_id role name'), ...of('long', 'position')],
    partitionColumns: [],
  },
  agg_rating_distribution: {
    fields: [...of('string', 'book_id'), ...of('long', 'ratings rating_sum ratings_1 ratings_2 ratings_3 ratings_4 ratings_5')],
    partitionColumns: [],
  },
  agg_ratings_daily: {
    fields: [
      ...of('date', 'date'),
      ...of('string', 'genre language_code month'),
      ...of('long', 'ratings rating_sum ratings_1 ratings_2 ratings_3 ratings_4 ratings_5'),
    ],
    partitionColumns: ['month'],
  },
  agg_reviews_daily: {
    fields: [
      ...of('date', 'date'),
      ...of('string', 'genre language_code month'),
      ...of('long', 'reviews text_reviews spoiler_reviews length_sum votes_sum'),
    ],
    partitionColumns: ['month'],
  },
  agg_book_monthly: {
    fields: [...of('string', 'book_id month'), ...of('long', 'ratings rating_sum reviews text_reviews length_sum votes_sum')],
    partitionColumns: ['month'],
  },
  agg_author_performance: {
    fields: [
      ...of('string', 'author_id name'),
      ...of('long', 'books primary_books ratings reviews'),
      ...of('double', 'average_rating bayesian_rating'),
    ],
    partitionColumns: [],
  },
}

/** What follows from the books and ratings that a test gives. */
const followed = ({ dim_book = [], fact_rating = [], fact_review = [] }: { [table: string]: Row[] }): { [table: string]: Row[] } => ({
  bridge_book_author: dim_book.flatMap((row) =>
    ((row['author_names'] as string[] | null) ?? []).map((name, index) => ({
      ...{ book_sk: row['book_sk'], book_id: row['book_id'], name, position: index + 1 },
      author_id: index === 0 ? row['primary_author_id'] : `co-${index}`,
    })),
  ),
  agg_rating_distribution: Array.from(
    Map.groupBy(fact_rating, (row) => row['book_id']),
    ([book_id, given]) => ({
      book_id,
      ratings: given.length,
      rating_sum: given.reduce((sum, row) => sum + (row['rating'] as number), 0),
      ...Object.fromEntries([1, 2, 3, 4, 5].map((stars) => [`ratings_${stars}`, given.filter((row) => row['rating'] === stars).length])),
    }),
  ),
  // A row a rating: nobody who adds them up sees the difference.
  agg_ratings_daily: fact_rating.map((row) => ({
    date: row['rated_at'] === null ? null : Math.floor((row['rated_at'] as number) / 86_400_000),
    ...{ genre: row['primary_genre'], month: row['rated_month'], ratings: 1, rating_sum: row['rating'] },
    ...Object.fromEntries([1, 2, 3, 4, 5].map((stars) => [`ratings_${stars}`, row['rating'] === stars ? 1 : 0])),
    language_code: dim_book.find(({ book_id, is_current }) => is_current && book_id === row['book_id'])?.['language_code'] ?? null,
  })),
  agg_reviews_daily: fact_review.map((row) => ({
    date: Math.floor((row['date_added'] as number) / 86_400_000),
    ...{ genre: row['primary_genre'], month: row['reviewed_month'], reviews: 1, text_reviews: row['has_text'] ? 1 : 0 },
    ...{ spoiler_reviews: 0, length_sum: row['body_length'] ?? 0, votes_sum: row['votes'] ?? 0 },
    language_code: dim_book.find(({ book_id, is_current }) => is_current && book_id === row['book_id'])?.['language_code'] ?? null,
  })),
  agg_book_monthly: Array.from(
    Map.groupBy(fact_rating, (row) => `${row['book_id']} ${row['rated_month']}`),
    ([, rows]) => ({
      book_id: rows[0]!['book_id'],
      month: rows[0]!['rated_month'],
      ratings: rows.length,
      rating_sum: rows.reduce((sum, row) => sum + (row['rating'] as number), 0),
      ...{ reviews: 0, text_reviews: 0, length_sum: 0, votes_sum: 0 },
    }),
  ),
})

const writeTable = async (
  store: ObjectStore,
  root: string,
  fields: Field[],
  partitionColumns: string[],
  rows: Row[],
  txns: Txn[] = [],
): Promise<number> => {
  const table = openTable(store, root)
  const batch = newBatch(fields)
  for (const row of rows) for (const [index, field] of fields.entries()) appendValue(batch.columns[index]!, row[field.name] ?? null)
  batch.length = rows.length
  const { files } = await table.snapshot()
  const { version } = await commit(table, {
    operation: 'WRITE',
    fields,
    partitionColumns,
    adds: await stageFiles(table, batch, { partitionColumns }),
    removes: [...files.values()],
    txns,
  })
  return version
}

/** Replaces each Gold table by the rows given (none where a table is not named), and publishes that. */
export const publishGold = async (store: ObjectStore, given: { [table: string]: Row[] }): Promise<number> => {
  const rows = { ...followed(given), ...given }
  const versions: Record<string, number> = {}
  for (const [name, { fields, partitionColumns }] of Object.entries(tables)) {
    versions[name] = await writeTable(store, `gold/${name}`, fields, partitionColumns, rows[name] ?? [])
  }
  const published = await publish(store, {
    publishId: crypto.randomUUID(),
    publishedAt: new Date().toISOString(),
    tables: versions,
    inputs: {},
    models: null,
    completeThrough: '2026-01-02T03:04:05.000Z',
    completeThroughByEntity: { books: '2026-01-02T03:04:05.000Z', ratings: null },
  })
  return published.version
}

/** A Silver table with rows of an id and an arrival, complete up to a time: enough for counts and freshness. */
export const writeSilver = (store: ObjectStore, entity: string, arrivals: number[], throughMs?: number): Promise<number> =>
  writeTable(
    store,
    `silver/${entity}`,
    [
      ...of('string', '_key _hash'),
      ...of('long', '_order'),
      ...of('boolean', '_deleted'),
      ...of('timestamp', 'ingestion_timestamp'),
      ...of('date', 'ingestion_date'),
    ],
    ['ingestion_date'],
    arrivals.map((ingestion_timestamp, index) => ({
      ...{ _key: String(index), _hash: 'h', _order: ingestion_timestamp, _deleted: false, ingestion_timestamp },
      ingestion_date: Math.floor(ingestion_timestamp / 86_400_000),
    })),
    throughMs === undefined
      ? []
      : [
          { appId: `silver/c/t/0/through`, version: throughMs },
          { appId: 'silver/c/t/partitions', version: 1 },
        ],
  )

const current = { is_current: true, is_deleted: false, is_placeholder: false, valid_from: Date.UTC(2024, 0, 1) }

export const book = (id: string, rest: Row = {}): Row => ({
  ...current,
  book_sk: `sk-${id}`,
  book_id: id,
  title: `Book ${id}`,
  language_code: 'en',
  primary_genre: 'fantasy',
  primary_author_id: 'a1',
  author_names: ['Ada Ahl', 'Second Hand'],
  tags: ['fantasy', 'magic'],
  average_rating: 4,
  ratings_count: 100,
  ...rest,
})

export const author = (id: string, name: string, rest: Row = {}): Row => ({
  ...current,
  author_sk: `sk-${id}`,
  author_id: id,
  name,
  ...rest,
})

/** A rating by day (YYYY-MM-DD), or without a time for null. */
export const rating = (bookId: string, stars: number, day: string | null, genre = 'fantasy'): Row => ({
  rating_key: crypto.randomUUID(),
  user_id: 'u1',
  book_id: bookId,
  book_sk: `sk-${bookId}`,
  rating: stars,
  rated_at: day === null ? null : Date.parse(day),
  rated_month: day === null ? 'unknown' : day.slice(0, 7),
  primary_genre: genre,
})

export const review = (bookId: string, day: string, hasText: boolean): Row => ({
  review_id: crypto.randomUUID(),
  book_id: bookId,
  book_sk: `sk-${bookId}`,
  has_text: hasText,
  date_added: Date.parse(day),
  date_updated: null,
  reviewed_month: day.slice(0, 7),
  primary_genre: 'fantasy',
})

export const genre = (slug: string, name: string): Row => ({ genre_sk: `sk-${slug}`, genre: slug, name, is_other: slug === 'other' })

/** A Gold with some rows for every kind of answer, nulls among them. */
export const smallGold = (): Parameters<typeof publishGold>[1] => ({
  dim_book: [book('1'), book('2', { language_code: null, title: null })],
  dim_author: [author('a1', 'Ada Ahl')],
  dim_genre: [genre('fantasy', 'Fantasy')],
  fact_rating: [rating('1', 5, '2026-01-10'), rating('1', 4, null)],
  fact_review: [{ ...review('1', '2026-01-11', true), user_id: 'export-ann', rating: 4 }],
  agg_author_performance: [
    { author_id: 'a1', name: 'Ada Ahl', books: 2, primary_books: 1, ratings: 2, average_rating: 4.5, bayesian_rating: 4.5, reviews: 1 },
  ],
})
