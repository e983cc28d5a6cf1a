import type { EntityName } from '../schemas/records.ts'

type Columns = readonly (readonly [name: string, type: string])[]
const of = (type: string, names: string): Columns => names.split(' ').map((name) => [name, type] as const)

const provenance: Columns = [
  ...of('VARCHAR', '_key _hash _topic_id'),
  ...of('BIGINT', '_order _partition _offset'),
  ['_deleted', 'BOOLEAN'],
  ['ingestion_timestamp', 'TIMESTAMPTZ'],
]

/** The Silver columns that the models read, with their DuckDB types. */
export const inputColumns: Readonly<Record<EntityName, Columns>> = {
  books: [
    ...provenance,
    ...of('VARCHAR', 'book_id work_id title title_without_series original_title isbn isbn13 language_code publisher format url image_url'),
    ...of('BIGINT', 'num_pages publication_year publication_month publication_day original_publication_year ratings_count'),
    ...of('BIGINT', 'text_reviews_count work_ratings_count ratings_1 ratings_2 ratings_3 ratings_4 ratings_5'),
    ['average_rating', 'DOUBLE'],
    ['authors', 'STRUCT(author_id VARCHAR, name VARCHAR, role VARCHAR)[]'],
    ['shelves', 'STRUCT(name VARCHAR, count BIGINT)[]'],
  ],
  authors: [
    ...provenance,
    ...of('VARCHAR', 'author_id name gender hometown url image_url'),
    ...of('BIGINT', 'works_count fans_count ratings_count text_reviews_count'),
    ...of('DATE', 'born_at died_at'),
    ['average_rating', 'DOUBLE'],
  ],
  reviews: [
    ...provenance,
    ...of('VARCHAR', 'review_id user_id book_id body'),
    ...of('BIGINT', 'rating votes comments_count read_count'),
    ...of('TIMESTAMPTZ', 'date_added date_updated started_at read_at'),
    ['has_spoiler', 'BOOLEAN'],
    ['shelves', 'VARCHAR[]'],
  ],
  ratings: [...provenance, ...of('VARCHAR', 'user_id book_id review_id'), ['rating', 'BIGINT'], ['rated_at', 'TIMESTAMPTZ']],
}

export interface InputOptions {
  entity: EntityName
  /** Something to select from that holds all rows of the Silver table; null where there is no table yet. */
  relation: string | null
  /** Columns that the relation has. */
  columns: ReadonlySet<string>
  /** A relation with the `_key`s of which rows are wanted; absent: of all. */
  keys?: string
}

/** The columns of an entity's input as a SELECT takes them from a relation: one that it does not have yet is null. */
export const pickedColumns = (entity: EntityName, columns: ReadonlySet<string> | null): string =>
  inputColumns[entity].map(([name, type]) => (columns?.has(name) ? name : `CAST(NULL AS ${type}) AS ${name}`)).join(', ')

/** What comes first is the newest of two versions of a key. A record that was delivered on two partitions has two rows of one hash: the offset decides. */
const newestFirst = '_order DESC, _hash DESC, _topic_id DESC, _partition DESC, _offset DESC'

/** A SELECT of the newest row of each key of a relation, be it a deletion. */
export const newestRows = (relation: string, columns = '*'): string =>
  `SELECT ${columns} FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY _key ORDER BY ${newestFirst}) AS _place FROM ${relation}
  ) WHERE _place = 1`

/** A SELECT of the current row of each key that is not deleted, from `silver_<entity>_history`. */
export const currentRows = (entity: EntityName): string =>
  `${newestRows(`silver_${entity}_history`, inputColumns[entity].map(([name]) => name).join(', '))} AND NOT _deleted`

/**
 * Statements that create `silver_<entity>_history`, every accepted version, and `silver_<entity>`, the current row of
 * each key that is not deleted.
 */
export const inputViews = ({ entity, relation, columns, keys }: InputOptions): string[] => {
  const history = `silver_${entity}_history`
  const from = relation ? `FROM ${relation}${keys ? ` WHERE _key IN (SELECT _key FROM ${keys})` : ''}` : 'WHERE FALSE'
  return [
    // Few rows out of many are read once; all of them are too many to keep.
    `CREATE OR REPLACE ${keys ? 'TABLE' : 'VIEW'} ${history} AS SELECT ${pickedColumns(entity, relation ? columns : null)} ${from}`,
    `CREATE OR REPLACE VIEW silver_${entity} AS ${currentRows(entity)}`,
  ]
}
