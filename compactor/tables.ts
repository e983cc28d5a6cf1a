/** The types that Gold's columns have, as Delta's and DuckDB's names follow from them. */
export type GoldType = 'string' | 'long' | 'double' | 'boolean' | 'timestamp' | 'date' | 'strings'

export interface GoldTable {
  /** Columns in order, the partition columns last. */
  columns: Readonly<Record<string, GoldType>>
  partitionColumns: readonly string[]
  /** What rows of a file are sorted by, so that readers can skip. */
  sortedBy: readonly string[]
  /** The partition column with the month that rows belong to: an increment derives and replaces whole months. */
  monthColumn?: string
}

const of = <T extends GoldType>(type: T, names: string): Record<string, T> =>
  Object.fromEntries(names.split(' ').map((name) => [name, type]))
const stars = 'ratings_1 ratings_2 ratings_3 ratings_4 ratings_5'
const version = { ...of('timestamp', 'valid_from valid_to'), ...of('boolean', 'is_current is_deleted is_placeholder') } as const

/** The tables of Gold: their columns are a public interface (ARCHITECTURE.md). */
export const goldTables = {
  dim_genre: {
    columns: { ...of('string', 'genre_sk genre name'), is_other: 'boolean' },
    partitionColumns: [],
    sortedBy: ['genre'],
  },
  dim_author: {
    columns: {
      ...of('string', 'author_sk author_id name gender hometown'),
      ...of('date', 'born_at died_at'),
      ...of('long', 'works_count fans_count'),
      average_rating: 'double',
      ...of('long', 'ratings_count text_reviews_count'),
      ...of('string', 'url image_url'),
      ...version,
    },
    partitionColumns: [],
    sortedBy: ['author_id', 'author_sk'],
  },
  dim_book: {
    columns: {
      ...of('string', 'book_sk book_id work_id title title_without_series original_title isbn isbn13 language_code publisher format'),
      ...of('long', 'num_pages publication_year'),
      publication_date: 'date',
      original_publication_year: 'long',
      ...of('string', 'primary_author_sk primary_author_id'),
      author_names: 'strings',
      primary_genre: 'string',
      tags: 'strings',
      average_rating: 'double',
      ...of('long', 'ratings_count text_reviews_count work_ratings_count ratings_1 ratings_2 ratings_3 ratings_4 ratings_5'),
      ...of('string', 'url image_url'),
      ...version,
    },
    partitionColumns: [],
    sortedBy: ['book_id', 'book_sk'],
  },
  dim_date: {
    columns: {
      date_key: 'long',
      date: 'date',
      ...of('long', 'year quarter month'),
      year_month: 'string',
      ...of('long', 'day day_of_week iso_week'),
      is_weekend: 'boolean',
    },
    partitionColumns: [],
    sortedBy: ['date_key'],
  },
  bridge_book_author: {
    columns: { ...of('string', 'book_sk book_id author_sk author_id'), position: 'long', ...of('string', 'role name') },
    partitionColumns: [],
    sortedBy: ['book_id', 'book_sk', 'position'],
  },
  bridge_book_genre: {
    columns: { ...of('string', 'book_sk book_id genre_sk genre'), readers: 'long', weight: 'double', is_primary: 'boolean' },
    partitionColumns: [],
    sortedBy: ['book_id', 'book_sk', 'genre'],
  },
  fact_rating: {
    columns: {
      ...of('string', 'rating_key user_id book_id book_sk author_sk genre_sk'),
      ...of('long', 'date_key rating'),
      rated_at: 'timestamp',
      review_id: 'string',
      ingestion_timestamp: 'timestamp',
      ...of('string', 'rated_month primary_genre'),
    },
    partitionColumns: ['rated_month', 'primary_genre'],
    sortedBy: ['book_id', 'rating_key'],
    monthColumn: 'rated_month',
  },
  fact_review: {
    columns: {
      ...of('string', 'review_id user_id book_id book_sk author_sk genre_sk'),
      ...of('long', 'date_key rating votes comments_count body_length'),
      ...of('boolean', 'has_text has_spoiler'),
      ...of('timestamp', 'date_added date_updated started_at read_at'),
      read_count: 'long',
      shelves: 'strings',
      ingestion_timestamp: 'timestamp',
      ...of('string', 'reviewed_month primary_genre'),
    },
    partitionColumns: ['reviewed_month', 'primary_genre'],
    sortedBy: ['book_id', 'review_id'],
    monthColumn: 'reviewed_month',
  },
  agg_book_monthly: {
    columns: {
      book_id: 'string',
      ...of('long', `ratings rating_sum ${stars} reviews text_reviews length_sum votes_sum`),
      month: 'string',
    },
    partitionColumns: ['month'],
    sortedBy: ['book_id'],
    monthColumn: 'month',
  },
  agg_ratings_daily: {
    columns: {
      date_key: 'long',
      date: 'date',
      ...of('string', 'genre language_code'),
      ...of('long', `ratings rating_sum ${stars}`),
      average_rating: 'double',
      month: 'string',
    },
    partitionColumns: ['month'],
    sortedBy: ['date_key', 'genre', 'language_code'],
    monthColumn: 'month',
  },
  agg_reviews_daily: {
    columns: {
      date_key: 'long',
      date: 'date',
      ...of('string', 'genre language_code'),
      ...of('long', 'reviews text_reviews spoiler_reviews length_sum votes_sum'),
      month: 'string',
    },
    partitionColumns: ['month'],
    sortedBy: ['date_key', 'genre', 'language_code'],
    monthColumn: 'month',
  },
  agg_review_trends: {
    columns: {
      date_key: 'long',
      date: 'date',
      genre: 'string',
      ...of('long', 'reviews text_reviews votes'),
      average_length: 'double',
      ...of('long', 'reviews_7d text_reviews_7d votes_7d'),
      average_length_7d: 'double',
      ...of('long', 'reviews_28d text_reviews_28d votes_28d'),
      average_length_28d: 'double',
      year: 'string',
    },
    partitionColumns: ['year'],
    sortedBy: ['genre', 'date_key'],
  },
  agg_rating_distribution: {
    columns: { book_id: 'string', ...of('long', `ratings rating_sum ${stars}`), ...of('double', 'average_rating bayesian_rating') },
    partitionColumns: [],
    sortedBy: ['book_id'],
  },
  agg_author_performance: {
    columns: {
      ...of('string', 'author_id name'),
      ...of('long', 'books primary_books ratings rating_sum'),
      ...of('double', 'average_rating bayesian_rating'),
      reviews: 'long',
    },
    partitionColumns: [],
    sortedBy: ['author_id'],
  },
} as const satisfies Record<string, GoldTable>

export type GoldName = keyof typeof goldTables
export const goldNames = Object.keys(goldTables) as GoldName[]

/** How DuckDB names each type, as its information schema does. */
export const duckdbTypes: Readonly<Record<GoldType, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  date: 'DATE',
  strings: 'VARCHAR[]',
}
