import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { factsOf, textIs } from '../../lineage/conditions.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { byDay, newestMsIn, type SystemBatch, systemBatches } from './system-rows.ts'

const ROOT = 'ops/checks'

export const verdicts = ['fail', 'warn', 'pass'] as const
export type Verdict = (typeof verdicts)[number]

/** What a check found in one evaluation. Times are epoch milliseconds. */
export interface Found {
  id: string
  runId: string
  evaluatedMs: number
  /** Whether the build was held. */
  isHeld: boolean
  /** Such as `gold.fact_rating`. */
  table: string
  column: string | null
  verdict: Verdict
  measured: number | null
  threshold: string
  message: string
  sampleKeys: readonly string[]
}

export type Past = Pick<Found, 'runId' | 'evaluatedMs' | 'isHeld' | 'verdict' | 'measured'>

/** A check as it was last evaluated, with its last evaluations, newest first. */
export interface CheckNow {
  newest: Found
  history: readonly Past[]
}

/** All checks as they were last evaluated: what fails first, then what warns. */
export interface ChecksNow {
  /** Delta version of `ops/checks`; -1 before the first evaluation. */
  version: number
  checks: readonly CheckNow[]
}

export interface ChecksReader {
  now: () => Promise<ChecksNow>
  /**
   * So many evaluations of a check at the newest version or a named one, newest first, after the first `offset` of them; of the
   * last 31 days that have any. Null where that version is not kept any more.
   */
  history: (
    id: string,
    page: { version?: number | undefined; offset: number; limit: number },
  ) => Promise<{ version: number; found: Found[] } | null>
}

const HISTORY_LENGTH = 20
/** A first look goes so many days back that have evaluations: the newest of a day that has just begun may be of the intake alone. */
const FIRST_DAYS = 2
const LISTED_DAYS = 31
/** More checks than any version of the program makes. */
const MAX_CHECKS = 1000
/** Rows of checks that were asked for by their ids: two weeks of one, evaluated every minute. */
const MAX_KEPT_ROWS = 20_000

const columns = [
  ...['run_id', 'evaluated_at', 'is_held', 'check_id', 'table_name', 'column_name', 'verdict'],
  ...['measured', 'threshold', 'message', 'sample_keys'],
]

const foundAt = ({ value }: SystemBatch, row: number): Found => ({
  id: value('check_id', row) as string,
  runId: value('run_id', row) as string,
  evaluatedMs: value('evaluated_at', row) as number,
  isHeld: value('is_held', row) === true,
  table: value('table_name', row) as string,
  column: value('column_name', row) as string | null,
  verdict: value('verdict', row) as Verdict,
  measured: value('measured', row) as number | null,
  threshold: value('threshold', row) as string,
  message: value('message', row) as string,
  sampleKeys: (value('sample_keys', row) ?? []) as string[],
})

