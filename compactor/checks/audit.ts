import type { Table } from '../../lake/delta/table.ts'
import type { Run } from '../../lineage/runs/run.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { errorLine } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import type { Audit, AuditInput, CheckResult } from './check.ts'
import { addPast, type CheckHistory, type Evaluation, pastOf, readHistory, writeEvaluation } from './history.ts'
import { pollChecks, refusedChecks } from './intake.ts'
import { judgeCount, judgeNone, judgeShare } from './judge.ts'
import { type ColumnProfile, profileTable, writeProfiles } from './profile.ts'
import { type RowCheck, rowChecks } from './row-checks.ts'
import { tableStats } from './table-stats.ts'

type Result = CheckResult & { details?: unknown }

export interface ChecksOptions {
  /** `ops/checks` and `ops/profiles`; they need not exist yet. */
  table: Table
  profilesTable: Table
  /** Recent runs, polls among them. */
  recentRuns: () => Promise<readonly Run[]>
  log: Log
}

/** The checks of one compactor's builds, with their history. */
export interface Checks {
  audit: Audit
  /** What is new in the intake besides Silver's own counters: another text, something to evaluate. */
  intakeMark: () => Promise<string>
  /** Puts what the last audit found on record, once it is known what became of the build. */
  settle: (isHeld: boolean) => Promise<void>
}

const MAX_SAMPLES = 10
/** Builds may follow each other every few seconds: of those that find the same, one in this time is on record. */
const RECORD_INTERVAL_MS = 60_000

export const createChecks = ({ table, profilesTable, recentRuns, log }: ChecksOptions): Checks => {
  let history: CheckHistory | undefined
  let last: (Omit<Evaluation, 'isHeld'> & { profiles: readonly ColumnProfile[] }) | null = null
  let profiledMs = 0
  let recorded = { atMs: 0, verdicts: '' }

  const audit: Audit = async (input) => {
    history ??= await readHistory(table)
    const results: Result[] = [...refusedChecks(input.silver, history), ...pollChecks(await recentRuns())]
    const profiles: ColumnProfile[] = []
    const { duckdb, staged, nowMs, runId } = input
    if (duckdb) {
      results.push(...countChecks(input, history), ...(await nullChecks(input, duckdb, history)))
      for (const check of rowChecks) results.push(await runRowCheck(duckdb, check))
      if (nowMs - profiledMs >= RECORD_INTERVAL_MS) for (const table of staged) profiles.push(...(await profileTable(duckdb, table)))
    }
    last = { runId, evaluatedMs: nowMs, results, profiles }
    return results
  }

  const settle = async (isHeld: boolean) => {
    if (!last || !history) return
    const { profiles, ...evaluation } = { ...last, isHeld }
    last = null
    const { runId, evaluatedMs, results } = evaluation
    for (const { id, verdict, measured, details } of results) addPast(history, id, { evaluatedMs, isHeld, verdict, measured, details })
    const verdicts = JSON.stringify([isHeld, results.map(({ id, verdict }) => [id, verdict])])
    try {
      if (verdicts !== recorded.verdicts || evaluatedMs - recorded.atMs >= RECORD_INTERVAL_MS) {
        await writeEvaluation(table, evaluation)
        recorded = { atMs: evaluatedMs, verdicts }
      }
      // What nobody will see is no profile of Gold.
      if (isHeld || profiles.length === 0) return
      await writeProfiles(profilesTable, { runId, profiledMs: evaluatedMs, profiles })
      profiledMs = evaluatedMs
    } catch (error) {
      log.warn({ error: errorLine(error) }, 'what the checks found could not be put on record')
    }
  }

  const intakeMark = async () => {
    const failed = pollChecks(await recentRuns()).filter(({ verdict }) => verdict === 'fail')
    return failed.flatMap(({ id, sampleKeys }) => [id, ...sampleKeys]).join(' ')
  }
  return { audit, intakeMark, settle }
}

const counted = ['dim_book', 'dim_author', 'fact_rating', 'fact_review'] as const
const HOUR_MS = 3_600_000

