import { statfsSync } from 'node:fs'
import path from 'node:path'
import { ReadflowError } from '../../runtime/errors.ts'
import { tryLock } from '../setup/lock.mjs'

export interface DataLock {
  dataDir: string
  release: () => void
}

/** Below it a broker or a registry does not come up, and says so in words of its own. */
const LEAST_FREE_BYTES = 64 * 1024 ** 2

/**
 * Makes this process the only one that runs services and programs on a data folder. One whose holder died is
 * taken over. Throws ReadflowError `stack-failed` naming the other process,
 * `config` where the folder can not be written, or its disk is full.
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
  const { bavail, bsize } = statfsSync(dataDir)
  if (bavail * bsize < LEAST_FREE_BYTES) {
    lock.release()
    throw new ReadflowError(
      'config',
      `The disk of the data folder ${dataDir} is full: ${inMiB(bavail * bsize)} MiB are free, and a start needs ${inMiB(LEAST_FREE_BYTES)}.`,
      { hint: 'Free some space there, or choose another folder with --data DIR.' },
    )
  }
  return { dataDir, release: lock.release }
}

const inMiB = (bytes: number) => Math.floor(bytes / 1024 ** 2)

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
