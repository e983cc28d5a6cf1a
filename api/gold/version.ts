import { randomUUID } from 'node:crypto'
import { filePath } from '../../lake/delta/actions.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { Published } from '../../lake/published.ts'
import { tableSql } from '../../lake/sql.ts'
import type { HeldFiles, LocalFiles } from '../../lake/store/local-files.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'

/** One published Gold: everything read through it is of this version, whatever is published meanwhile. */
export interface GoldVersion {
  version: number
  publishedAt: string
  completeThrough: string | null
  completeThroughByEntity: Readonly<Record<string, string | null>>
  /** SQL name of a Gold table, or of a table that the API derives from them. */
  table: (name: string) => string
  rows: DuckDb['rows']
  /** An answer that is the same for the life of the version: computed once, also for callers at the same time. */
  cached: <T>(key: string, compute: () => Promise<T>) => Promise<T>
}

/** Tables made once a version out of its Gold, by name: SQL that is given the names of the Gold tables. */
export type DerivedTables = Readonly<Record<string, (table: GoldVersion['table']) => string>>

/** A version as the reader holds it: who uses it, and whether it goes when nobody does. */
export interface OpenVersion extends GoldVersion {
  schema: string
  /** Takes its views out of the database and lets go of its files. */
  drop: () => Promise<void>
  users: number
  isRetired: boolean
}

const CACHED_ANSWERS = 200

/**
 * Opens one published Gold: a schema of its own with a view a table over exactly the Delta versions that the entry
 * names, and the derived tables. Rejects, and leaves nothing, where one of them can't be read.
 */
export const createVersion = async ({
  files,
  duckdb,
  published,
  tableAt,
  derived,
}: {
  files: LocalFiles
  duckdb: DuckDb
  published: Published
  /** The table at a root; kept by the caller, so that its log is not read from the beginning for every version. */
  tableAt: (root: string) => Table
  derived: DerivedTables
}): Promise<OpenVersion> => {
  // A name of its own each time: an attempt that failed half way leaves nothing in the way of the next.
  const schema = `gold_v${published.version}_${randomUUID().slice(0, 8)}`
  const table = (name: string) => `${schema}.gold_${name}`
  const held: HeldFiles[] = []
  const drop = async () => {
    await duckdb.run(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    for (const { release } of held.splice(0)) release()
  }
  await duckdb.run(`CREATE SCHEMA ${schema}`)
  try {
    for (const [name, version] of Object.entries(published.tables)) {
      const root = `gold/${name}`
      const snapshot = await tableAt(root).snapshot({ version })
      const wanted = [...snapshot.files.values()].map((file) => ({ path: `${root}/${filePath(file.path)}`, sizeBytes: file.size }))
      const { localPath, release } = await files.hold(wanted)
      held.push({ localPath, release })
      const select = tableSql({ snapshot, localPath: (path) => localPath(`${root}/${path}`) })
      await duckdb.run(`CREATE VIEW ${table(name)} AS ${select}`)
    }
    for (const [name, sql] of Object.entries(derived)) await duckdb.run(`CREATE TABLE ${table(name)} AS ${sql(table)}`)
  } catch (error) {
    await drop()
    throw error
  }
  const answers = new Map<string, Promise<unknown>>()
  const cached = <T>(key: string, compute: () => Promise<T>): Promise<T> => {
    const known = answers.get(key) as Promise<T> | undefined
    if (known) return known
    const answer = compute()
    answers.set(key, answer)
    answer.catch(() => answers.delete(key))
    // Oldest first: a map keeps the order in which keys were set.
    if (answers.size > CACHED_ANSWERS) answers.delete(answers.keys().next().value as string)
    return answer
  }
  return {
    version: published.version,
    publishedAt: published.publishedAt,
    completeThrough: published.completeThrough,
    completeThroughByEntity: published.completeThroughByEntity,
    table,
    rows: duckdb.rows,
    cached,
    schema,
    drop,
    users: 0,
    isRetired: false,
  }
}
