import { Compression, readParquet, Table, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm'
import { engineVersion } from '../engine.ts'

/** An Arrow IPC stream as one Parquet file, compressed with zstd. */
export const parquetFromIpc = (ipc: Uint8Array): Uint8Array => {
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    // A reader may have to hold a whole one.
    .setMaxRowGroupSize(131_072)
    .setCreatedBy(`ReadFlow version ${engineVersion} (build parquet-wasm)`)
    .build()
  return writeParquet(Table.fromIPCStream(ipc), properties)
}

/** All rows of a Parquet file as an Arrow IPC stream. */
export const ipcFromParquet = (parquet: Uint8Array): Uint8Array => readParquet(parquet, { batchSize: 65_536 }).intoIPCStream()

/** The rows of a Parquet file as Arrow IPC streams of so many rows each. It is decoded at once, and handed over in parts. */
export function* ipcBatchesFromParquet(parquet: Uint8Array, batchRows: number): Generator<Uint8Array> {
  const table = readParquet(parquet, { batchSize: batchRows })
  try {
    for (let index = 0; index < table.numBatches; index++) yield table.recordBatch(index)!.intoIPCStream()
  } finally {
    table.free()
  }
}
