import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type GoldName, goldTables } from './tables.ts'

/** One step of a build: a SELECT whose rows become the relation of that name. */
export interface Model {
  name: string
  sql: string
}

/**
 * The models in the order in which they are built: each reads Silver's views, views of the last Gold (`kept_<table>`,
 * `redo_<fact>`; empty where everything is derived) and models before it. The first list makes the versions of books and
 * authors, the second the tables; in between a build learns which months they touch. `*` marks those that engines write
 * differently (lists to rows and back); they are in `dialects/<engine>/`.
 */
const versionModels = [
  'genres',
  'shelf_genres',
  'bookkeeping_shelves',
  'new_book_versions',
  'new_author_versions',
  'new_book_authors*',
  'new_book_shelves*',
  'book_shelves',
  'book_versions',
  'author_versions',
  'book_version_authors',
  'book_version_genres',
  'book_genres',
]
const tableModels = [
  'rating_rows',
  'review_rows',
  'book_members',
  'author_members',
  'book_lists*',
  'dim_genre',
  'dim_author',
  'dim_book',
  'bridge_book_author',
  'bridge_book_genre',
  'fact_rating',
  'fact_review',
  'agg_book_monthly',
  'agg_ratings_daily',
  'agg_reviews_daily',
  'fact_days',
  'dim_date',
  'agg_review_trends',
  'book_ratings',
  'rating_prior',
  'agg_rating_distribution',
  'agg_author_performance',
]

/** Views of the last published Gold that the models read besides Silver: rows that the build does not derive from Silver. */
export const keptViews = {
  kept_dim_book: 'dim_book',
  kept_dim_author: 'dim_author',
  kept_bridge_book_author: 'bridge_book_author',
  kept_bridge_book_genre: 'bridge_book_genre',
  kept_agg_book_monthly: 'agg_book_monthly',
  kept_agg_ratings_daily: 'agg_ratings_daily',
  kept_agg_reviews_daily: 'agg_reviews_daily',
  redo_fact_rating: 'fact_rating',
  redo_fact_review: 'fact_review',
} as const satisfies Record<string, GoldName>

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

const load = (entries: readonly string[], engine: string): Model[] =>
  entries.map((entry) => {
    const name = entry.replace('*', '')
    return { name, sql: read(entry.endsWith('*') ? `dialects/${engine}/${name}.sql` : `models/${name}.sql`) }
  })

/** The models in build order, in their two parts, for an engine that has a folder under `dialects/`. */
export const loadModels = (engine = 'duckdb'): { versions: Model[]; tables: Model[] } => ({
  versions: load(versionModels, engine),
  tables: load(tableModels, engine),
})

/** Names the models and the layout of their tables: Gold of another digest is derived anew as a whole. */
export const modelsDigest = (): string => {
  const { versions, tables } = loadModels()
  return createHash('sha256')
    .update(JSON.stringify([loadFunctions(), versions, tables, goldTables]))
    .digest('hex')
    .slice(0, 16)
}

/** The functions that the models call and the engine lacks or names otherwise; run once before them. */
export const loadFunctions = (engine = 'duckdb'): string => read(`dialects/${engine}/functions.sql`)
