const FIRST_MS = 1000
const CAP_MS = 10 * 60_000
/** What was not said for so long is new again. */
const FORGET_MS = 5 * 60_000
const MAX_KNOWN = 200

interface Known {
  seenMs: number
  saidMs: number
  pauseMs: number
  leftOut: number
}

/**
 * Keeps what is said again and again from filling a log: a broker that is away is told at once, then after pauses that double.
 * Gives how many alike were left out since the last one that was said, or null where this one is to be left out.
 */
export const createRepeats = (nowMs: () => number) => {
  const known = new Map<string, Known>()
  return (text: string): number | null => {
    const now = nowMs()
    const last = known.get(text)
    // What is said most lately is at the end.
    known.delete(text)
    const before = last && now - last.seenMs < FORGET_MS ? last : null
    if (before && now - before.saidMs < before.pauseMs) {
      known.set(text, { ...before, seenMs: now, leftOut: before.leftOut + 1 })
      return null
    }
    known.set(text, { seenMs: now, saidMs: now, pauseMs: before ? Math.min(before.pauseMs * 2, CAP_MS) : FIRST_MS, leftOut: 0 })
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KNOWN) break
      known.delete(oldest)
    }
    return before?.leftOut ?? 0
  }
}
