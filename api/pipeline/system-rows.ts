import { columnOf, valueAt } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { emptyLayeredMap } from '../../lake/delta/layered-map.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { factsOf } from '../../lineage/conditions.ts'

/** Rows of one file. `value` gives a column's value of a row, and null of a column that the table does not have yet. */
export interface SystemBatch {
  length: number
  value: (column: string, row: number) => unknown
}

/** The rows of some files of a system table, a batch at a time, in the files' order. */
export async function* systemBatches(
  { store, root }: Pick<Table, 'store' | 'root'>,
  snapshot: Snapshot,
  files: readonly AddFile[],
  columns: readonly string[],
): AsyncGenerator<SystemBatch> {
  const known = columns.filter((name) => snapshot.metadata?.fields.some((field) => field.name === name))
  const of: Snapshot = { ...snapshot, files: emptyLayeredMap<AddFile>().with(files.map((file) => [file.path, file] as const)) }
  for await (const batch of scan(store, of, { root, columns: known })) {
    const read = new Map(known.map((name) => [name, columnOf(batch, name)]))
    yield {
      length: batch.length,
      value: (name, row) => {
        const column = read.get(name)
        return column ? valueAt(column, row) : null
      },
    }
  }
}

/** The newest time in a column of a file, in epoch milliseconds, as the log has it; without an entry there it may be any. */
export const newestMsIn = (file: AddFile, column: string): number => {
  const newestMs = Date.parse(String(factsOf(file).max[column] ?? ''))
  // The log rounds down.
  return Number.isNaN(newestMs) ? Number.POSITIVE_INFINITY : newestMs + 1
}

/** Files by the value of a partition column of days, newest first. */
export const byDay = ({ files }: Snapshot, partitionColumn: string): AddFile[][] =>
  [...Map.groupBy(files.values(), ({ partitionValues }) => partitionValues[partitionColumn] ?? '')]
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([, of]) => of)
