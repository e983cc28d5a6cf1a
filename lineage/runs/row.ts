import type { Dataset, Run, RunKind, RunState } from './run.ts'

const DAY_MS = 86_400_000

/** The day of a time, as days since 1970-01-01. */
export const dayOf = (ms: number): number => Math.floor(ms / DAY_MS)

/** A run in one state as a row of `ops/runs`. */
export const rowOf = (run: Run): Readonly<Record<string, unknown>> => ({
  run_id: run.runId,
  kind: run.kind,
  job: run.job,
  program: run.program,
  state: run.state,
  started_at: run.startedMs,
  ended_at: run.endedMs,
  duration_ms: run.endedMs === null ? null : run.endedMs - run.startedMs,
  attempt: run.attempt,
  error: run.error,
  inputs: JSON.stringify(run.inputs),
  outputs: JSON.stringify(run.outputs),
  counts: JSON.stringify(run.counts),
  parent_run_id: run.parentRunId,
  host: run.host,
  pid: run.pid,
  recorded_at: run.recordedMs,
  started_date: dayOf(run.startedMs),
})

/** A row of `ops/runs` as a scan gives it: times as epoch ms. What another hand wrote there in a wrong form is empty. */
export const runOf = (row: Readonly<Record<string, unknown>>): Run => ({
  runId: text(row['run_id']),
  kind: text(row['kind']) as RunKind,
  job: text(row['job']),
  program: text(row['program']),
  state: text(row['state']) as RunState,
  startedMs: Number(row['started_at'] ?? 0),
  endedMs: row['ended_at'] == null ? null : Number(row['ended_at']),
  attempt: Number(row['attempt'] ?? 1),
  error: row['error'] == null ? null : text(row['error']),
  inputs: json<Dataset[]>(row['inputs'], []),
  outputs: json<Dataset[]>(row['outputs'], []),
  counts: json<Record<string, number>>(row['counts'], {}),
  parentRunId: row['parent_run_id'] == null ? null : text(row['parent_run_id']),
  host: text(row['host']),
  pid: Number(row['pid'] ?? 0),
  recordedMs: Number(row['recorded_at'] ?? 0),
})

const text = (value: unknown): string => String(value ?? '')

const json = <T>(value: unknown, otherwise: T): T => {
  try {
    return (JSON.parse(text(value)) as T | null) ?? otherwise
  } catch {
    return otherwise
  }
}
