import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { foldRuns } from '../../lineage/runs/fold.ts'
import { filesByDay, findRun, RUNS_ROOT, readRows } from '../../lineage/runs/read.ts'
import { type Run, type RunKind, type RunState, runKinds } from '../../lineage/runs/run.ts'
import { ReadflowError } from '../../runtime/errors.ts'

export interface RunFilter {
  kind?: RunKind | undefined
  state?: RunState | undefined
}

/** A table version of `ops/runs` as the API reads it. */
export interface RunsAt {
  /** Delta version; -1 before the first run. */
  version: number
  /** So many runs that meet the filter, newest first, after the first `offset` of them; of the last 31 days that have any. */
  list: (filter: RunFilter, page: { offset: number; limit: number }) => Promise<Run[]>
  find: (runId: string) => Promise<Run | null>
  /** The newest run of each kind that has any among the runs of the last days. */
  latest: () => Promise<Run[]>
}

export interface RunsReader {
  /** The newest version, or a named one; null where that is not kept any more. */
  at: (version?: number) => Promise<RunsAt | null>
}

/** Rows of files that stay in memory, without what they read and wrote: two days of polls and builds every ten seconds. */
const MAX_KEPT_ROWS = 60_000
/** Of so many days that have runs: a status asks for each kind, also for one that hardly ever runs. */
const LATEST_DAYS = 3
/** Older runs are for those who ask the table itself. */
const LISTED_DAYS = 31

const MAX_WHOLE_RUNS = 500
/** What lists are made by. */
const listedColumns = ['run_id', 'kind', 'state', 'started_at', 'recorded_at'] as const

const rowKey = ({ runId, state, recordedMs }: Run) => `${runId} ${state} ${recordedMs}`

type Day = ReturnType<typeof filesByDay>[number]

/** Reads `ops/runs` day by day, newest first. Files never change, so that a new commit costs its own few rows. */
export const openRunsReader = ({ store }: { store: ObjectStore }): RunsReader => {
  const table = openTable(store, RUNS_ROOT)
  const kept = new Map<string, Promise<Run[]>>()
  const sizes = new Map<string, number>()
  const fileOf = new WeakMap<Run, AddFile>()
  const wholes = new Map<string, Run>()
  const latestByDay = new Map<string, { files: string; latest: ReadonlyMap<RunKind, Run> }>()
  let keptRows = 0

  const keep = (path: string, rows: number) => {
    sizes.set(path, rows)
    keptRows += rows
    for (const [oldest, size] of sizes) {
      if (keptRows <= MAX_KEPT_ROWS || oldest === path) return
      sizes.delete(oldest)
      kept.delete(oldest)
      keptRows -= size
    }
  }

  const rowsOf = (snapshot: Snapshot, file: AddFile): Promise<Run[]> => {
    const known = kept.get(file.path)
    if (known) return known
    const rows = readRows(table, snapshot, [file], { columns: listedColumns })
    kept.set(file.path, rows)
    rows.then(
      (read) => {
        for (const run of read) fileOf.set(run, file)
        keep(file.path, read.length)
      },
      () => kept.delete(file.path),
    )
    return rows
  }

  const runsOf = async (snapshot: Snapshot, { files }: Day): Promise<Run[]> =>
    foldRuns((await Promise.all(files.map((file) => rowsOf(snapshot, file)))).flat())

  /** Runs with all that is known of them, from the files that their last rows are in. */
  const whole = async (snapshot: Snapshot, runs: readonly Run[]): Promise<Run[]> => {
    const missing = runs.filter((run) => !wholes.has(rowKey(run)))
    for (const [file, of] of Map.groupBy(missing, (run) => fileOf.get(run)!)) {
      const ids = new Set(of.map(({ runId }) => runId))
      for (const row of await readRows(table, snapshot, [file], { ids })) wholes.set(rowKey(row), row)
    }
    const found = runs.map((run) => wholes.get(rowKey(run)) ?? run)
    for (const key of wholes.keys()) if (wholes.size > MAX_WHOLE_RUNS) wholes.delete(key)
    return found
  }

  /** The newest run of each kind on a day. Of a day that is over it is found once. */
  const latestOf = async (snapshot: Snapshot, day: Day): Promise<ReadonlyMap<RunKind, Run>> => {
    const files = day.files.map(({ path }) => path).join()
    const known = latestByDay.get(day.day)
    if (known?.files === files) return known.latest
    const latest = new Map<RunKind, Run>()
    for (const run of await runsOf(snapshot, day)) if (!latest.has(run.kind)) latest.set(run.kind, run)
    latestByDay.set(day.day, { files, latest })
    return latest
  }

  const readerOf = (snapshot: Snapshot): RunsAt => ({
    version: snapshot.version,
    list: async ({ kind, state }, { offset, limit }) => {
      const found: Run[] = []
      let passed = 0
      for (const day of filesByDay(snapshot).slice(0, LISTED_DAYS)) {
        if (kind && !(await latestOf(snapshot, day)).has(kind)) continue
        const wanted: Run[] = []
        for (const run of await runsOf(snapshot, day)) {
          if ((kind && run.kind !== kind) || (state && run.state !== state) || passed++ < offset) continue
          wanted.push(run)
          if (found.length + wanted.length === limit) break
        }
        found.push(...(await whole(snapshot, wanted)))
        if (found.length === limit) break
      }
      return found
    },
    find: (runId) => findRun(store, RUNS_ROOT, snapshot, runId),
    latest: async () => {
      const found = new Map<RunKind, Run>()
      for (const day of filesByDay(snapshot).slice(0, LATEST_DAYS))
        for (const [kind, run] of await latestOf(snapshot, day)) if (!found.has(kind)) found.set(kind, run)
      return whole(
        snapshot,
        runKinds.flatMap((kind) => found.get(kind) ?? []),
      )
    },
  })

  return {
    at: async (version) => {
      try {
        return readerOf(await table.snapshot(version === undefined ? {} : { version }))
      } catch (error) {
        if (version !== undefined && error instanceof ReadflowError && error.code === 'lake-not-found') return null
        throw error
      }
    },
  }
}

/** A run as the API gives it: the columns of `ops/runs`, lists and counts as JSON. */
export const shapeRun = (run: Run) => ({
  run_id: run.runId,
  kind: run.kind,
  job: run.job,
  program: run.program,
  state: run.state,
  started_at: new Date(run.startedMs).toISOString(),
  ended_at: run.endedMs === null ? null : new Date(run.endedMs).toISOString(),
  duration_ms: run.endedMs === null ? null : run.endedMs - run.startedMs,
  attempt: run.attempt,
  error: run.error,
  inputs: run.inputs,
  outputs: run.outputs,
  counts: run.counts,
  parent_run_id: run.parentRunId,
})
