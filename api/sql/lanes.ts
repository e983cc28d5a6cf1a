/** How many queries run at once, and for how long one keeps others waiting. */
export interface LaneOptions {
  /** Queries that run at once. */
  workers: number
  /** Queries beyond these that go on after `longAfterMs`. */
  longWorkers: number
  /** For so long a query keeps its place from others. */
  longAfterMs: number
  /** Queries that may wait for a place. */
  maxWaiting: number
}

/** There are too many queries for one more. */
export class TooMany extends Error {}

export interface Place {
  leave: () => void
}

const LOOK_AGAIN_MS = 250

/**
 * Places for queries, first come, first served. A long query moves to a lane of its own, so that short ones are not kept by it;
 * where that lane is full as well and others wait, `crowded` is called once, and the query must leave.
 */
export const createLanes = ({ workers, longWorkers, longAfterMs, maxWaiting }: LaneOptions) => {
  const waiting = new Set<{ take: () => void; refuse: (error: Error) => void }>()
  let running = 0
  let long = 0

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
    else if (waiting.size >= maxWaiting) throw new TooMany(`${workers} queries run and ${waiting.size} wait already`)
    else await wait(signal)
    let isLong = false
    const look = () => {
      if (long < longWorkers) {
        isLong = true
        long++
        giveOn()
      } else if (waiting.size > 0) crowded()
      else timer = setTimeout(look, LOOK_AGAIN_MS)
    }
    let timer: NodeJS.Timeout | null = setTimeout(look, longAfterMs)
    return {
      leave: () => {
        if (timer === null) return
        clearTimeout(timer)
        timer = null
        if (isLong) long--
        else giveOn()
      },
    }
  }
  return {
    /** Rejects with `TooMany`, or with the reason of `signal` where nobody wants it any more. */
    enter,
    /** Refuses who waits. */
    refuseAll: (error: Error) => {
      for (const { refuse } of waiting) refuse(error)
      waiting.clear()
    },
  }
}
