export const upkeepJobs = ['optimize', 'vacuum', 'cold'] as const
type UpkeepJob = (typeof upkeepJobs)[number]

/** Who wants to know how upkeep does. */
export interface UpkeepMetrics {
  /** The upkeep of one table failed. */
  failed: (job: UpkeepJob) => void
  /** A round of all tables ended, and none failed. */
  succeeded: (job: UpkeepJob) => void
  removed: (job: UpkeepJob, files: number) => void
}

const nothing = () => undefined

/** For who is not asked. */
export const noUpkeepMetrics: UpkeepMetrics = { failed: nothing, succeeded: nothing, removed: nothing }
