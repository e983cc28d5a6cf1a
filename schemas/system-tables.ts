/** The types of a system table's columns; the forms of their values are those of `lake/columns`. */
export type SystemType = 'string' | 'long' | 'double' | 'boolean' | 'timestamp' | 'date' | 'strings'

export interface SystemTable {
  /** Columns in order, the partition columns last. */
  columns: Readonly<Record<string, SystemType>>
  partitionColumns: readonly string[]
  /** What rows of a merged file are sorted by. */
  sortedBy: readonly string[]
}

const of = <T extends SystemType>(type: T, names: string): Record<string, T> =>
  Object.fromEntries(names.split(' ').map((name) => [name, type]))

/** Tables of what the programs did, by their names below `ops/` in the lake; a public interface (ARCHITECTURE.md). */
export const systemTables = {
  /** A row for the start of each run and one for its end; a run's state is that of its last row (lineage/runs/fold.ts). */
  runs: {
    columns: {
      ...of('string', 'run_id kind job program state'),
      ...of('timestamp', 'started_at ended_at'),
      ...of('long', 'duration_ms attempt'),
      // JSON text: lists of what was read and written, and an object of counts.
      ...of('string', 'error inputs outputs counts parent_run_id host'),
      pid: 'long',
      recorded_at: 'timestamp',
      started_date: 'date',
    },
    partitionColumns: ['started_date'],
    sortedBy: ['started_at', 'run_id', 'recorded_at'],
  },
  /** What the checks of a build found, a row each. Of builds that find the same, one a minute is here. */
  checks: {
    columns: {
      run_id: 'string',
      evaluated_at: 'timestamp',
      ...of('string', 'check_id table_name column_name verdict'),
      measured: 'double',
      ...of('string', 'threshold message'),
      sample_keys: 'strings',
      // JSON text: what the check keeps for the next time.
      details: 'string',
      is_held: 'boolean',
      evaluated_date: 'date',
    },
    partitionColumns: ['evaluated_date'],
    sortedBy: ['check_id', 'evaluated_at'],
  },
  /** What is in each column of Gold's tables, a row each, as of a build that was published. */
  profiles: {
    columns: {
      run_id: 'string',
      profiled_at: 'timestamp',
      ...of('string', 'table_name column_name column_type'),
      ...of('long', 'position rows nulls distinct_values distinct_of_rows'),
      is_distinct_exact: 'boolean',
      // Values as text: columns have all types.
      ...of('string', 'min_value max_value'),
      profiled_date: 'date',
    },
    partitionColumns: ['profiled_date'],
    sortedBy: ['table_name', 'position', 'profiled_at'],
  },
  /** Where what comes in differs from what was known, a row each; once only, whoever meets it how often (lineage/drift). */
  drift: {
    columns: {
      drift_id: 'string',
      found_at: 'timestamp',
      // place: `source` (the poller, in what a source sends) or `schema` (the consumer, in a writer's schema).
      ...of('string', 'entity field kind place policy before after sample source poll_id request_id topic'),
      ...of('long', 'partition offset schema_id'),
      recorded_at: 'timestamp',
    },
    partitionColumns: [],
    sortedBy: ['found_at', 'drift_id'],
  },
} as const satisfies Readonly<Record<string, SystemTable>>

/** The columns of a system table as fields of a Delta table, all of them nullable. */
export const systemFields = ({ columns }: SystemTable) =>
  Object.entries(columns).map(([name, type]) => ({
    name,
    type: type === 'strings' ? { kind: 'list' as const, element: { kind: 'string' as const } } : { kind: type },
    nullable: true,
  }))
