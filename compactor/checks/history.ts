import { columnOf, valueAt } from '../../lake/columns/column.ts'
import { appendRows } from '../../lake/delta/append-rows.ts'
import { emptyLayeredMap } from '../../lake/delta/layered-map.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Table } from '../../lake/delta/table.ts'
import { systemFields, systemTables } from '../../schemas/system-tables.ts'
import type { CheckResult } from './check.ts'

/** Where the table is in the lake. */
export const CHECKS_ROOT = 'ops/checks'

/** What a check found in an earlier build. */
export interface PastCheck {
  evaluatedMs: number
  /** Whether the build was held; what it measured is no baseline then. */
  isHeld: boolean
  verdict: CheckResult['verdict']
  measured: number | null
  /** What the check keeps for the next time. */
  details: unknown
}

/** By the id of the check, newest first. */
export type CheckHistory = Map<string, PastCheck[]>

/** Evaluations of a check that a baseline is made from. */
const KEPT = 7
const DAYS_READ = 3

/** The evaluations of a check that were not held, newest first. */
export const pastOf = (history: CheckHistory, id: string): PastCheck[] => (history.get(id) ?? []).filter(({ isHeld }) => !isHeld)

export const addPast = (history: CheckHistory, id: string, past: PastCheck): void => {
  const all = [past, ...(history.get(id) ?? [])].sort((a, b) => b.evaluatedMs - a.evaluatedMs)
  const good = all.filter(({ isHeld }) => !isHeld).slice(0, KEPT)
  history.set(
    id,
    all.filter((each) => (each.isHeld ? each === all[0] : good.includes(each))),
  )
}

/** The newest days of the table that have rows. */
export const readHistory = async (table: Table): Promise<CheckHistory> => {
  const history: CheckHistory = new Map()
  const snapshot = await table.snapshot()
  if (snapshot.version < 0) return history
  const days = [...new Set([...snapshot.files.values()].map(({ partitionValues }) => partitionValues['evaluated_date'] ?? ''))]
    .sort()
    .slice(-DAYS_READ)
  const files = [...snapshot.files].filter(([, { partitionValues }]) => days.includes(partitionValues['evaluated_date'] ?? ''))
  const columns = ['check_id', 'evaluated_at', 'is_held', 'verdict', 'measured', 'details']
  for await (const batch of scan(
    table.store,
    { ...snapshot, files: emptyLayeredMap<(typeof files)[0][1]>().with(files) },
    { root: table.root, columns },
  )) {
    const of = Object.fromEntries(columns.map((name) => [name, columnOf(batch, name)]))
    for (let row = 0; row < batch.length; row++) {
      const value = (name: string) => valueAt(of[name]!, row)
      addPast(history, value('check_id') as string, {
        evaluatedMs: value('evaluated_at') as number,
        isHeld: value('is_held') === true,
        verdict: value('verdict') as PastCheck['verdict'],
        measured: value('measured') as number | null,
        details: JSON.parse((value('details') as string | null) ?? 'null'),
      })
    }
  }
  return history
}

export interface Evaluation {
  runId: string
  evaluatedMs: number
  isHeld: boolean
  results: readonly (CheckResult & { details?: unknown })[]
}

/** Puts an evaluation on record. */
export const writeEvaluation = async (table: Table, { runId, evaluatedMs, isHeld, results }: Evaluation): Promise<void> => {
  await appendRows(table, {
    fields: systemFields(systemTables.checks),
    partitionColumns: systemTables.checks.partitionColumns,
    rows: results.map(({ id, table: of, column, verdict, measured, threshold, message, sampleKeys, details }) => ({
      ...{
        run_id: runId,
        evaluated_at: evaluatedMs,
        check_id: id,
        table_name: of,
        column_name: column,
        verdict,
        measured,
        threshold,
        message,
      },
      sample_keys: [...sampleKeys],
      details: details === undefined ? null : JSON.stringify(details),
      is_held: isHeld,
      evaluated_date: Math.floor(evaluatedMs / 86_400_000),
    })),
  })
}
