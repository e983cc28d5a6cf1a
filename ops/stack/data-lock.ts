import path from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import { tryLock } from '../setup/lock.mjs'

export interface DataLock {
  dataDir: string
  release: () => void
}

/**
 * Makes this process the only one that runs services and programs on a data folder. One whose holder died is
 * taken over. Throws ReadflowError `stack-failed` naming the other process,
 * `config` where the folder can not be written.
 */
export const lockDataDir = (dataDir: string): DataLock => {
  const lock = takeLock(dataDir)
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

const takeLock = (dataDir: string) => {
  try {
    return tryLock(path.join(dataDir, 'run', 'lock'))
  } catch (cause) {
    throw new ReadflowError('config', `The data folder ${dataDir} can not be written: ${cause instanceof Error ? cause.message : cause}.`, {
      cause,
      hint: 'Choose another with --data DIR.',
    })
  }
}
