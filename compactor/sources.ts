import { filePath } from '../lake/delta/actions.ts'
import type { ChangedFiles, DataFile } from '../lake/delta/changed-files.ts'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import { sqlName, sqlText, tableSql } from '../lake/sql.ts'
import type { HeldFiles, LocalFiles } from '../lake/store/local-files.ts'
import type { DuckDb } from '../runtime/duckdb.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { EntityName } from '../schemas/records.ts'
import { type DeriveOptions, deriveGold, type Inputs, type Kept } from './derive.ts'
import { changedKeys, type LocalChange, touchedMonths } from './increment.ts'
import { goldRoot, isInMonths } from './stage.ts'
import { type GoldName, goldNames, goldTables } from './tables.ts'

export interface SourceOptions {
  duckdb: DuckDb
  files: LocalFiles
  silver: Record<EntityName, Snapshot>
  signal?: AbortSignal | undefined
}

/** Local files that a derivation reads; released once the derived tables are written. */
export interface Derived {
  /** Months that were derived; null: all. */
  months: ReadonlySet<string> | null
  release: () => void
}

/** Derives Gold from all of Silver. */
export const deriveAll = async ({ duckdb, files, silver, signal }: SourceOptions): Promise<Derived> =>
  holding(files, signal, async (hold) => {
    const inputs = await keyedAsync(entityNames, (entity) => silverInput(hold, entity, silver[entity]))
    await deriveGold({ duckdb, inputs, signal })
    return null
  })

/** Derives what the changed files of Silver change of the Gold that `gold` is. */
export const deriveIncrement = async (
  { duckdb, files, silver, signal }: SourceOptions,
  gold: Record<GoldName, Snapshot>,
  changed: Record<EntityName, ChangedFiles>,
): Promise<Derived> =>
  holding(files, signal, async (hold) => {
    const changes = await keyedAsync(entityNames, (entity) => localChange(hold, entity, silver[entity], changed[entity]))
    const inputs = await keyedAsync(entityNames, async (entity) => {
      await duckdb.run(changedKeys(entity, changes[entity]), [], { signal })
      const isUnchanged = changed[entity].added.length + changed[entity].removed.length === 0
      const input = isUnchanged ? { relation: null, columns: new Set<string>() } : await silverInput(hold, entity, silver[entity])
      return { ...input, keys: `changed_${entity}` }
    })
    for (const name of goldNames) {
      // Facts are read by the month, once it is known which.
      if (!isFact(name)) await duckdb.run(`CREATE VIEW gold_${name} AS ${await goldRows(hold, name, gold[name], () => true)}`)
    }
    let months = new Set<string>()
    const keepMore = async (): Promise<Kept> => {
      months = new Set(await touchedMonths(duckdb, changes, signal))
      return { ...keptVersions, ...keptMonths(months), ...(await redoneFacts(hold, gold, months)) }
    }
    await deriveGold({ duckdb, inputs, kept: keptVersions, keepMore, signal } satisfies DeriveOptions)
    return months
  })

const isFact = (name: GoldName): name is 'fact_rating' | 'fact_review' => name === 'fact_rating' || name === 'fact_review'

/** Versions of books and authors that did not change. A placeholder is none: it is made anew from what refers to it. */
const keptVersions: Kept = {
  kept_dim_book: 'SELECT * FROM gold_dim_book WHERE NOT is_placeholder AND book_id NOT IN (SELECT _key FROM changed_books)',
  kept_dim_author: 'SELECT * FROM gold_dim_author WHERE NOT is_placeholder AND author_id NOT IN (SELECT _key FROM changed_authors)',
  kept_bridge_book_author: 'SELECT * FROM gold_bridge_book_author WHERE book_id NOT IN (SELECT _key FROM changed_books)',
  kept_bridge_book_genre: 'SELECT * FROM gold_bridge_book_genre WHERE book_id NOT IN (SELECT _key FROM changed_books)',
}

const monthList = (months: ReadonlySet<string>) => (months.size === 0 ? "('')" : `(${[...months].map(sqlText).join(', ')})`)

