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
} as const satisfies Readonly<Record<string, SystemTable>>

/** The columns of a system table as fields of a Delta table, all of them nullable. */
export const systemFields = ({ columns }: SystemTable) =>
  Object.entries(columns).map(([name, type]) => ({
    name,
    type: type === 'strings' ? { kind: 'list' as const, element: { kind: 'string' as const } } : { kind: type },
    nullable: true,
  }))
