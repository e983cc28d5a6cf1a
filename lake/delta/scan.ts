import { appendValue, type Column, type ColumnBatch, type Field, newColumn } from '../columns/column.ts'
import { scanParquet } from '../parquet/scan.ts'
import type { ObjectStore } from '../store/store.ts'
import { type AddFile, filePath } from './actions.ts'
import { partitionValue } from './partition.ts'
import type { Snapshot } from './snapshot.ts'

export interface ScanOptions {
  /** The table's root in the store. */
  root: string
  /** Columns of the table to read, in this order; partition columns may be among them. */
  columns: readonly string[]
  /** Which files to read, by their partition values and statistics; all where it is missing. */
  where?: (file: AddFile) => boolean
}

/** A table at one version, or some of its files. */
export type ScannedFiles = Pick<Snapshot, 'metadata'> & { files: Pick<ReadonlyMap<string, AddFile>, 'values'> }

/**
 * The rows of a table's live files, in batches of bounded size, reading only the named columns' bytes. Each batch is of
 * one file; a column that the file lacks is null in it. The order of the files is that of the log. A table that does not
 * exist has none. Throws where the table has no column of that name.
 */
export async function* scan(
  store: Pick<ObjectStore, 'getRange'>,
  snapshot: ScannedFiles,
  { root, columns, where = () => true }: ScanOptions,
): AsyncGenerator<ColumnBatch> {
  if (!snapshot.metadata) return
  const { fields, partitionColumns } = snapshot.metadata
  const wanted = columns.map((name) => fieldOf(fields, name))
  const stored = wanted.filter(({ name }) => !partitionColumns.includes(name))
  for (const file of snapshot.files.values()) {
    if (!where(file)) continue
    const path = `${root}/${filePath(file.path)}`
    const source = { path, sizeBytes: file.size, read: (start: number, end: number) => store.getRange(path, start, end) }
    for await (const read of scanParquet(source, stored)) {
      const columnFor = (field: Field): Column =>
        read.columns[stored.indexOf(field)] ??
        constant(field, partitionValue(file.partitionValues[field.name] ?? null, field.type.kind), read.length)
      yield { fields: wanted, columns: wanted.map(columnFor), length: read.length }
    }
  }
}

const fieldOf = (fields: readonly Field[], name: string): Field => {
  const field = fields.find((candidate) => candidate.name === name)
  if (!field) throw new Error(`no column ${name} among ${fields.map((candidate) => candidate.name).join(', ')}`)
  return field
}

const constant = (field: Field, value: unknown, length: number): Column => {
  const column = newColumn(field.type, length)
  for (let row = 0; row < length; row++) appendValue(column, value)
  return column
}
