import type { Table } from '../../lake/delta/table.ts'
import { RUNS_ROOT, readNewestDays } from '../../lineage/runs/read.ts'
import type { Run } from '../../lineage/runs/run.ts'
import type { Log } from '../../runtime/log.ts'
import { type Checks, createChecks } from './audit.ts'
import { CHECKS_ROOT } from './history.ts'
import { PROFILES_ROOT } from './profile.ts'

/** Days that have runs: with the newest of them the poll before it is there too. */
const DAYS_READ = 2
const columns = ['run_id', 'kind', 'job', 'state', 'started_at', 'recorded_at', 'counts']

/** The checks of a compactor, over the lake's own tables. */
export const openChecks = ({ tableAt, log }: { tableAt: (root: string) => Table; log: Log }): Checks => {
  const runs = tableAt(RUNS_ROOT)
  let read: { version: number; runs: readonly Run[] } = { version: -1, runs: [] }
  // Asked at every look for new rows: read again only where the table has a new version.
  const recentRuns = async () => {
    const snapshot = await runs.snapshot()
    if (snapshot.version !== read.version)
      read = { version: snapshot.version, runs: snapshot.version < 0 ? [] : await readNewestDays(runs, snapshot, DAYS_READ, { columns }) }
    return read.runs
  }
  return createChecks({ table: tableAt(CHECKS_ROOT), profilesTable: tableAt(PROFILES_ROOT), recentRuns, log })
}
