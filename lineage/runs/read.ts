import { columnOf, valueAt } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { emptyLayeredMap } from '../../lake/delta/layered-map.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { systemTables } from '../../schemas/system-tables.ts'
import { factsOf, textIs } from '../conditions.ts'
import { foldRuns } from './fold.ts'
import { runOf } from './row.ts'
import type { Run } from './run.ts'

/** Where the table is in the lake. */
export const RUNS_ROOT = 'ops/runs'

type Place = Pick<Table, 'store' | 'root'>

export interface ReadOptions {
  /** All where it is missing; of the others a run has none. */
  columns?: readonly string[]
  /** The runs whose rows are wanted; all where it is missing. */
  ids?: ReadonlySet<string>
}

/** The rows of some files of the table, as they stand there. */
export const readRows = async (
  { store, root }: Place,
  snapshot: Snapshot,
  files: Iterable<AddFile>,
  { columns = Object.keys(systemTables.runs.columns), ids }: ReadOptions = {},
): Promise<Run[]> => {
  const wanted = columns.filter((name) => snapshot.metadata?.fields.some((field) => field.name === name))
  const of: Snapshot = { ...snapshot, files: emptyLayeredMap<AddFile>().with([...files].map((file) => [file.path, file] as const)) }
  const rows: Run[] = []
  for await (const batch of scan(store, of, { root, columns: wanted })) {
    const read = wanted.map((name) => columnOf(batch, name))
    const runIds = ids && columnOf(batch, 'run_id')
    for (let row = 0; row < batch.length; row++)
      if (!runIds || ids.has(String(valueAt(runIds, row))))
        rows.push(runOf(Object.fromEntries(wanted.map((name, index) => [name, valueAt(read[index]!, row)]))))
  }
  return rows
}

/** The files of a snapshot by the day on which their runs began, newest first: all rows of a run are of one day. */
export const filesByDay = ({ files }: Snapshot): { day: string; files: AddFile[] }[] =>
  [...Map.groupBy(files.values(), ({ partitionValues }) => partitionValues['started_date'] ?? '')]
    .map(([day, of]) => ({ day, files: of }))
    .sort((a, b) => (a.day < b.day ? 1 : -1))

/** The runs of the newest days that have any, newest first. */
export const readNewestDays = async (place: Place, snapshot: Snapshot, days: number, options?: ReadOptions): Promise<Run[]> => {
  const newest = filesByDay(snapshot).slice(0, days)
  const files = newest.flatMap((day) => day.files)
  return foldRuns(await readRows(place, snapshot, files, options))
}

/** One run by its id; null where it is not there. */
export const findRun = async (store: Table['store'], root: string, snapshot: Snapshot, runId: string): Promise<Run | null> => {
  const is = textIs('run_id', runId)
  const ids = new Set([runId])
  for (const { files } of filesByDay(snapshot)) {
    const wanted = files.filter((file) => is.mayHold(factsOf(file)))
    const found = await readRows({ store, root }, snapshot, wanted, { columns: ['run_id'], ids })
    // All rows of a run are of the day on which it began.
    if (found.length > 0) return foldRuns(await readRows({ store, root }, snapshot, wanted, { ids }))[0] ?? null
  }
  return null
}
