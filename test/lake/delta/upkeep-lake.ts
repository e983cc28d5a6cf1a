import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { filePath } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import type { Rewrite } from '../../../lake/delta/optimize.ts'
import { scan } from '../../../lake/delta/scan.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import type { Table } from '../../../lake/delta/table.ts'
import { readParquet } from '../../../lake/parquet/read.ts'
import { deltaStats } from '../../../lake/parquet/stats.ts'
import { encodeParquet } from '../../../lake/parquet/write.ts'
import { batchOf, field, type Row, rowsOf } from '../sample.ts'

export const fields = [field('id', 'long'), field('name', 'string'), field('day', 'date')]
export const partitionColumns = ['day']

/** Rewrites files in memory, by the lake's own reader and writer: enough for small tables, and quick. */
export const rewriteInMemory =
  (tempDir: string): Rewrite =>
  async ({ table, files, sortBy }) => {
    const stored = fields.filter(({ name }) => !partitionColumns.includes(name))
    const rows: Row[] = []
    for (const file of files) rows.push(...rowsOf(readParquet(await table.store.get(`${table.root}/${filePath(file.path)}`))))
    rows.sort((a, b) => Number(a[sortBy[0]!]) - Number(b[sortBy[0]!]))
    const batch = batchOf(stored, rows)
    const bytes = encodeParquet(batch)
    const localFilePath = path.join(tempDir, `${randomUUID()}.parquet`)
    await writeFile(localFilePath, bytes)
    return { localFilePath, sizeBytes: bytes.length, stats: deltaStats(batch) }
  }

export const stageRows = (table: Table, rows: readonly Row[]) => stageFiles(table, batchOf(fields, rows), { partitionColumns })

export const append = async (table: Table, rows: readonly Row[]) =>
  commit(table, { operation: 'WRITE', fields, partitionColumns, adds: await stageRows(table, rows) })

/** All rows of a version as sorted text. */
export const rowsAt = async (table: Table, version?: number): Promise<string[]> => {
  const rows: string[] = []
  const snapshot = await table.snapshot(version === undefined ? {} : { version })
  for await (const batch of scan(table.store, snapshot, { root: table.root, columns: fields.map(({ name }) => name) }))
    rows.push(...rowsOf(batch).map((row) => JSON.stringify(row)))
  return rows.sort()
}
