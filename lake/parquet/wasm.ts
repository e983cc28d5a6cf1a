import { Compression, readParquet, readSchema, Table, WriterPropertiesBuilder, writeParquet } from 'parquet-wasm'
import { engineVersion } from '../engine.ts'

/** An Arrow IPC stream as one Parquet file, compressed with zstd. */
export const parquetFromIpc = (ipc: Uint8Array): Uint8Array => {
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setCreatedBy(`ReadFlow version ${engineVersion} (build parquet-wasm)`)
    .build()
  return writeParquet(Table.fromIPCStream(ipc), properties)
}

/** The named columns of a Parquet file, or all, as an Arrow IPC stream. Throws where a column is not in the file. */
export const ipcFromParquet = (parquet: Uint8Array, columns?: readonly string[]): Uint8Array =>
  readParquet(parquet, { batchSize: 65_536, ...(columns ? { columns: [...columns] } : {}) }).intoIPCStream()

/** The file's schema as an Arrow IPC stream without rows. */
export const schemaIpcFromParquet = (parquet: Uint8Array): Uint8Array => readSchema(parquet).intoIPCStream()
