import type { Run } from './run.ts'

/**
 * How much a row says of its run's state: what the run said itself of its end counts more than another's word that it was
 * gone, which may be wrong where the two run on machines that can not see each other.
 */
const weight = ({ state }: Run): number => (state === 'started' ? 0 : state === 'aborted' ? 1 : 2)

/** The state of each run, from its rows in any order, repeated ones too; those that began last come first. Pure. */
export const foldRuns = (rows: Iterable<Run>): Run[] => {
  const runs = new Map<string, Run>()
  for (const row of rows) {
    const known = runs.get(row.runId)
    const isNewer = known && (weight(row) - weight(known) || row.recordedMs - known.recordedMs) > 0
    if (!known || isNewer) runs.set(row.runId, row)
  }
  return [...runs.values()].sort((a, b) => b.startedMs - a.startedMs || (a.runId < b.runId ? 1 : -1))
}
