import { openTable, type Table } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { entityNames, topicNames } from '../../schemas/catalogue.ts'
import { systemTables } from '../../schemas/system-tables.ts'
import { goldNames, goldTables } from '../tables.ts'

/** A table of the lake, as upkeep needs it. */
export interface UpkeepTable {
  /** Such as `silver.books`. */
  name: string
  table: Table
  /** What the rows of a merged file are sorted by. */
  sortBy: readonly string[]
}

const bronzeOrder = ['_topic_id', '_partition', '_offset']
const silverOrder = ['_key', '_order']

/** Tables by their root, each opened once, so that its log is read once, whoever asks. */
export const cachedTables = (store: ObjectStore, warn: (error: unknown) => void): ((root: string) => Table) => {
  const tables = new Map<string, Table>()
  return (root) => {
    const table = tables.get(root) ?? openTable(store, root, { warn })
    tables.set(root, table)
    return table
  }
}

/** Every table of the lake, in the order of the flow; those that do not exist yet too. */
export const upkeepTables = (tableAt: (root: string) => Table): UpkeepTable[] =>
  [
    ...topicNames.map((name) => ({ name: `bronze.${name}`, sortBy: bronzeOrder })),
    ...entityNames.map((name) => ({ name: `silver.${name}`, sortBy: silverOrder })),
    ...Object.entries(systemTables).map(([name, { sortedBy }]) => ({ name: `ops.${name}`, sortBy: sortedBy })),
    ...goldNames.map((name) => ({ name: `gold.${name}`, sortBy: goldTables[name].sortedBy })),
  ].map((table) => ({ ...table, table: tableAt(table.name.replace('.', '/')) }))

/** The tables of those names, all for none. Throws `config` for a name that is no table's. */
export const namedTables = (tables: readonly UpkeepTable[], names: readonly string[]): UpkeepTable[] => {
  const unknown = names.find((name) => !tables.some((table) => table.name === name))
  if (unknown !== undefined)
    throw new ReadflowError('config', `${unknown === '' ? 'A table must be named' : `'${unknown}' is no table`}.`, {
      hint: `Tables: ${tables.map(({ name }) => name).join(', ')}.`,
    })
  return names.length === 0 ? [...tables] : tables.filter(({ name }) => names.includes(name))
}
