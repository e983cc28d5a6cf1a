import type { OptimizeResult } from '../../lake/delta/optimize.ts'
import type { RunDetails } from '../../lineage/runs/recorder.ts'
import type { UpkeepTable } from './tables.ts'

export interface Optimized extends Pick<UpkeepTable, 'name' | 'table'> {
  result: OptimizeResult
}

/** What an optimize did, as the details of its run: the tables that it changed, which it both read and wrote. */
export const optimizeDetails = (optimized: readonly Optimized[]): Required<RunDetails> => {
  const changed = optimized.filter(({ result }) => result.commits > 0)
  const tables = changed.map(({ name, table }) => ({ type: 'table' as const, name, version: table.known().version }))
  const sum = (count: keyof OptimizeResult) => optimized.reduce((total, { result }) => total + result[count], 0)
  return {
    inputs: tables.map(({ type, name }) => ({ type, name })),
    outputs: tables,
    counts: {
      commits: sum('commits'),
      files_removed: sum('filesRemoved'),
      files_added: sum('filesAdded'),
      bytes_removed: sum('bytesRemoved'),
      bytes_added: sum('bytesAdded'),
      conflicts: sum('conflicts'),
      failures: sum('failures'),
    },
  }
}
