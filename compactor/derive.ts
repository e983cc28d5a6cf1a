import type { DuckDb } from '../runtime/duckdb.ts'
import { ReadflowError } from '../runtime/errors.ts'
import { entityNames } from '../schemas/catalogue.ts'
import type { EntityName } from '../schemas/records.ts'
import { type InputOptions, inputViews } from './inputs.ts'
import { loadFunctions, loadModels } from './models.ts'
import { duckdbTypes, type GoldName, type GoldTable, goldNames, goldTables } from './tables.ts'

export type Inputs = Readonly<Record<EntityName, Omit<InputOptions, 'entity'>>>

/**
 * Derives every Gold table from Silver, as a DuckDB table of its name: a pure function of the input rows.
 * Throws ReadflowError `build-failed` where a model's columns are not those of the contract.
 */
export const deriveGold = async ({ duckdb, inputs, signal }: { duckdb: DuckDb; inputs: Inputs; signal?: AbortSignal }): Promise<void> => {
  for (const entity of entityNames) {
    for (const statement of inputViews({ entity, ...inputs[entity] })) await duckdb.run(statement, [], { signal })
  }
  await duckdb.run(loadFunctions())
  for (const { name, sql } of loadModels()) {
    try {
      await duckdb.run(`CREATE OR REPLACE TABLE ${name} AS ${clustered(name, sql)}`, [], { signal })
    } catch (cause) {
      signal?.throwIfAborted()
      throw new ReadflowError('build-failed', `model ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
  for (const name of goldNames) await checkColumns(duckdb, name, goldTables[name])
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
