/** Where a partition's end was seen, and between when. */
interface Seen {
  end: number
  firstMs: number
  lastMs: number
}

interface PartitionNow {
  topic: string
  partition: number
  /** Next offset that the topic is to have. */
  endOffset: number
  /** Records that are not committed. */
  lag: number
}

/** What is kept of a partition: where it is more, every other look goes. */
const MAX_SEEN = 2000

/**
 * Tells how long the oldest record that is not committed has waited, by when the partition's end passed it. It is looked at
 * from outside, so that it goes on while no consumer does. What was there at the first look counts from that look on.
 */
export const createLagAges = () => {
  const seenOf = new Map<string, Seen[]>()

  /** Notes where the end is. A topic that was made anew begins before where it was. */
  const note = (id: string, end: number, nowMs: number): Seen[] => {
    const known = seenOf.get(id) ?? []
    const last = known.at(-1)
    const seen = last !== undefined && end < last.end ? [] : known
    if (last !== undefined && last.end === end) last.lastMs = nowMs
    else seen.push({ end, firstMs: nowMs, lastMs: nowMs })
    seenOf.set(id, seen.length > MAX_SEEN ? seen.filter((_, index) => index % 2 === 0 || index === seen.length - 1) : seen)
    return seenOf.get(id) as Seen[]
  }

  return {
    /** Milliseconds that the oldest uncommitted record of each group's partition has waited, in the order given. */
    waiting: (partitions: readonly PartitionNow[], nowMs: number): number[] => {
      const ids = partitions.map(({ topic, partition }) => `${topic}/${partition}`)
      for (const [index, { endOffset }] of partitions.entries()) note(ids[index] as string, endOffset, nowMs)
      const least = new Map<string, number>()
      const waited = partitions.map(({ endOffset, lag }, index) => {
        const id = ids[index] as string
        const next = endOffset - Math.max(0, lag)
        least.set(id, Math.min(least.get(id) ?? next, next))
        if (lag <= 0) return 0
        const seen = seenOf.get(id) as Seen[]
        const passed = seen.findIndex(({ end }) => end > next)
        // It came after the last look that found the end at or before it.
        return Math.max(0, nowMs - (seen[passed - 1]?.lastMs ?? seen[passed]?.firstMs ?? nowMs))
      })
      for (const [id, next] of least) {
        const seen = seenOf.get(id) as Seen[]
        const needed = seen.findLastIndex(({ end }) => end <= next)
        if (needed > 0) seen.splice(0, needed)
      }
      return waited
    },
  }
}
