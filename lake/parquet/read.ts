import { ReadflowError } from '../../runtime/errors.ts'
import type { ColumnBatch, Field } from '../columns/column.ts'
import { fromIpc, fromIpcAs } from './arrow.ts'
import { ipcFromParquet } from './wasm.ts'

/**
 * The rows of a Parquet file. `columns` names what to read, in this order; names that the file lacks are left out.
 * Throws `lake-invalid` where the bytes are no Parquet file, or hold a type that we lack.
 */
export const readParquet = (bytes: Uint8Array, { columns }: { columns?: readonly string[] } = {}): ColumnBatch =>
  parsing(() => {
    const batch = fromIpc(ipcFromParquet(bytes))
    if (!columns) return batch
    const order = columns.map((name) => batch.fields.findIndex((field) => field.name === name)).filter((index) => index >= 0)
    return {
      length: batch.length,
      fields: order.map((index) => batch.fields[index]!),
      columns: order.map((index) => batch.columns[index]!),
    }
  })

/**
 * The rows of a Parquet file as columns of these fields, whatever else it holds; narrower numbers are widened. A field
 * that the file lacks, at any depth, is null in every row. Throws `lake-invalid` where the bytes are no Parquet file, or
 * a type can not be read as that of the field.
 */
export const readParquetAs = (bytes: Uint8Array, fields: readonly Field[]): ColumnBatch =>
  parsing(() => fromIpcAs(ipcFromParquet(bytes), fields))

const parsing = <T>(read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof ReadflowError) throw cause
    throw new ReadflowError('lake-invalid', `a Parquet file can not be read: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
