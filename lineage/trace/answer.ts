import type { Row } from './lookup.ts'

/** Where a row lies. */
export interface Place {
  /** Such as `silver.books`. */
  table: string
  /** Delta version that was read. */
  version: number
  /** Path in the lake. */
  file: string
  /** The commit that brought the file into the table; null where the log does not tell any more. */
  added_by: { version: number; operation: string; committed_at: string | null; run_id: string | null } | null
}

/** A run, as far as it is on record. */
export interface RunSummary {
  run_id: string
  kind: string
  state: string
  started_at: string
  duration_ms: number | null
  attempt: number
  error: string | null
}

/** The way of one record from the source into Silver. What is gone is null, and a note says why. */
export interface RecordSource {
  silver: (Place & { key: string; order: number; hash: string; late: boolean; deleted: boolean; flags: readonly string[] }) | null
  record: { topic: string; topic_id: string; partition: number; offset: number; timestamp: string | null; schema_id: number | null } | null
  bronze: Place | null
  /** By the record's headers. */
  source: string | null
  poll_id: string | null
  poll: RunSummary | null
  request_id: string | null
  request:
    | (Place & {
        method: string
        url: string
        status: number
        requested_at: string
        duration_ms: number
        topic: string
        partition: number
        offset: number
      })
    | null
  notes: string[]
}

export interface TracedRow {
  row: Row
  place: Place
  /** The rows of other tables that this one refers to. */
  joins: { column: string; table: string; row: Row; place: Place }[]
  /** Null where the row comes from no single record; a note says from what. */
  origin: RecordSource | null
  notes: string[]
}

export interface Lineage {
  table: string
  key: string
  /** The Gold version that was read; null for tables of other layers. */
  gold: {
    version: number
    published_at: string
    complete_through: string | null
    build: RunSummary | null
    run_id: string
    /** Where a person published it though checks had failed. */
    released: { by: string; why: string } | null
    /** Silver versions that it was built from. */
    inputs: Readonly<Record<string, number>>
  } | null
  rows: TracedRow[]
}
