/** The types of a system table's columns; the forms of their values are those of `lake/columns`. */
export type SystemType = 'string' | 'long' | 'double' | 'boolean' | 'timestamp' | 'date' | 'strings'

export interface SystemTable {
  /** Columns in order, the partition columns last. */
  columns: Readonly<Record<string, SystemType>>
  partitionColumns: readonly string[]
  /** What rows of a merged file are sorted by. */
  sortedBy: readonly string[]
}

/** Tables of what the programs did, by their names below `ops/` in the lake; a public interface (ARCHITECTURE.md). */
export const systemTables: Readonly<Record<string, SystemTable>> = {}
