import { ReadflowError } from '../../runtime/errors.ts'
import type { Snapshot } from './snapshot.ts'

const DAY_MS = 86_400_000

/** Commits from one checkpoint to the next. Delta's own default is 10, at which a large table does little else. */
const DEFAULT_CHECKPOINT_INTERVAL = 100

type Table = Pick<Snapshot, 'metadata'>

/** Table property `delta.checkpointInterval`: after how many commits there is a checkpoint. */
export const checkpointInterval = (snapshot: Table): number => {
  const text = snapshot.metadata?.configuration['delta.checkpointInterval']
  const commits = text === undefined ? DEFAULT_CHECKPOINT_INTERVAL : Number(text)
  return Number.isInteger(commits) && commits > 0 ? commits : DEFAULT_CHECKPOINT_INTERVAL
}

/** Table property `delta.deletedFileRetentionDuration` in milliseconds: how long removed files stay. */
export const deletedFileRetentionMs = (snapshot: Table): number => durationMs(snapshot, 'delta.deletedFileRetentionDuration', 7 * DAY_MS)

/**
 * Shortest time that entries of the log stay, whatever the table says. A writer that has read a version and writes the
 * next one has to be sure that this was not written and cleaned up in the meantime.
 */
const MIN_LOG_RETENTION_MS = 3_600_000

/** Table property `delta.logRetentionDuration` in milliseconds: how long entries of the log stay. */
export const logRetentionMs = (snapshot: Table): number =>
  Math.max(MIN_LOG_RETENTION_MS, durationMs(snapshot, 'delta.logRetentionDuration', 30 * DAY_MS))

/** Table property `delta.enableExpiredLogCleanup`: whether old entries of the log may be deleted. */
export const isLogCleanupOn = (snapshot: Table): boolean =>
  snapshot.metadata?.configuration['delta.enableExpiredLogCleanup']?.toLowerCase() !== 'false'

/** Table property `delta.appendOnly`: whether rows may only be added. */
export const isAppendOnly = (snapshot: Table): boolean => snapshot.metadata?.configuration['delta.appendOnly']?.toLowerCase() === 'true'

const unitMs: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
}

/** A duration as Spark writes it: `interval 7 days`, `2 hours 30 minutes`. */
const durationMs = ({ metadata }: Table, property: string, defaultMs: number): number => {
  const text = metadata?.configuration[property]
  if (text === undefined) return defaultMs
  const words = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, '')
    .split(/\s+/)
  let sumMs = 0
  for (let index = 0; index < words.length; index += 2) {
    const count = /^\d+$/.test(words[index]!) ? Number(words[index]) : Number.NaN
    sumMs += count * (unitMs[words[index + 1]?.replace(/s$/, '') ?? ''] ?? Number.NaN)
  }
  if (!Number.isSafeInteger(sumMs))
    throw new ReadflowError('lake-invalid', `the table property ${property} is ${JSON.stringify(text)}, which is no duration`, {
      hint: 'Write it as "interval 7 days".',
    })
  return sumMs
}
