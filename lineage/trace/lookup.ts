import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import { findAdd } from '../../lake/delta/find-add.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { sqlName, sqlText, tableSql } from '../../lake/sql.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { type Condition, factsOf } from '../conditions.ts'
import type { Place } from './answer.ts'

export interface LookupOptions {
  store: ObjectStore
  /** The table at a root; kept by the caller, so that its log is not read anew for each question. */
  tableAt: (root: string) => Table
  files: LocalFiles
  duckdb: DuckDb
  signal?: AbortSignal | undefined
}

/** A table at the one version that a whole answer reads. */
export interface Pinned {
  /** Such as `silver.books`. */
  name: string
  root: string
  snapshot: Snapshot
}

export type Row = Readonly<Record<string, unknown>>

export interface Found {
  row: Row
  pinned: Pinned
  file: AddFile
}

export interface FindOptions {
  /** Columns that are not wanted, such as large ones. */
  without?: readonly string[]
  limit?: number
}

const MAX_ROWS = 20
/** More files than this with such a row are not read: one is the rule. */
const MAX_FILES = 100

/** The rows of a pinned table that meet all conditions, with the file of each. Rejects with `lake-not-found` where files are gone. */
export const findRows = async (
  { files, duckdb, signal }: LookupOptions,
  pinned: Pinned,
  conditions: readonly Condition[],
  { without = [], limit = MAX_ROWS }: FindOptions = {},
): Promise<Found[]> => {
  const { root, snapshot } = pinned
  const pathOf = (file: AddFile) => `${root}/${filePath(file.path)}`
  const candidates = [...snapshot.files.values()].filter((file) => {
    const facts = factsOf(file)
    return conditions.every(({ mayHold }) => mayHold(facts))
  })
  if (candidates.length === 0) return []
  const held = await files.hold(
    candidates.map((file) => ({ path: pathOf(file), sizeBytes: file.size })),
    { signal },
  )
  try {
    const where = conditions.flatMap(({ sql }) => sql ?? []).join(' AND ')
    const byLocal = new Map(candidates.map((file) => [held.localPath(pathOf(file)), file]))
    const list = [...byLocal.keys()].map(sqlText).join(', ')
    const holding = await duckdb.rows<{ filename: string }>(
      `SELECT DISTINCT filename FROM read_parquet([${list}], union_by_name = true, hive_partitioning = false, filename = true)
       WHERE ${where} ORDER BY filename LIMIT ${MAX_FILES}`,
      [],
      { signal },
    )
    const hidden = without.length > 0 ? ` EXCLUDE (${without.map(sqlName).join(', ')})` : ''
    const found: Found[] = []
    for (const { filename } of holding) {
      const file = byLocal.get(filename)!
      const one = tableSql({
        snapshot: { metadata: snapshot.metadata, files: new Map([[file.path, file]]) },
        localPath: () => filename,
      })
      const rows = await duckdb.rows(`SELECT *${hidden} FROM (${one}) WHERE ${where} LIMIT ${limit}`, [], { signal })
      found.push(...rows.map((row) => ({ row, pinned, file })))
    }
    return found.slice(0, limit)
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof ReadflowError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ReadflowError(
      'lake-not-found',
      `files of ${pinned.name} version ${snapshot.version} can not be read: ${reason.split('\n')[0]}`,
      {
        cause,
      },
    )
  } finally {
    held.release()
  }
}

/** Where a found row lies: its table's version, its file, and the commit that added this. */
export const placeOf = async ({ tableAt }: LookupOptions, { pinned: { name, root, snapshot }, file }: Found): Promise<Place> => {
  const added = await findAdd(tableAt(root), file, snapshot.version)
  const publishId = added?.commitInfo?.['publishId']
  return {
    table: name,
    version: snapshot.version,
    file: `${root}/${filePath(file.path)}`,
    added_by: added && {
      version: added.version,
      operation: added.commitInfo?.operation ?? 'UNKNOWN',
      committed_at: added.commitInfo ? new Date(added.commitInfo.timestamp).toISOString() : null,
      run_id: typeof publishId === 'string' ? publishId : null,
    },
  }
}
