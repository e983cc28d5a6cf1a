import type { AnsweredFetch, FetchAnswer } from './kafkajs.ts'
import { isIntact, peekBatch, readHeader } from './records/batch-header.ts'

/** Where a partition ended. */
export interface PartitionEnd {
  /** Next offset of the partition, records of open transactions counted. */
  offset: number
  /** Epoch ms, by the broker's clock as far as it is known: what the partition got from then on may lie behind that end. */
  asOfMs: number
}

/**
 * The ends of partitions by what fetches found, on the clock by which brokers stamp records. Each broker's clock is told
 * from the records that come to a partition that was at its end.
 */
export const createPartitionEnds = () => {
  const clocks = new Map<number, BrokerClock>()
  /** When the last fetch of a partition began, where it found the partition at its end. */
  const emptySince = new Map<string, number>()

  return {
    /** The end that an answer tells. */
    note: (
      answer: FetchAnswer,
      { nodeId, startedMs, answeredMs }: Pick<AnsweredFetch, 'nodeId' | 'startedMs' | 'answeredMs'>,
    ): PartitionEnd => {
      const clock = clocks.get(nodeId) ?? createBrokerClock()
      clocks.set(nodeId, clock)
      const id = `${answer.topic}/${answer.partition}`
      const afterMs = emptySince.get(id)
      const stampedMs = afterMs === undefined || answer.bytes === null ? null : firstAppendMs(answer.bytes)
      if (afterMs !== undefined && stampedMs !== null) clock.note({ afterMs, stampedMs, beforeMs: answeredMs })
      if (answer.fetchedOffset >= answer.highWatermark) emptySince.set(id, startedMs)
      else emptySince.delete(id)
      return { offset: answer.highWatermark, asOfMs: clock.atMost(startedMs) }
    },
  }
}

/** When the broker appended the first of some record batches; null where a producer's time stands for it, or it can't be read. */
const firstAppendMs = (bytes: Buffer): number | null => {
  const batch = peekBatch(bytes, 0)
  if (batch?.problem !== null || !isIntact(bytes, 0, batch.bytes)) return null
  const { isLogAppendTime, maxTimestampMs } = readHeader(bytes, 0)
  return isLogAppendTime ? maxTimestampMs : null
}

/** Wider bounds say too little of a clock: a process may have slept in between. */
const WIDEST_MS = 5000

/**
 * A broker's clock, as far as it can be told from here. Times are epoch ms; `afterMs` and `beforeMs` are of this process'
 * own clock, `stampedMs` is of the broker's.
 */
export const createBrokerClock = () => {
  /** The broker's clock less ours is at least this. */
  let aheadMs: number | null = null

  return {
    /** The broker stamped a record at some moment between two. */
    note: ({ afterMs, stampedMs, beforeMs }: { afterMs: number; stampedMs: number; beforeMs: number }) => {
      if (beforeMs - afterMs > WIDEST_MS) return
      const [least, most] = [stampedMs - beforeMs, stampedMs - afterMs]
      // Where the two contradict each other, one of the clocks was set since.
      aheadMs = aheadMs === null || most < aheadMs ? least : Math.max(aheadMs, least)
    },
    /** The broker's time at a moment of ours, or earlier; never later than ours. Without any record, the clocks count as equal. */
    atMost: (ms: number): number => ms + Math.min(0, aheadMs ?? 0),
  }
}

type BrokerClock = ReturnType<typeof createBrokerClock>
