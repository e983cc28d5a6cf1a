import { readFileSync } from 'node:fs'

/** One step of a build: a SELECT whose rows become the relation of that name. */
export interface Model {
  name: string
  sql: string
}

/**
 * The models in the order in which they are built: each reads Silver's views and models before it. `*` marks
 * those that engines write differently (lists to rows and back); they are in `dialects/<engine>/`.
 */
const order = [
  'genres',
  'shelf_genres',
  'bookkeeping_shelves',
  'book_versions',
  'author_versions',
  'book_version_authors*',
  'book_version_shelves*',
  'book_shelves',
  'book_genres',
  'book_members',
  'author_members',
  'book_lists*',
  'dim_genre',
  'dim_author',
  'dim_book',
  'fact_rating',
  'fact_review',
  'dim_date',
]

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

/** The models in build order, for an engine that has a folder under `dialects/`. */
export const loadModels = (engine = 'duckdb'): Model[] =>
  order.map((entry) => {
    const name = entry.replace('*', '')
    return { name, sql: read(entry.endsWith('*') ? `dialects/${engine}/${name}.sql` : `models/${name}.sql`) }
  })

/** The functions that the models call and the engine lacks or names otherwise; run once before them. */
export const loadFunctions = (engine = 'duckdb'): string => read(`dialects/${engine}/functions.sql`)
