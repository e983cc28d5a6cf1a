import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Published } from '../../lake/published.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import type { EntityName } from '../../schemas/records.ts'

/** What one check found. */
export interface CheckResult {
  /** Stable, e.g. 'fact_rating.rows.baseline'. */
  id: string
  /** E.g. 'gold.fact_rating', 'silver.books'. */
  table: string
  column: string | null
  verdict: 'pass' | 'warn' | 'fail'
  measured: number | null
  /** Readable, with its number. */
  threshold: string
  /** One readable sentence: what was found, where, what it means. */
  message: string
  sampleKeys: readonly string[]
}

/** A Gold table as it would be: what the build adds to and takes out of `current`, not committed yet. */
export interface AuditedTable {
  name: string
  adds: readonly AddFile[]
  removes: readonly AddFile[]
  /** Rows of the table with them. */
  rows: number
  current: Snapshot
}

/** What a build's checks may look at. */
export interface AuditInput {
  /** The derived rows, as tables of the Gold tables' names; null where nothing but Silver's counters changed: nothing is staged then. */
  duckdb: DuckDb | null
  /** Empty where nothing was derived. */
  staged: readonly AuditedTable[]
  /** Silver as the build reads it; a table that is not there yet has version -1. */
  silver: Readonly<Record<EntityName, Snapshot>>
  /** The Gold that is published so far; null before the first. */
  published: Published | null
  /** Silver's versions at the evaluated build before this one, whether it was published or held; null before the first. */
  lastEvaluated: Readonly<Record<string, number>> | null
  nowMs: number
  runId: string
}

/** Checks a build before it is committed. Pure as to the lake: it writes nothing that a reader sees. */
export type Audit = (input: AuditInput) => Promise<CheckResult[]>
