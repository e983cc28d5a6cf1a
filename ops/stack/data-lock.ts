import path from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import { tryLock } from '../setup/lock.mjs'

export interface DataLock {
  dataDir: string
  release: () => void
}

/**
 * Makes this process the only one that runs services and programs on a data folder. One whose holder died is
 * taken over. Throws ReadflowError `stack-failed` naming the other process.
 */
export const lockDataDir = (dataDir: string): DataLock => {
  const lock = tryLock(path.join(dataDir, 'run', 'lock'))
  if (!lock.release) {
    throw new ReadflowError(
      'stack-failed',
      `Another ReadFlow${lock.heldBy === null ? '' : ` (process ${lock.heldBy})`} runs on ${dataDir}.`,
      {
        hint: 'Stop it, or give this one a folder of its own with --data DIR.',
      },
    )
  }
  return { dataDir, release: lock.release }
}
