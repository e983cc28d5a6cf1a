import { ReadflowError } from '../../runtime/errors.ts'
import type { ColumnBatch } from '../columns/column.ts'
import { toIpc } from './arrow.ts'
import { parquetFromIpc } from './wasm.ts'

/**
 * The batch as the bytes of one Parquet file: zstd, timestamps in microseconds UTC, lists and maps in the layout that
 * the Parquet format names. Throws `lake-invalid` where a column that may not be null holds nulls.
 */
export const encodeParquet = (batch: ColumnBatch): Uint8Array => {
  batch.fields.forEach((field, index) => {
    const { nullCount, length } = batch.columns[index]!
    if (!field.nullable && nullCount > 0)
      throw new ReadflowError('lake-invalid', `column ${field.name} may not be null and is in ${nullCount} rows`)
    if (length !== batch.length)
      throw new ReadflowError('lake-invalid', `column ${field.name} has ${length} rows where the batch has ${batch.length}`)
  })
  const ipc = toIpc(batch)
  const bytes = parquetFromIpc(ipc)
  // Given back at once: garbage of this size is collected late.
  if (ipc.byteLength === ipc.buffer.byteLength) (ipc.buffer as ArrayBuffer).transfer(0)
  return bytes
}
