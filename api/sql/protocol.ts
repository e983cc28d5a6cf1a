import type { SqlParams } from '../../runtime/duckdb.ts'

/** A view that a query reads: its name, and SQL over files that are here, or of no row. */
export interface SealedView {
  name: string
  select: string
}

/** What a worker is asked: first what the parser says of a text, then to run it over views. */
export type Ask =
  | { kind: 'parse'; sql: string }
  | {
      kind: 'run'
      sql: string
      /** A JSON list of expressions as the parser gave them, to be selected in the place of `sql`. */
      expressions?: string
      params: SqlParams | undefined
      views: SealedView[]
      /** Files that it may read, and nothing else. */
      files: string[]
      maxRows: number
      maxBytes: number
    }

export interface ResultColumn {
  name: string
  /** DuckDB's name of the type. */
  type: string
}

/** What a worker says. `batch` waits for a `more` from the parent, so that rows never pile up. */
export type Say =
  | { kind: 'parsed'; json: string }
  | { kind: 'columns'; columns: ResultColumn[] }
  | { kind: 'batch'; rows: unknown[][] }
  | { kind: 'done'; rowCount: number; truncated: boolean; elapsedMs: number }
  | { kind: 'failed'; message: string }

export interface More {
  kind: 'more'
}
