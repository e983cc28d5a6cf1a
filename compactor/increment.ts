import { sqlText } from '../lake/sql.ts'
import type { DuckDb } from '../runtime/duckdb.ts'
import type { EntityName } from '../schemas/records.ts'
import { newestRows, pickedColumns } from './inputs.ts'

/*
 * Which months an increment touches, by SQL over: `changed_<entity>` (keys), `silver_<entity>_history` of those keys, the
 * files that came and went, the last Gold as `gold_<table>`, and the versions of books and authors as they are now.
 */

/** A list of local Parquet files of Silver. */
export interface LocalChange {
  added: readonly string[]
  removed: readonly string[]
  /** Columns of the Silver table. */
  columns: ReadonlySet<string>
}

const filesSql = (entity: EntityName, files: readonly string[], columns: ReadonlySet<string>, picked?: string): string => {
  const all = pickedColumns(entity, files.length > 0 ? columns : null)
  const from = files.length > 0 ? `FROM read_parquet([${files.map(sqlText).join(', ')}], union_by_name = true)` : 'WHERE FALSE'
  return picked ? `SELECT ${picked} FROM (SELECT ${all} ${from})` : `SELECT ${all} ${from}`
}

/** The statement that creates `changed_<entity>`: the keys of rows that came or went. */
export const changedKeys = (entity: EntityName, { added, removed, columns }: LocalChange): string =>
  `CREATE TABLE changed_${entity} AS SELECT DISTINCT _key FROM (${filesSql(entity, [...added, ...removed], columns, '_key')})`

/** As the models have it. */
const monthOf = (time: string) =>
  `CASE WHEN ${time} IS NULL THEN 'unknown' ELSE concat_ws('-', lpad(CAST(extract(YEAR FROM ${time}) AS STRING), 4, '0'),
    lpad(CAST(extract(MONTH FROM ${time}) AS STRING), 2, '0')) END`
const factTimes = { ratings: 'rated_at', reviews: 'COALESCE(date_updated, date_added)' } as const

/**
 * A SELECT of the months that the changed keys of a fact are or were in: of what is current now, of what was current among
 * the rows that did not come, and of all that went.
 */
export const monthsOfFacts = (entity: 'ratings' | 'reviews', { added, removed, columns }: LocalChange): string => {
  const month = monthOf(factTimes[entity])
  const came = filesSql(entity, added, columns, '_topic_id, _partition, _offset')
  return `
    SELECT ${month} AS month FROM silver_${entity}
    UNION
    SELECT ${month} FROM (${newestRows(`(SELECT * FROM silver_${entity}_history ANTI JOIN (${came}) USING (_topic_id, _partition, _offset))`)}) WHERE NOT _deleted
    UNION
    SELECT ${month} FROM (${filesSql(entity, removed, columns)}) WHERE NOT _deleted`
}

const LATEST_MS = '9000000000000000'
const memberColumns = 'book_sk, book_id, from_ms, to_ms, primary_author_id, primary_genre, language_code'

/** Members of changed books as the last Gold joined facts to them, and as facts join them now; then what is in one only. */
const bookChanges = `
  WITH old_members AS (
    SELECT book_sk, book_id, is_placeholder,
      CASE WHEN ROW_NUMBER() OVER (PARTITION BY book_id ORDER BY valid_from) = 1 THEN -${LATEST_MS} ELSE epoch_ms(valid_from) END AS from_ms,
      COALESCE(epoch_ms(valid_to), ${LATEST_MS}) AS to_ms, primary_author_id, primary_genre, language_code
    FROM gold_dim_book WHERE book_id IN (SELECT _key FROM changed_books)
  ),
  new_members AS (
    SELECT v.book_sk, v.book_id, v.from_ms, v.to_ms, a.author_id AS primary_author_id, COALESCE(g.genre, 'other') AS primary_genre, v.language_code
    FROM book_versions v
    LEFT JOIN book_version_authors a ON a.book_sk = v.book_sk AND a.position = 1
    LEFT JOIN book_genres g ON g.book_sk = v.book_sk
    WHERE v.book_id IN (SELECT _key FROM changed_books)
  )
  (SELECT ${memberColumns} FROM old_members EXCEPT SELECT ${memberColumns} FROM new_members)
  UNION ALL
  (SELECT ${memberColumns} FROM new_members EXCEPT SELECT ${memberColumns} FROM old_members)`

const authorChanges = `
  WITH old_members AS (
    SELECT author_sk, author_id,
      CASE WHEN ROW_NUMBER() OVER (PARTITION BY author_id ORDER BY valid_from) = 1 THEN -${LATEST_MS} ELSE epoch_ms(valid_from) END AS from_ms,
      COALESCE(epoch_ms(valid_to), ${LATEST_MS}) AS to_ms
    FROM gold_dim_author WHERE author_id IN (SELECT _key FROM changed_authors)
  ),
  new_members AS (
    SELECT author_sk, author_id, from_ms, to_ms FROM author_versions WHERE author_id IN (SELECT _key FROM changed_authors)
  )
  (FROM old_members EXCEPT FROM new_members) UNION ALL (FROM new_members EXCEPT FROM old_members)`

/** A SELECT of the months in which facts lie whose book or author is another one than in the last Gold. */
const monthsOfMembers = `
  WITH spans AS (
    SELECT book_id, from_ms, to_ms FROM (${bookChanges})
    UNION
    SELECT b.book_id, a.from_ms, a.to_ms FROM (${authorChanges}) a
    JOIN (SELECT DISTINCT book_id, COALESCE(primary_author_id, 'unknown') AS author_id FROM gold_dim_book) b ON b.author_id = a.author_id
  ),
  months AS (
    SELECT month, book_id,
      CASE WHEN month = 'unknown' THEN ${LATEST_MS} - 1
        ELSE COALESCE(epoch_ms(TRY_CAST(month || '-01' AS TIMESTAMP)), -${LATEST_MS}) END AS first_ms,
      COALESCE(epoch_ms(TRY_CAST(month || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH), ${LATEST_MS}) AS end_ms
    FROM gold_agg_book_monthly
  )
  SELECT DISTINCT m.month FROM months m JOIN spans s ON s.book_id = m.book_id AND s.from_ms < m.end_ms AND s.to_ms > m.first_ms`

/** The months that an increment derives anew: sorted 'YYYY-MM', and 'unknown'. */
export const touchedMonths = async (
  duckdb: DuckDb,
  changes: { ratings: LocalChange; reviews: LocalChange },
  signal?: AbortSignal,
): Promise<string[]> => {
  const found = await duckdb.rows<{ month: string }>(
    `${monthsOfFacts('ratings', changes.ratings)} UNION ${monthsOfFacts('reviews', changes.reviews)} UNION (${monthsOfMembers})`,
    [],
    { signal },
  )
  return found.map(({ month }) => month).sort()
}
