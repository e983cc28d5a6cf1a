import { writeCheckpoint } from './checkpoint.ts'
import type { TablePlace } from './log-files.ts'
import { checkpointInterval } from './properties.ts'
import type { Snapshot } from './snapshot.ts'

/** Writes the checkpoints that commits are due, one at a time, beside the work that goes on. */
export interface Checkpointer {
  /** To be called after each commit. Waits only where the checkpoint before is still being written. */
  after: (committed: Snapshot, nowMs: number) => Promise<void>
  /** Waits for the checkpoint that is being written. */
  settled: () => Promise<void>
}

/** `warn` hears of each checkpoint that could not be written; the next commit tries again. No commit fails by it. */
export const createCheckpointer = (place: TablePlace, warn: (error: unknown) => void): Checkpointer => {
  let running: Promise<void> = Promise.resolve()
  let hasFailed = false

  const write = async (snapshot: Snapshot, nowMs: number) => {
    try {
      await writeCheckpoint(place, snapshot, nowMs)
      hasFailed = false
    } catch (error) {
      hasFailed = true
      warn(error)
    }
  }

  return {
    after: async (committed, nowMs) => {
      const isDue = committed.version > 0 && committed.version % checkpointInterval(committed) === 0
      if (!isDue && !hasFailed) return
      await running
      running = write(committed, nowMs)
    },
    settled: () => running,
  }
}
