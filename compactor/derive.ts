import { sqlName } from '../lake/sql.ts'
import type { DuckDb } from '../runtime/duckdb.ts'
import { ReadflowError } from '../runtime/errors.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { EntityName } from '../schemas/records.ts'
import { type InputOptions, inputViews } from './inputs.ts'
import { keptViews, loadFunctions, loadModels, type Model } from './models.ts'
import { duckdbTypes, type GoldName, type GoldTable, goldNames, goldTables } from './tables.ts'

export type Inputs = Readonly<Record<EntityName, Omit<InputOptions, 'entity'>>>

/** What the models read of the last Gold: SELECTs by the names of their views; a view without one is empty. */
export type Kept = Partial<Record<keyof typeof keptViews, string>>

export interface DeriveOptions {
  duckdb: DuckDb
  inputs: Inputs
  /** What is known at the beginning. */
  kept?: Kept
  /** Called once the versions of books and authors are there: what the rest reads of the last Gold. */
  keepMore?: () => Promise<Kept>
  signal?: AbortSignal | undefined
}

/**
 * Derives every Gold table from Silver and what is kept of the last Gold, as a DuckDB table of its name: a pure function of
 * the input rows. Throws ReadflowError `build-failed` where a model's columns are not those of the contract.
 */
export const deriveGold = async ({ duckdb, inputs, kept = {}, keepMore, signal }: DeriveOptions): Promise<void> => {
  for (const entity of entityNames) {
    for (const statement of inputViews({ entity, ...inputs[entity] })) await duckdb.run(statement, [], { signal })
  }
  await createKeptViews(duckdb, kept)
  await duckdb.run(loadFunctions())
  const { versions, tables } = loadModels()
  await runModels(duckdb, versions, signal)
  if (keepMore) await createKeptViews(duckdb, await keepMore())
  await runModels(duckdb, tables, signal)
  await checkGold(duckdb)
}

/** Throws ReadflowError `build-failed` where the columns of a derived table are not those of the contract. */
export const checkGold = async (duckdb: DuckDb): Promise<void> => {
  for (const name of goldNames) await checkColumns(duckdb, name, goldTables[name])
}

const createKeptViews = async (duckdb: DuckDb, kept: Kept) => {
  for (const [view, name] of Object.entries(keptViews) as [keyof Kept, GoldName][])
    await duckdb.run(`CREATE OR REPLACE VIEW ${view} AS ${kept[view] ?? emptyTable(goldTables[name])}`)
}

/** A SELECT with the columns of a Gold table and no row. */
export const emptyTable = ({ columns }: GoldTable): string =>
  `SELECT ${Object.entries(columns)
    .map(([name, type]) => `CAST(NULL AS ${duckdbTypes[type]}) AS ${sqlName(name)}`)
    .join(', ')} WHERE FALSE`

const runModels = async (duckdb: DuckDb, models: readonly Model[], signal: AbortSignal | undefined) => {
  for (const { name, sql } of models) {
    try {
      await duckdb.run(`CREATE OR REPLACE TABLE ${name} AS ${clustered(name, sql)}`, [], { signal })
    } catch (cause) {
      signal?.throwIfAborted()
      throw new ReadflowError('build-failed', `model ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
}

// Partitions are written one by one: with its rows together each reads its own part of the table, not all of it.
const clustered = (name: string, sql: string) => {
  const partitionColumns = isGold(name) ? goldTables[name].partitionColumns : []
  return partitionColumns.length > 0 ? `SELECT * FROM (${sql}) ORDER BY ${partitionColumns.join(', ')}` : sql
}

const isGold = (name: string): name is GoldName => Object.hasOwn(goldTables, name)

const checkColumns = async (duckdb: DuckDb, name: string, table: GoldTable) => {
  const found = await duckdb.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${name}`)
  const actual = found.map((column) => `${column.column_name} ${column.column_type}`).join(', ')
  const expected = Object.entries(table.columns)
    .map(([column, type]) => `${column} ${duckdbTypes[type]}`)
    .join(', ')
  if (actual !== expected) throw new ReadflowError('build-failed', `model ${name} gives ${actual}; its contract is ${expected}`)
}
