import type { SqlParams } from '../../runtime/duckdb.ts'
import type { Judged } from './judging.ts'

/** A view that a query reads: its name, and SQL over files that are here, or of no row. */
export interface SealedView {
  name: string
  select: string
}

/** What a worker is asked: first whether a text may run and what it reads, then to run it over views. */
export type Ask =
  | { kind: 'judge'; sql: string; known: ReadonlySet<string> }
  | {
      kind: 'run'
      sql: string
      params: SqlParams | undefined
      views: SealedView[]
      /** Files that it may read, and nothing else. */
      files: string[]
      maxRows: number
      maxBytes: number
      /** Whether each row is told with the names of its columns, which then count as its bytes. */
      hasNamesInRows: boolean
    }

export interface ResultColumn {
  name: string
  /** DuckDB's name of the type. */
  type: string
}

/**
 * What a worker says. `batch` waits for a `more` from the parent, so that rows never pile up. `isSpent` at the end: the query left
 * it so much memory that the next one could be stopped for it.
 */
export type Say =
  | { kind: 'judged'; judged: Judged }
  | { kind: 'columns'; columns: ResultColumn[] }
  | { kind: 'batch'; rows: unknown[][] }
  | { kind: 'done'; rowCount: number; truncated: boolean; elapsedMs: number; isSpent: boolean }
  | { kind: 'failed'; message: string; isSpent: boolean }

export interface More {
  kind: 'more'
}
