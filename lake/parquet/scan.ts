import { ReadflowError } from '../../runtime/errors.ts'
import { type ColumnBatch, type Field, nullColumn } from '../columns/column.ts'
import { fromIpcAs } from './arrow.ts'
import { type ColumnChunk, END_BYTES, type Footer, footerLength, footerOfChunks, parquetOf, type RowGroup, readFooter } from './footer.ts'
import { ipcBatchesFromParquet } from './wasm.ts'

/** A Parquet file that is read in parts. */
export interface ParquetSource {
  /** Names it in errors. */
  path: string
  sizeBytes: number
  /** Bytes `start` to `end` (exclusive). */
  read: (start: number, end: number) => Promise<Uint8Array>
}

/** Read at once: the end of a file, which mostly holds all that it says of itself, and files that are not larger. */
const TAIL_BYTES = 128 * 1024
/** Bytes between two wanted columns that are rather read than skipped. */
const GAP_BYTES = 64 * 1024
/** About what the values of one batch take, decoded. */
const BATCH_BYTES = 16 * 1024 ** 2
const MAX_BATCH_ROWS = 65_536

/**
 * The rows of a Parquet file as columns of these fields, a batch at a time, in the file's order, reading only the
 * columns named: in memory is one row group's part of them, as it is compressed, and one batch. A field that the file
 * lacks, at any depth, is null in every row. Rejects with `lake-invalid` where it is no Parquet file or a type can not
 * be read as that of the field, and with what `read` rejects with.
 */
export async function* scanParquet(source: ParquetSource, fields: readonly Field[]): AsyncGenerator<ColumnBatch> {
  const tailStart = Math.max(0, source.sizeBytes - TAIL_BYTES)
  const tail = await source.read(tailStart, source.sizeBytes)
  const read = async (start: number, end: number) =>
    start >= tailStart ? tail.subarray(start - tailStart, end - tailStart) : source.read(start, end)
  const footer = await footerOf(source, read)
  const names = new Set(fields.map(({ name }) => name))
  for (const group of footer.rowGroups) {
    const chunks = group.chunks.filter(({ column }) => names.has(column))
    const batchRows = rowsOfBatch(group, chunks)
    if (chunks.length === 0) {
      for (let row = 0; row < group.rows; row += batchRows) yield nullBatch(fields, Math.min(batchRows, group.rows - row))
      continue
    }
    const batches = ipcBatchesFromParquet(await chunksFile(source, footer, { group, chunks, read }), batchRows)
    try {
      for (let next = parsing(source, () => batches.next()); !next.done; next = parsing(source, () => batches.next())) {
        const ipc = next.value
        yield parsing(source, () => fromIpcAs(ipc, fields))
      }
    } finally {
      batches.return(undefined)
    }
  }
}

const footerOf = async (source: ParquetSource, read: ParquetSource['read']): Promise<Footer> => {
  const end = source.sizeBytes - END_BYTES
  const length = end < 0 ? null : footerLength(await read(end, source.sizeBytes))
  if (length === null || length > end) throw new ReadflowError('lake-invalid', `${source.path} is no Parquet file`)
  const bytes = await read(end - length, end)
  return parsing(source, () => readFooter(bytes))
}

/** A Parquet file of one row group and of nothing but some of its columns. */
const chunksFile = async (
  source: ParquetSource,
  footer: Footer,
  { group, chunks, read }: { group: RowGroup; chunks: readonly ColumnChunk[]; read: ParquetSource['read'] },
): Promise<Uint8Array> => {
  const ranges: { start: number; end: number }[] = []
  for (const { start, end } of [...chunks].sort((a, b) => a.start - b.start)) {
    const last = ranges.at(-1)
    if (last && start - last.end <= GAP_BYTES) last.end = Math.max(last.end, end)
    else ranges.push({ start, end })
  }
  const pieces: Uint8Array[] = []
  const moved = new Map<number, number>()
  let at = 4
  for (const { start, end } of ranges) {
    pieces.push(await read(start, end))
    for (const chunk of chunks) if (chunk.start >= start && chunk.end <= end) moved.set(chunk.start, at + chunk.start - start)
    at += end - start
  }
  return parsing(source, () => parquetOf(pieces, footerOfChunks(footer, group, moved)))
}

const nullBatch = (fields: readonly Field[], length: number): ColumnBatch => ({
  fields: [...fields],
  length,
  columns: fields.map(({ type }) => nullColumn(type, length)),
})

const rowsOfBatch = ({ rows }: RowGroup, chunks: readonly ColumnChunk[]): number => {
  const bytes = chunks.reduce((sum, { uncompressedBytes }) => sum + uncompressedBytes, 0)
  return Math.max(1, Math.min(MAX_BATCH_ROWS, Math.floor((BATCH_BYTES * rows) / Math.max(1, bytes))))
}

const parsing = <T>({ path }: ParquetSource, parse: () => T): T => {
  try {
    return parse()
  } catch (cause) {
    if (cause instanceof ReadflowError) throw cause
    throw new ReadflowError('lake-invalid', `${path} can not be read as Parquet: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}
