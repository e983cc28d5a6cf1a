export const upkeepTasks = ['optimize', 'vacuum', 'cold'] as const
type UpkeepTask = (typeof upkeepTasks)[number]

/** Who wants to know how upkeep does. */
export interface UpkeepMetrics {
  /** The upkeep of one table failed. */
  failed: (task: UpkeepTask) => void
  /** A round of all tables ended, and none failed. */
  succeeded: (task: UpkeepTask) => void
  removed: (task: UpkeepTask, files: number) => void
}

const nothing = () => undefined

/** For who is not asked. */
export const noUpkeepMetrics: UpkeepMetrics = { failed: nothing, succeeded: nothing, removed: nothing }
