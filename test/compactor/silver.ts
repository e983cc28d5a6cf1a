import { createHash } from 'node:crypto'
import type { Inputs } from '../../compactor/derive.ts'
import { inputColumns } from '../../compactor/inputs.ts'
import { type DuckDb, openDuckDb } from '../../runtime/duckdb.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'

export type Row = Record<string, unknown>
export type Silver = Partial<Record<EntityName, Row[]>>

export const ms = (time: string): number => Date.parse(time.length === 10 ? `${time}T00:00:00Z` : time)
export const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
export const versionKey = (key: string, time: string, hash: string): string => md5(`${key}|${ms(time)}|${hash}`)

let offset = 0
const provenance = (key: string, time: string, hash: string): Row => ({
  _key: key,
  _hash: hash,
  _order: ms(time),
  _topic_id: 'topic',
  _partition: 0,
  _offset: offset++,
  _deleted: false,
  ingestion_timestamp: '2026-01-01T00:00:00Z',
})

/** Rows as Silver holds them; `time` is the change's order, `hash` stands for its content hash. */
export const book = (id: string, time: string, hash: string, rest: Row = {}): Row => ({
  ...provenance(id, time, hash),
  book_id: id,
  authors: [],
  shelves: [],
  ...rest,
})
export const author = (id: string, time: string, hash: string, rest: Row = {}): Row => ({
  ...provenance(id, time, hash),
  author_id: id,
  ...rest,
})
export const deletion = (id: string, time: string): Row => ({ ...provenance(id, time, 'deleted'), _deleted: true })
export const rating = (user: string, bookId: string, stars: number, time: string | null, rest: Row = {}): Row => ({
  ...provenance(`${user}:${bookId}`, time ?? '2026-01-01', `${stars}`),
  user_id: user,
  book_id: bookId,
  rating: stars,
  rated_at: time,
  ...rest,
})
export const review = (id: string, bookId: string | null, time: string | null, rest: Row = {}): Row => ({
  ...provenance(id, time ?? '2026-01-01', 'r'),
  review_id: id,
  user_id: 'u',
  book_id: bookId,
  date_updated: time,
  ...rest,
})
export const by = (...ids: string[]): Row[] => ids.map((id) => ({ author_id: id, name: `Name of ${id}`, role: null }))
export const shelves = (counts: Record<string, number>): Row[] => Object.entries(counts).map(([name, count]) => ({ name, count }))

const literal = (value: unknown): string => {
  if (value === null || value === undefined) return 'NULL'
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, entry]) => `'${name}': ${literal(entry)}`)
      .join(', ')}}`
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
}

const ROWS_AT_ONCE = 500

/** Writes rows into a table `raw_<entity>` with Silver's columns. */
export const createSilverTable = async (duckdb: DuckDb, entity: EntityName, rows: Row[]): Promise<string> => {
  const columns = inputColumns[entity]
  await duckdb.run(`CREATE OR REPLACE TABLE raw_${entity} (${columns.map(([name, type]) => `${name} ${type}`).join(', ')})`)
  for (const row of rows) {
    const unknown = Object.keys(row).filter((name) => !columns.some(([column]) => column === name))
    if (unknown.length > 0) throw new Error(`${entity} has no column ${unknown.join(', ')}`)
  }
  for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
    const values = rows.slice(first, first + ROWS_AT_ONCE).map((row) => `(${columns.map(([name]) => literal(row[name])).join(', ')})`)
    await duckdb.run(`INSERT INTO raw_${entity} VALUES ${values.join(', ')}`)
  }
  return `raw_${entity}`
}

/** A DuckDB with these Silver rows as tables, and the inputs that name them. */
export const openSilver = async (silver: Silver): Promise<{ duckdb: DuckDb; inputs: Inputs }> => {
  const duckdb = await openDuckDb()
  const inputs: Partial<Record<EntityName, Inputs[EntityName]>> = {}
  for (const entity of entityNames) {
    const relation = await createSilverTable(duckdb, entity, silver[entity] ?? [])
    inputs[entity] = { relation, columns: new Set(inputColumns[entity].map(([name]) => name)) }
  }
  return { duckdb, inputs: inputs as Inputs }
}

/** Queries that give no row where the invariant I6 holds. */
export const invariants: Record<string, string> = {
  'one current row a key': `
    SELECT book_id FROM dim_book GROUP BY book_id HAVING count(*) FILTER (WHERE is_current) <> 1
    UNION ALL SELECT author_id FROM dim_author GROUP BY author_id HAVING count(*) FILTER (WHERE is_current) <> 1`,
  'no overlap, no hole, no empty interval': `
    SELECT key FROM (
      SELECT book_id AS key, valid_from, valid_to, lead(valid_from) OVER (PARTITION BY book_id ORDER BY valid_from) AS following FROM dim_book
      UNION ALL
      SELECT author_id, valid_from, valid_to, lead(valid_from) OVER (PARTITION BY author_id ORDER BY valid_from) FROM dim_author
    ) WHERE valid_to IS DISTINCT FROM following OR valid_to <= valid_from`,
  'surrogate keys are unique': `
    SELECT book_sk FROM dim_book GROUP BY book_sk HAVING count(*) > 1 UNION ALL SELECT author_sk FROM dim_author GROUP BY author_sk HAVING count(*) > 1
    UNION ALL SELECT CAST(date_key AS VARCHAR) FROM dim_date GROUP BY date_key HAVING count(*) > 1`,
  'every fact joins one member of each dimension': ['rating', 'review']
    .map(
      (name) => `
      SELECT f.book_id FROM fact_${name} f LEFT JOIN dim_book b USING (book_sk) LEFT JOIN dim_author a ON a.author_sk = f.author_sk
      LEFT JOIN dim_genre g ON g.genre_sk = f.genre_sk LEFT JOIN dim_date d ON d.date_key = f.date_key
      WHERE b.book_sk IS NULL OR a.author_sk IS NULL OR g.genre_sk IS NULL OR g.genre <> f.primary_genre OR (f.date_key IS NOT NULL AND d.date_key IS NULL)`,
    )
    .join(' UNION ALL '),
  'every current fact of Silver is in Gold once': `
    (SELECT _key FROM silver_ratings EXCEPT ALL SELECT rating_key FROM fact_rating) UNION ALL (SELECT rating_key FROM fact_rating EXCEPT ALL SELECT _key FROM silver_ratings)
    UNION ALL (SELECT _key FROM silver_reviews EXCEPT ALL SELECT review_id FROM fact_review) UNION ALL (SELECT review_id FROM fact_review EXCEPT ALL SELECT _key FROM silver_reviews)`,
  'every book refers to an author':
    'SELECT book_id FROM dim_book b LEFT JOIN dim_author a ON a.author_sk = b.primary_author_sk WHERE a.author_sk IS NULL',
}