/** Rows and freshness of whole tables, by the files' own statistics. */
const countChecks = ({ staged, nowMs }: AuditInput, history: CheckHistory): Result[] =>
  counted.flatMap((name) => {
    const of = staged.find((table) => table.name === name)
    if (!of) return []
    const { rows, newestMs } = tableStats(of)
    const id = `${name}.rows.baseline`
    const before = pastOf(history, id).flatMap(({ measured }) => measured ?? [])
    const table = `gold.${name}`
    const results: Result[] = [
      {
        id,
        table,
        column: null,
        measured: rows,
        ...judgeCount(rows, before),
        message: `${name} would have ${rows} rows${before.length > 0 ? `, after ${before[0]}` : ''}.`,
        sampleKeys: [],
      },
    ]
    if (newestMs === null) return results
    const hours = Math.max(0, nowMs - newestMs) / HOUR_MS
    return [
      ...results,
      {
        ...{ id: `${name}.freshness`, table, column: 'ingestion_timestamp', measured: Math.round(hours * 100) / 100 },
        ...{ verdict: hours > 24 ? 'warn' : 'pass', threshold: '<= 24 hours, never fails' },
        ...{ message: `The newest row of ${name} came at ${new Date(newestMs).toISOString()}.`, sampleKeys: [] },
      },
    ]
  })

/** The share of nulls in each column of what is no placeholder, against the build before. One result a table: its greatest rise. */
const nullChecks = async ({ staged }: AuditInput, duckdb: DuckDb, history: CheckHistory): Promise<Result[]> => {
  const results: Result[] = []
  for (const name of counted) {
    const of = staged.find((table) => table.name === name)
    if (!of) continue
    const { rows, shares } = name.startsWith('dim_') ? await memberNulls(duckdb, name) : factNulls(tableStats(of))
    const id = `${name}.nulls.baseline`
    const past = pastOf(history, id)
    const before = (past[0]?.details ?? {}) as Record<string, number>
    const rises = Object.entries(shares).map(([column, share]) => ({ column, share, rise: share - (before[column] ?? share) }))
    const greatest = rises.toSorted((a, b) => b.rise - a.rise)[0] ?? { column: '', share: 0, rise: 0 }
    const rise = rows < 100 ? 0 : Math.max(0, greatest.rise)
    results.push({
      ...{ id, table: `gold.${name}`, column: rise > 0 ? greatest.column : null, measured: Math.round(rise * 1000) / 1000 },
      // The first builds of a lake find their way.
      ...judgeShare(rise, past.length < 3 ? { warn: 0.2 } : { warn: 0.2, fail: 0.5 }),
      message:
        rise > 0
          ? `${greatest.column} of ${name} is null in ${percent(greatest.share)} of the rows, after ${percent(before[greatest.column] ?? 0)}.`
          : `No column of ${name} has a greater share of nulls than before.`,
      sampleKeys: [],
      details: shares,
    })
  }
  return results
}

const percent = (share: number) => `${Math.round(share * 1000) / 10} %`

type Nulls = { rows: number; shares: Record<string, number> }

const factNulls = ({ rows, nulls }: { rows: number; nulls: Record<string, number> }): Nulls => ({
  rows,
  shares: Object.fromEntries(Object.entries(nulls).map(([column, count]) => [column, rows === 0 ? 0 : count / rows])),
})

// Placeholders are null by their nature, and come and go.
const memberNulls = async (duckdb: DuckDb, name: string): Promise<Nulls> => {
  const columns = await duckdb.rows<{ column_name: string }>(`DESCRIBE ${name}`)
  const [row] = await duckdb.rows<Record<string, number>>(
    `SELECT COUNT(*) AS "rows", ${columns.map(({ column_name: column }) => `COUNT(*) - COUNT(${column}) AS ${column}`).join(', ')} FROM ${name} WHERE NOT is_placeholder`,
  )
  const { rows = 0, ...nulls } = row ?? {}
  return factNulls({ rows, nulls })
}

/** Makes one check over the derived tables. */
export const runRowCheck = async (duckdb: DuckDb, { id, table, column, wrong, sql, of }: RowCheck): Promise<Result> => {
  const weighted = sql.includes(' AS weight') ? 'SUM(weight)' : 'COUNT(*)'
  const [found] = await duckdb.rows<{ n: number | null; keys: string[] | null; total: number | null }>(
    `SELECT (SELECT CAST(${weighted} AS DOUBLE) FROM (${sql}) c) AS n,
       (SELECT list(key) FROM (SELECT DISTINCT CAST(key AS VARCHAR) AS key FROM (${sql}) c ORDER BY 1 LIMIT ${MAX_SAMPLES}) k) AS keys,
       ${of ? `CAST((${of.sql}) AS DOUBLE)` : 'NULL'} AS total`,
  )
  const count = found?.n ?? 0
  const share = of ? (found?.total ? count / found.total : 0) : count
  const judged = of ? judgeShare(share, of) : judgeNone(count)
  return {
    id,
    table: `gold.${table}`,
    column,
    measured: of ? Math.round(share * 10_000) / 10_000 : count,
    ...judged,
    // What it would mean, where it is so.
    message: `${count} ${count === 0 ? wrong.split(/[:;]/)[0] : wrong}.`,
    sampleKeys: count === 0 ? [] : (found?.keys ?? []),
  }
}
