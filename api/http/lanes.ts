/** How much is done at once, and for how long one keeps others waiting. */
export interface LaneOptions {
  /** As many run at once. */
  workers: number
  /** As many may wait for a place. */
  maxWaiting: number
  /** For `afterMs` one keeps its place from others; `workers` beyond the first may go on after that. Without it, for good. */
  long?: { workers: number; afterMs: number }
}

/** There are too many for one more. */
export class TooMany extends Error {}

export interface Place {
  leave: () => void
}

const LOOK_AGAIN_MS = 250

/**
 * Places for queries and answers, first come, first served. A long one moves to a lane of its own, so that short ones are not kept
 * by it; where that lane is full as well and others wait, `crowded` is called once, and it must leave.
 */
export const createLanes = ({ workers, maxWaiting, long }: LaneOptions) => {
  const waiting = new Set<{ take: () => void; refuse: (error: Error) => void }>()
  let running = 0
  let runningLong = 0

  const giveOn = () => {
    const [first] = waiting
    if (!first) return void running--
    waiting.delete(first)
    first.take()
  }
  const wait = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, refuse) => {
      const abort = () => {
        waiting.delete(one)
        refuse(signal?.reason)
      }
      const one = {
        refuse,
        take: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
      }
      waiting.add(one)
      signal?.addEventListener('abort', abort, { once: true })
    })

  const enter = async (crowded: () => void, signal?: AbortSignal): Promise<Place> => {
    signal?.throwIfAborted()
    if (running < workers) running++
    else if (waiting.size >= maxWaiting) throw new TooMany(`${workers} run and ${waiting.size} wait already`)
    else await wait(signal)
    let isLong = false
    let hasLeft = false
    const look = () => {
      if (runningLong < (long?.workers ?? 0)) {
        isLong = true
        runningLong++
        giveOn()
      } else if (waiting.size > 0) crowded()
      else timer = setTimeout(look, LOOK_AGAIN_MS)
    }
    let timer = long && setTimeout(look, long.afterMs)
    return {
      leave: () => {
        if (hasLeft) return
        hasLeft = true
        clearTimeout(timer)
        if (isLong) runningLong--
        else giveOn()
      },
    }
  }
  return {
    /** Does work in a place of its own. Rejects as `enter` does. */
    inPlace: async <T>(work: () => Promise<T>): Promise<T> => {
      const place = await enter(() => undefined)
      try {
        return await work()
      } finally {
        place.leave()
      }
    },
    counts: () => ({ running: running + runningLong, waiting: waiting.size }),
    /** Rejects with `TooMany`, or with the reason of `signal` where nobody wants it any more. */
    enter,
    /** Refuses who waits. */
    refuseAll: (error: Error) => {
      for (const { refuse } of waiting) refuse(error)
      waiting.clear()
    },
  }
}

export type Lanes = ReturnType<typeof createLanes>
