import { randomUUID } from 'node:crypto'
import type { ColumnBatch } from '../columns/column.ts'
import { deltaStats } from '../parquet/stats.ts'
import { encodeParquet } from '../parquet/write.ts'
import type { AddFile } from './actions.ts'
import { partitionFolder, splitByPartition } from './partition.ts'
import type { Table } from './table.ts'

/**
 * Writes the rows of a batch as new data files of the table, one a partition, and gives the actions that would add
 * them. The table does not change: the files are nobody's until a commit adds them. No rows, no files.
 */
export const stageFiles = async (
  table: Pick<Table, 'store' | 'root'>,
  batch: ColumnBatch,
  { partitionColumns = [] }: { partitionColumns?: readonly string[] } = {},
): Promise<AddFile[]> => {
  const adds: AddFile[] = []
  // One after the other: what is encoded and not yet written is in memory.
  for (const part of splitByPartition(batch, partitionColumns)) {
    const bytes = encodeParquet(part.batch)
    const path = `${partitionFolder(part.values)}part-${randomUUID()}.zstd.parquet`
    await table.store.put(`${table.root}/${path}`, bytes)
    adds.push({
      path: encodePath(path),
      partitionValues: part.values,
      size: bytes.length,
      modificationTime: Date.now(),
      dataChange: true,
      stats: deltaStats(part.batch),
    })
  }
  return adds
}

/**
 * The action that adds a finished local Parquet file, such as one that DuckDB wrote, after moving it into the table.
 * `stats` is Delta's JSON text.
 */
export const stageLocalFile = async (
  table: Pick<Table, 'store' | 'root'>,
  file: { localFilePath: string; sizeBytes: number; partitionValues: Record<string, string | null>; stats?: string },
): Promise<AddFile> => {
  const path = `${partitionFolder(file.partitionValues)}part-${randomUUID()}.zstd.parquet`
  await table.store.putFile(`${table.root}/${path}`, file.localFilePath)
  const { partitionValues, sizeBytes, stats } = file
  return {
    path: encodePath(path),
    partitionValues,
    size: sizeBytes,
    modificationTime: Date.now(),
    dataChange: true,
    ...(stats ? { stats } : {}),
  }
}

/** A path below the root as it stands in an action. */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/').replaceAll('%3D', '=')