const keptMonths = (months: ReadonlySet<string>): Kept => ({
  kept_agg_book_monthly: `SELECT * FROM gold_agg_book_monthly WHERE month NOT IN ${monthList(months)}`,
  kept_agg_ratings_daily: `SELECT * FROM gold_agg_ratings_daily WHERE month NOT IN ${monthList(months)}`,
  kept_agg_reviews_daily: `SELECT * FROM gold_agg_reviews_daily WHERE month NOT IN ${monthList(months)}`,
})

/** Facts of the touched months as they are; those that changed come from Silver. */
const redoneFacts = async (hold: Hold, gold: Record<GoldName, Snapshot>, months: ReadonlySet<string>): Promise<Kept> => {
  const rows = (name: 'fact_rating' | 'fact_review') =>
    goldRows(hold, name, gold[name], ({ partitionValues }) => isInMonths(name, partitionValues, months))
  return {
    redo_fact_rating: `SELECT * FROM (${await rows('fact_rating')}) WHERE rating_key NOT IN (SELECT _key FROM changed_ratings)`,
    redo_fact_review: `SELECT * FROM (${await rows('fact_review')}) WHERE review_id NOT IN (SELECT _key FROM changed_reviews)`,
  }
}

/** Brings files of a table here and keeps them; says where each lies. */
type Hold = (root: string, files: Iterable<DataFile>) => Promise<HeldFiles['localPath']>

/** Runs a derivation that brings files here as it goes; they stay until the caller releases them. */
export const holding = async (
  files: LocalFiles,
  signal: AbortSignal | undefined,
  derive: (hold: Hold) => Promise<ReadonlySet<string> | null>,
): Promise<Derived> => {
  const held: HeldFiles[] = []
  const release = () => {
    for (const each of held.splice(0)) each.release()
  }
  const hold: Hold = async (root, wanted) => {
    const found = await files.hold(
      [...wanted].map(({ path, size }) => ({ path: `${root}/${filePath(path)}`, sizeBytes: size })),
      { signal },
    )
    held.push(found)
    return (path) => found.localPath(`${root}/${path}`)
  }
  try {
    return { months: await derive(hold), release }
  } catch (error) {
    release()
    throw error
  }
}

const silverInput = async (hold: Hold, entity: EntityName, snapshot: Snapshot): Promise<Inputs[EntityName]> => {
  if (!snapshot.metadata) return { relation: null, columns: new Set<string>() }
  const localPath = await hold(`silver/${entity}`, snapshot.files.values())
  return { relation: `(${tableSql({ snapshot, localPath })})`, columns: columnsOf(snapshot) }
}

const columnsOf = ({ metadata }: Snapshot): ReadonlySet<string> => new Set(metadata?.fields.map(({ name }) => name))

const localChange = async (hold: Hold, entity: EntityName, snapshot: Snapshot, { added, removed }: ChangedFiles): Promise<LocalChange> => {
  const localPath = await hold(`silver/${entity}`, [...added, ...removed])
  const paths = (files: readonly DataFile[]) => files.map(({ path }) => localPath(filePath(path)))
  return { added: paths(added), removed: paths(removed), columns: columnsOf(snapshot) }
}

/** A SELECT of the rows of some files of a Gold table. */
const goldRows = async (hold: Hold, name: GoldName, snapshot: Snapshot, isWanted: (file: DataFile) => boolean): Promise<string> => {
  const wanted = [...snapshot.files].filter(([, file]) => isWanted(file))
  const localPath = await hold(
    goldRoot(name),
    wanted.map(([, file]) => file),
  )
  const columns = Object.keys(goldTables[name].columns).map(sqlName).join(', ')
  return `SELECT ${columns} FROM (${tableSql({ snapshot: { metadata: snapshot.metadata, files: new Map(wanted) }, localPath })})`
}

/** An object of what `make` gives for each key, one after another. */
export const keyedAsync = async <K extends string, V>(keys: readonly K[], make: (key: K) => Promise<V>) => {
  const entries: [K, V][] = []
  for (const key of keys) entries.push([key, await make(key)])
  return Object.fromEntries(entries) as Record<K, V>
}