/** Reads `ops/checks`. Files never change, so that a new evaluation costs its own rows; of the past a few figures a check stay in memory. */
export const openChecksReader = ({ store }: { store: ObjectStore }): ChecksReader => {
  const table = openTable(store, ROOT)
  let state = { tableId: '', checks: new Map<string, CheckNow>(), read: new Set<string>(), newestMs: -1 }
  let answer: ChecksNow = { version: -1, checks: [] }
  let last: Promise<unknown> = Promise.resolve()
  const keptRows = new Map<string, Found[]>()
  let kept = 0

  const add = (batch: SystemBatch, row: number) => {
    const id = batch.value('check_id', row) as string
    const evaluatedMs = batch.value('evaluated_at', row) as number
    const before = state.checks.get(id)
    const history = before?.history ?? []
    if (history.length === HISTORY_LENGTH && evaluatedMs <= history.at(-1)!.evaluatedMs) return
    if (history.some((past) => past.evaluatedMs === evaluatedMs)) return
    const found = foundAt(batch, row)
    const { runId, isHeld, verdict, measured } = found
    state.newestMs = Math.max(state.newestMs, evaluatedMs)
    state.checks.set(id, {
      newest: before && before.newest.evaluatedMs > evaluatedMs ? before.newest : found,
      history: [{ runId, evaluatedMs, isHeld, verdict, measured }, ...history]
        .sort((a, b) => b.evaluatedMs - a.evaluatedMs)
        .slice(0, HISTORY_LENGTH),
    })
    for (const oldest of state.checks.keys()) if (state.checks.size > MAX_CHECKS) state.checks.delete(oldest)
  }

  const catchUp = async (): Promise<ChecksNow> => {
    const snapshot = await table.snapshot()
    if (snapshot.version === answer.version && snapshot.metadata?.id === state.tableId) return answer
    const tableId = snapshot.metadata?.id ?? ''
    if (tableId !== state.tableId) state = { tableId, checks: new Map(), read: new Set(), newestMs: -1 }
    const isFirst = state.read.size === 0
    // What an optimize merged was read before.
    const isNew = (file: AddFile) =>
      isFirst || (!state.read.has(file.path) && (file.dataChange || newestMsIn(file, 'evaluated_at') > state.newestMs))
    const files = byDay(snapshot, 'evaluated_date').slice(0, FIRST_DAYS).flat()
    // Within a file rows are oldest first: backwards, most of them are passed over at once.
    for await (const batch of systemBatches(table, snapshot, files.filter(isNew), columns))
      for (let row = batch.length - 1; row >= 0; row--) add(batch, row)
    state.read = new Set(files.map(({ path }) => path))
    answer = { version: snapshot.version, checks: current([...state.checks.values()]) }
    return answer
  }

  /** All rows of a check in a file. */
  const rowsOf = async (snapshot: Snapshot, file: AddFile, id: string): Promise<Found[]> => {
    const key = `${file.path}\n${id}`
    const known = keptRows.get(key)
    if (known) return known
    const found: Found[] = []
    for await (const batch of systemBatches(table, snapshot, [file], columns))
      for (let row = 0; row < batch.length; row++) if (batch.value('check_id', row) === id) found.push(foundAt(batch, row))
    keptRows.set(key, found)
    kept += found.length + 1
    for (const [oldest, rows] of keptRows) {
      if (kept <= MAX_KEPT_ROWS || oldest === key) break
      keptRows.delete(oldest)
      kept -= rows.length + 1
    }
    return found
  }

  return {
    // One after the other: each goes on where the one before it ended.
    now: () => {
      const next = last.then(catchUp, catchUp)
      last = next.catch(() => undefined)
      return next
    },
    history: async (id, { version, offset, limit }) => {
      const snapshot = await table.snapshot(version === undefined ? {} : { version }).catch((error) => {
        if (version !== undefined && error instanceof ReadflowError && error.code === 'lake-not-found') return null
        throw error
      })
      if (!snapshot) return null
      const is = textIs('check_id', id)
      const found: Found[] = []
      for (const files of byDay(snapshot, 'evaluated_date').slice(0, LISTED_DAYS)) {
        if (found.length >= offset + limit) break
        const ofDay: Found[] = []
        for (const file of files) if (is.mayHold(factsOf(file))) ofDay.push(...(await rowsOf(snapshot, file, id)))
        found.push(...ofDay.sort((a, b) => b.evaluatedMs - a.evaluatedMs))
      }
      return { version: snapshot.version, found: found.slice(offset, offset + limit) }
    },
  }
}

/**
 * The checks that the newest evaluation of derived rows made, or one after it of the intake alone: a check that was not made then
 * is none any more.
 */
const current = (checks: readonly CheckNow[]): CheckNow[] => {
  const newestMs = Math.max(...checks.map(({ newest }) => (newest.table.startsWith('gold.') ? newest.evaluatedMs : 0)))
  return checks
    .filter(({ newest }) => newest.evaluatedMs >= newestMs)
    .sort((a, b) => verdicts.indexOf(a.newest.verdict) - verdicts.indexOf(b.newest.verdict) || (a.newest.id < b.newest.id ? -1 : 1))
}

/** When checks were last evaluated, of which build, and how many of them warn and fail; null before the first time. */
export const shapeSummary = ({ checks }: ChecksNow) => {
  const [newest] = checks.map((check) => check.newest).sort((a, b) => b.evaluatedMs - a.evaluatedMs)
  if (!newest) return null
  const counted = (verdict: Verdict) => checks.filter((check) => check.newest.verdict === verdict).length
  return {
    evaluated_at: new Date(newest.evaluatedMs).toISOString(),
    run_id: newest.runId,
    is_held: newest.isHeld,
    checks: checks.length,
    pass: counted('pass'),
    warn: counted('warn'),
    fail: counted('fail'),
  }
}

/** A check as the API gives it: the columns of `ops/checks`, and its last evaluations. */
export const shapeCheck = ({ newest, history }: CheckNow) => ({
  ...{ id: newest.id, table: newest.table, column: newest.column },
  ...shapeFound(newest),
  history: history.map(({ runId, evaluatedMs, isHeld, verdict, measured }) => ({
    ...{ evaluated_at: new Date(evaluatedMs).toISOString(), run_id: runId, verdict, measured, is_held: isHeld },
  })),
})

export const shapeFound = ({ runId, evaluatedMs, isHeld, verdict, measured, threshold, message, sampleKeys }: Found) => ({
  ...{ verdict, measured, threshold, message, sample_keys: sampleKeys },
  ...{ evaluated_at: new Date(evaluatedMs).toISOString(), run_id: runId, is_held: isHeld },
})
