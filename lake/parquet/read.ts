import { ReadflowError } from '../../runtime/errors.ts'
import type { ColumnBatch, Field } from '../columns/column.ts'
import { fromIpc, fromIpcAs, ipcNames } from './arrow.ts'
import { ipcFromParquet, schemaIpcFromParquet } from './wasm.ts'

/**
 * The rows of a Parquet file. `columns` names what to read, in this order; names that the file lacks are left out.
 * Throws `lake-invalid` where the bytes are no Parquet file, or hold a type that we lack.
 */
export const readParquet = (bytes: Uint8Array, { columns }: { columns?: readonly string[] } = {}): ColumnBatch =>
  parsing(() => {
    if (!columns) return fromIpc(ipcFromParquet(bytes))
    const present = new Set(ipcNames(schemaIpcFromParquet(bytes)))
    const wanted = columns.filter((name) => present.has(name))
    // Without any column the file still says how many rows it has.
    const batch = fromIpc(ipcFromParquet(bytes, wanted.length > 0 ? wanted : [...present].slice(0, 1)))
    const order = wanted.map((name) => batch.fields.findIndex((field) => field.name === name))
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
  parsing(() => {
    const present = ipcNames(schemaIpcFromParquet(bytes))
    const wanted = present.filter((name) => fields.some((field) => field.name === name))
    return fromIpcAs(ipcFromParquet(bytes, wanted.length > 0 ? wanted : present.slice(0, 1)), fields)
  })

const parsing = <T>(read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof ReadflowError) throw cause
    throw new ReadflowError('lake-invalid', `a Parquet file can not be read: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
