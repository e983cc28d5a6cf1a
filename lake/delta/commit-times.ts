/** An entry of the log and when it was committed, in epoch milliseconds. */
export interface CommitTime {
  version: number
  timestampMs: number
}

/**
 * When the entries of a log, oldest first, were committed: by the store's clock, each later than the one before it, so
 * that a clock that was set back moves no version behind an older one.
 */
export const commitTimes = (entries: readonly { version: number; modifiedMs: number }[]): CommitTime[] => {
  let beforeMs = Number.NEGATIVE_INFINITY
  return entries.map(({ version, modifiedMs }) => {
    beforeMs = Math.max(modifiedMs, beforeMs + 1)
    return { version, timestampMs: beforeMs }
  })
}

/** The newest version that was there at that time; null where the log begins later. */
export const newestAt = (times: readonly CommitTime[], timestampMs: number): number | null =>
  times.findLast((time) => time.timestampMs <= timestampMs)?.version ?? null
