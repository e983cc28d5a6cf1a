import { appendValue, type Field, newBatch } from '../columns/column.ts'
import { type CommitPlan, commit } from './commit.ts'
import type { Snapshot } from './snapshot.ts'
import { stageFiles } from './stage.ts'
import type { Table } from './table.ts'

export interface AppendRows extends Pick<CommitPlan, 'txns' | 'requires' | 'info'> {
  /** All columns of the table; one that it does not have yet is added to it. */
  fields: readonly Field[]
  partitionColumns?: readonly string[]
  /** Column to value, in the forms that `appendValue` takes; what is left out is null. */
  rows: readonly Readonly<Record<string, unknown>>[]
}

/** Adds a few rows to a table in one commit, which creates it where it is not there. For small tables that programs keep of their own work. */
export const appendRows = async (table: Table, { fields, partitionColumns = [], rows, ...rest }: AppendRows): Promise<Snapshot> => {
  const batch = newBatch([...fields], rows.length)
  for (const row of rows) {
    for (const [index, { name }] of fields.entries()) appendValue(batch.columns[index]!, row[name] ?? null)
    batch.length++
  }
  const adds = await stageFiles(table, batch, { partitionColumns })
  return commit(table, { operation: 'WRITE', fields: batch.fields, partitionColumns: [...partitionColumns], adds, ...rest })
}
