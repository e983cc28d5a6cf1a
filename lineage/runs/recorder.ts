import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { appendRows } from '../../lake/delta/append-rows.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { errorLine } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import { systemFields, systemTables } from '../../schemas/system-tables.ts'
import { openRowQueue, PATIENCE_MS, within } from '../row-queue.ts'
import { isLeftBehind } from './left-behind.ts'
import type { Publisher } from './publish.ts'
import { readNewestDays } from './read.ts'
import { rowOf } from './row.ts'
import type { Dataset, Run, RunKind, RunState } from './run.ts'

export interface RecorderOptions {
  /** `ops/runs`; it need not exist yet. */
  table: Table
  /** The program whose runs these are. */
  program: string
  /** Publishes the rows as events; null where there is no Kafka: the rows are written all the same. */
  publisher: Publisher | null
  log: Log
  nowMs?: () => number
}

export interface RunDetails {
  inputs?: readonly Dataset[]
  outputs?: readonly Dataset[]
  counts?: Readonly<Record<string, number>>
}

export interface RunAbout {
  kind: RunKind
  job: string
  /** A new one unless it is given. */
  runId?: string
  parentRunId?: string
}

export interface RunHandle {
  id: string
  /** The run has something to do: from here on it is on record. Called again, it notes the details. */
  begin: (details?: RunDetails) => void
  note: (details: RunDetails) => void
  /** Its end; the first counts. One that completes and never began did nothing, and leaves no trace. */
  end: (state: Exclude<RunState, 'started'>, error?: string | null) => void
}

export interface RunRecorder {
  start: (about: RunAbout) => RunHandle
  /** Writes and publishes what is waiting, within some seconds. */
  close: () => Promise<void>
}

/** What was left behind is looked for in so many days that have runs. */
const DAYS_LOOKED_AT = 3
const ownerColumns = ['run_id', 'program', 'state', 'host', 'pid', 'recorded_at'] as const

/**
 * Keeps the runs of one program in `ops/runs`. Rows are written beside the work: no run waits for its row or fails by it.
 * What can't be written is written later, and told as a warning. At its opening the runs that an earlier process of the
 * program left behind are marked as aborted.
 */
export const openRecorder = async ({ table, program, publisher, log, nowMs = Date.now }: RecorderOptions): Promise<RunRecorder> => {
  const host = hostname()
  const failures = new Map<string, number>()
  const ours = new Set<string>()
  let lastMs = 0

  const queue = openRowQueue<Run>({
    what: 'runs',
    log,
    write: async (rows) => {
      const publishedTo = publisher?.publishedTo() ?? null
      const { version } = await appendRows(table, {
        fields: systemFields(systemTables.runs),
        partitionColumns: systemTables.runs.partitionColumns,
        rows: rows.map(rowOf),
        txns: publisher && publishedTo !== null ? [{ appId: publisher.appId, version: publishedTo }] : [],
        info: { program },
      })
      publisher?.written(version, rows)
    },
  })

  const record = (run: Omit<Run, 'host' | 'pid' | 'program' | 'recordedMs'> & Partial<Run>) => {
    // Of two states of a run the later one must be seen as such, whatever the clock does.
    lastMs = Math.max(nowMs(), lastMs + 1)
    queue.push({ program, host, pid: process.pid, ...run, recordedMs: lastMs })
  }

  const start = ({ kind, job, runId = randomUUID(), parentRunId }: RunAbout): RunHandle => {
    const startedMs = nowMs()
    ours.add(runId)
    let details: Required<RunDetails> = { inputs: [], outputs: [], counts: {} }
    let state: RunState | null = null
    const note = (more: RunDetails) => {
      details = { ...details, ...more }
    }
    const noteState = (next: RunState, error: string | null) => {
      state = next
      const attempt = (failures.get(job) ?? 0) + 1
      const endedMs = next === 'started' ? null : Math.max(startedMs, nowMs())
      record({ runId, kind, job, state, startedMs, endedMs, attempt, error, ...details, parentRunId: parentRunId ?? null })
    }
    const begin = (more: RunDetails = {}) => {
      note(more)
      if (state === null) noteState('started', null)
    }
    const end: RunHandle['end'] = (next, error = null) => {
      const isNothing = state === null && (next === 'completed' || next === 'aborted')
      if (isNothing) ours.delete(runId)
      if (isNothing || (state !== null && state !== 'started')) return
      begin()
      noteState(next, error)
      if (next === 'failed') failures.set(job, (failures.get(job) ?? 0) + 1)
      else if (next !== 'aborted') failures.delete(job)
      ours.delete(runId)
    }
    return { id: runId, begin, note, end }
  }

  const close = async () => {
    await queue.close()
    if (publisher) await within(PATIENCE_MS, publisher.close())
  }

  const markLeftBehind = async (snapshot: Snapshot) => {
    const runs = await readNewestDays(table, snapshot, DAYS_LOOKED_AT, { columns: ownerColumns })
    const me = { program, host, pid: process.pid }
    const ids = new Set(runs.filter((run) => !ours.has(run.runId) && isLeftBehind(run, me)).map(({ runId }) => runId))
    if (ids.size === 0) return
    for (const run of await readNewestDays(table, snapshot, DAYS_LOOKED_AT, { ids })) {
      failures.set(run.job, Math.max(failures.get(run.job) ?? 0, run.attempt))
      record({ ...run, state: 'aborted', error: `the process ${run.pid} on ${run.host} that ran it is gone` })
    }
  }

  const looking = (async () => {
    const snapshot = await table.snapshot()
    publisher?.open(snapshot)
    await markLeftBehind(snapshot)
  })().catch((error) => log.warn({ error: errorLine(error) }, 'runs that were left behind could not be looked for'))
  await within(PATIENCE_MS, looking)
  return { start, close }
}

/**
 * Does a piece of work as a run. Where it rejects the run has failed, or was aborted where `signal` is; the error goes
 * on. Where it resolves the run is complete, unless the work said otherwise by `end`. What was refused (`isRefusal`) before it began
 * leaves no trace.
 */
export const withRun = async <T>(
  recorder: RunRecorder,
  {
    signal,
    isRefusal = () => false,
    ...about
  }: RunAbout & { signal?: AbortSignal | undefined; isRefusal?: ((error: unknown) => boolean) | undefined },
  work: (run: RunHandle) => Promise<T>,
): Promise<T> => {
  const run = recorder.start(about)
  let hasBegun = false
  const begin: RunHandle['begin'] = (details) => {
    hasBegun = true
    run.begin(details)
  }
  try {
    const result = await work({ ...run, begin })
    run.end('completed')
    return result
  } catch (error) {
    // An aborted one that has not begun is none.
    const isAborted = signal?.aborted || (!hasBegun && isRefusal(error))
    run.end(isAborted ? 'aborted' : 'failed', errorLine(error))
    throw error
  }
}
