import type { GoldName } from '../tables.ts'

/** A check of derived rows: SQL that gives the key of each row that offends. */
export interface RowCheck {
  id: string
  table: GoldName
  column: string | null
  /** Says what is wrong with such a row, after its number: '3 rows …'. */
  wrong: string
  sql: string
  /** The rows that may offend: then a share is judged, by these limits; else none may. */
  of?: { sql: string; warn: number; fail?: number }
}

const unique = (table: GoldName, key: string): RowCheck => ({
  id: `${table}.${key}.duplicates`,
  table,
  column: key,
  wrong: `keys of ${table} stand in more than one row: whatever joins them counts twice`,
  sql: `SELECT ${key} AS key FROM ${table} GROUP BY ${key} HAVING COUNT(*) > 1`,
})

const versioned = (table: 'dim_book' | 'dim_author', key: string): RowCheck[] => [
  {
    id: `${table}.current.one`,
    table,
    column: 'is_current',
    wrong: `keys of ${table} have not exactly one current row`,
    sql: `SELECT ${key} AS key FROM ${table} GROUP BY ${key} HAVING SUM(CASE WHEN is_current THEN 1 ELSE 0 END) <> 1`,
  },
  {
    id: `${table}.intervals`,
    table,
    column: 'valid_from',
    wrong: `versions in ${table} overlap, leave a hole, or have no length`,
    sql: `SELECT key FROM (
        SELECT ${key} AS key, valid_from, valid_to, LEAD(valid_from) OVER (PARTITION BY ${key} ORDER BY valid_from) AS following FROM ${table}
      ) v WHERE valid_to IS DISTINCT FROM following OR valid_to <= valid_from`,
  },
]

const joined = (fact: GoldName, factKey: string, key: string, dimension: GoldName): RowCheck => ({
  id: `${fact}.${key}.member`,
  table: fact,
  column: key,
  wrong: `rows of ${fact} join no row of ${dimension}: an inner join loses them`,
  sql: `SELECT f.${factKey} AS key FROM ${fact} f LEFT JOIN ${dimension} d ON d.${key} = f.${key} WHERE d.${key} IS NULL AND f.${key} IS NOT NULL`,
})

const facts = [
  { fact: 'fact_rating', key: 'rating_key', time: 'rated_at', counts: 'ratings', what: 'ratings' },
  { fact: 'fact_review', key: 'review_id', time: 'COALESCE(date_updated, date_added)', counts: 'reviews', what: 'reviews' },
] as const

const factChecks = ({ fact, key, time, counts, what }: (typeof facts)[number]): RowCheck[] => [
  unique(fact, key),
  joined(fact, key, 'book_sk', 'dim_book'),
  joined(fact, key, 'author_sk', 'dim_author'),
  joined(fact, key, 'genre_sk', 'dim_genre'),
  joined(fact, key, 'date_key', 'dim_date'),
  {
    id: `${fact}.rating.range`,
    table: fact,
    column: 'rating',
    wrong: `${what} have a rating outside of 1 to 5`,
    sql: `SELECT ${key} AS key FROM ${fact} WHERE rating < 1 OR rating > 5`,
  },
  {
    id: `${fact}.time.future`,
    table: fact,
    column: null,
    wrong: `${what} are dated more than two days after they came`,
    sql: `SELECT ${key} AS key FROM ${fact} WHERE ${time} > ingestion_timestamp + INTERVAL 2 DAY`,
    of: { sql: `SELECT COUNT(*) FROM ${fact}`, warn: 0, fail: 0.1 },
  },
  {
    id: `${fact}.book.orphans`,
    table: fact,
    column: 'book_sk',
    wrong: `${what} are of books that never came; they are counted, at placeholders`,
    sql: `SELECT r.book_id AS key, r.${counts} AS weight FROM book_ratings r JOIN dim_book b ON b.book_id = r.book_id AND b.is_placeholder WHERE r.${counts} > 0`,
    of: { sql: `SELECT SUM(${counts}) FROM book_ratings`, warn: 0.2 },
  },
]

const currentBooks = 'FROM dim_book WHERE is_current AND NOT is_deleted AND NOT is_placeholder'
const bookCounts = [
  'ratings_count',
  'text_reviews_count',
  'work_ratings_count',
  'ratings_1',
  'ratings_2',
  'ratings_3',
  'ratings_4',
  'ratings_5',
]

/** The checks of rows, of every build: of all rows of the dimensions, and of those facts that the build derived. */
export const rowChecks: readonly RowCheck[] = [
  unique('dim_book', 'book_sk'),
  unique('dim_author', 'author_sk'),
  unique('dim_date', 'date_key'),
  ...versioned('dim_book', 'book_id'),
  ...versioned('dim_author', 'author_id'),
  {
    id: 'dim_book.title.missing',
    table: 'dim_book',
    column: 'title',
    wrong: 'current books have no title, and can neither be shown nor found',
    sql: `SELECT book_id AS key ${currentBooks} AND title IS NULL`,
    of: { sql: `SELECT COUNT(*) ${currentBooks}`, warn: 0, fail: 0.01 },
  },
  {
    id: 'dim_book.counts.negative',
    table: 'dim_book',
    column: null,
    wrong: 'versions of books have a count below zero',
    sql: `SELECT book_id AS key FROM dim_book WHERE ${bookCounts.map((column) => `${column} < 0`).join(' OR ')}`,
  },
  {
    id: 'dim_book.author.orphans',
    table: 'dim_book',
    column: 'primary_author_sk',
    wrong: 'current books are by authors who never came, or name none; they are at placeholders',
    sql: `SELECT b.book_id AS key FROM dim_book b JOIN dim_author a ON a.author_sk = b.primary_author_sk AND a.is_placeholder
      WHERE b.is_current AND NOT b.is_deleted AND NOT b.is_placeholder`,
    of: { sql: `SELECT COUNT(*) ${currentBooks}`, warn: 0.5 },
  },
  joined('bridge_book_author', 'book_id', 'book_sk', 'dim_book'),
  joined('bridge_book_author', 'book_id', 'author_sk', 'dim_author'),
  joined('bridge_book_genre', 'book_id', 'book_sk', 'dim_book'),
  joined('bridge_book_genre', 'book_id', 'genre_sk', 'dim_genre'),
  ...facts.flatMap(factChecks),
]
