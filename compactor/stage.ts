import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { AddFile } from '../lake/delta/actions.ts'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import type { ObjectStore } from '../lake/store/store.ts'
import type { DuckDb } from '../runtime/duckdb.ts'
import { ReadflowError } from '../runtime/errors.ts'
import { readPartitions, writePartition } from './partitions.ts'
import { DIGEST_TAG, planTable } from './plan.ts'
import { type GoldName, type GoldTable, goldTables } from './tables.ts'

/** A Gold table as it will be: files that are in the lake already but in no version of the table. */
export interface StagedTable {
  name: GoldName
  adds: AddFile[]
  removes: AddFile[]
  /** Rows of the table once `adds` and `removes` are committed. */
  rows: number
}

export interface StageOptions {
  store: ObjectStore
  duckdb: DuckDb
  name: GoldName
  /** The table's newest version: what it holds already is not written again. */
  current: Snapshot
  /** Months that were derived: files of others stay as they are. Null: all were. */
  months: ReadonlySet<string> | null
  tempDir: string
  nowMs: () => number
  signal?: AbortSignal | undefined
}

/** Writes the partitions of a derived table that differ from the current version, uncommitted. */
export const stageTable = async ({ store, duckdb, name, current, months, tempDir, nowMs, signal }: StageOptions): Promise<StagedTable> => {
  const table = goldTables[name]
  const isDerived = ({ partitionValues }: AddFile) => isInMonths(name, partitionValues, months)
  const partitions = await readPartitions(duckdb, name, table)
  const stranger = partitions.find(({ values }) => !isInMonths(name, values, months))
  // Its rows would be there twice: the months were found by other means than the rows.
  if (stranger)
    throw new ReadflowError('build-failed', `${name} has rows in ${JSON.stringify(stranger.values)}, which is no month that changed`)
  const live = [...current.files.values()]
  const [derived, kept] = [live.filter(isDerived), live.filter((file) => !isDerived(file))]
  const plan = planTable(derived, partitions)
  const adds: AddFile[] = []
  for (const partition of plan.write) {
    signal?.throwIfAborted()
    const folders = Object.entries(partition.values).map(([column, value]) => `${column}=${value}/`)
    const file = `${folders.join('')}part-${randomUUID()}.zstd.parquet`
    const local = path.join(tempDir, `${randomUUID()}.parquet`)
    await writePartition(duckdb, name, table, partition, local, signal)
    const { size } = await stat(local)
    await store.putFile(`${goldRoot(name)}/${file}`, local)
    adds.push({
      path: file,
      partitionValues: partition.values,
      size,
      modificationTime: nowMs(),
      dataChange: true,
      stats: partition.stats,
      tags: { [DIGEST_TAG]: partition.digest },
    })
  }
  return {
    name,
    adds,
    removes: plan.remove,
    rows: kept.reduce((sum, file) => sum + fileRows(file), 0) + partitions.reduce((sum, { rows }) => sum + rows, 0),
  }
}

/** Whether a file or partition of a table is of months that a build derived; always so in a table without months. */
export const isInMonths = (
  name: GoldName,
  values: Readonly<Record<string, string | null>>,
  months: ReadonlySet<string> | null,
): boolean => {
  const { monthColumn }: GoldTable = goldTables[name]
  return months === null || monthColumn === undefined || months.has(values[monthColumn] ?? '')
}

/** Rows of a file as its statistics have it. */
export const fileRows = ({ stats }: Pick<AddFile, 'stats'>): number =>
  (stats === undefined ? null : (JSON.parse(stats) as { numRecords?: number }))?.numRecords ?? 0

/** Where a Gold table is in the lake. */
export const goldRoot = (name: GoldName): string => `gold/${name}`
