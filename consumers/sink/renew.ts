import { partitionOfProgress } from './ledger.ts'
import { isAtEnd } from './partition.ts'
import type { TableSink } from './table-sink.ts'

/*
 * A partition to which nothing comes is complete up to the last fetch that found nothing. A table learns that with the
 * next flush of its consumer; for tables to which nothing comes, and for consumers, while there is work for others, it is
 * written by itself.
 */

type Renewable = Pick<TableSink, 'table' | 'partitions' | 'renewThrough'>

export interface RenewalOptions {
  sinks: readonly Renewable[]
  /** Least time between two rounds. */
  intervalMs: number
  nowMs: () => number
}

const NEVER_MS = Number.NEGATIVE_INFINITY

/**
 * Renews, in rounds, up to when the tables of a stage are complete. Once any of them has taken something in, be it by another
 * process, each is brought to a time after that, and no further: an idle system writes nothing.
 */
export const createRenewals = ({ sinks, intervalMs, nowMs }: RenewalOptions) => {
  /** What all tables had taken in at the last round; null before the first assignment. */
  let taken: number | null = null
  let [beganMs, movedMs, roundMs] = [NEVER_MS, NEVER_MS, NEVER_MS]
  /** They have said it themselves since the last round. */
  const flushed = new Set<Renewable>()
  /** Whose turn came and that are not written yet: a fault in between leaves none out. */
  const owed = new Set<Renewable>()

  const startRound = async () => {
    const now = sumOf(await Promise.all(sinks.map(async ({ table }) => (await table.snapshot()).txns)))
    if (now !== taken) movedMs = nowMs()
    taken = now
    roundMs = nowMs()
  }

  const oweDue = async ({ isLast }: { isLast: boolean }) => {
    if (taken === null) return
    const isRound = isLast || nowMs() - roundMs >= intervalMs
    if (isRound) await startRound()
    for (const sink of sinks) {
      const sinceMs = flushed.has(sink) ? Math.min(movedMs, isLast ? beganMs : NEVER_MS) : movedMs
      if ((taken > 0 && isUnknown(sink)) || (isRound && isBefore(sink, sinceMs))) owed.add(sink)
    }
    if (isRound) flushed.clear()
  }

  return {
    /** The tables as they are before this process has done anything. */
    begin: () => {
      if (taken !== null) return
      taken = sumOf(sinks.map(({ table }) => table.known().txns))
      beganMs = nowMs()
    },
    flushed: (sink: Renewable) => void flushed.add(sink),
    /** A round, where one is due; `isLast`: at once. */
    renew: async ({ isLast = false }: { isLast?: boolean } = {}): Promise<void> => {
      await oweDue({ isLast })
      for (const sink of owed) {
        await sink.renewThrough()
        owed.delete(sink)
      }
    },
  }
}

/** Whether a table does not say yet up to when a partition is complete, and now could. */
const isUnknown = (sink: Renewable) => sink.partitions().some((each) => each.ledger.through === null && isAtEnd(each))

/** Whether a table is complete only up to a time before that, as far as nothing waits. */
const isBefore = (sink: Renewable, sinceMs: number) =>
  sink.partitions().some((each) => isAtEnd(each) && (each.ledger.through ?? 0) < sinceMs)

/** Grows with everything that any partition takes in. */
const sumOf = (tables: readonly ReadonlyMap<string, number>[]): number => {
  let sum = 0
  for (const txns of tables) for (const [appId, offset] of txns) if (partitionOfProgress(appId)) sum += offset
  return sum
}
