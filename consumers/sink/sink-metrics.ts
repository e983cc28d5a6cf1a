import type { Outcomes } from '../stage.ts'
import type { GapReason } from './ledger.ts'
import type { FlushStep } from './stopwatch.ts'

/** What a flush of one table came to, beside its rows. */
export interface FlushMeasures {
  /** What became of the records that were committed; replayed ones are not among them. */
  committed: Outcomes
  /** Records that a replay derived again. */
  replayed: number
  /** All records of the flush, and the bytes of their keys, values and headers. */
  records: number
  bytes: number
  stepsMs: Readonly<Partial<Record<FlushStep, number>>>
}

/** Where the replays of a table are: how many partitions, and how many of their offsets are derived. */
export interface ReplayProgress {
  partitions: number
  derived: number
  offsets: number
}

/** Who wants to know how a stage does. Entities are those of its tables. */
export interface SinkMetrics {
  flushed: (entity: string, measures: FlushMeasures) => void
  /** The group gave this process so many partitions; null: it has left the group. */
  joined: (partitions: number | null) => void
  /** So many partitions of a table do not go on. */
  stopped: (entity: string, partitions: number) => void
  gap: (entity: string, reason: GapReason, offsets: number) => void
  /** A flush was discarded, as the table or the topic went on without us. */
  fenced: (cause: 'lake-fenced' | 'topic-changed') => void
  /** A fault stopped an attempt, which is tried again after a while; null: it is over. */
  waiting: (error: unknown) => void
  replaying: (entity: string, progress: ReplayProgress) => void
  replayEnded: (entity: string, outcome: 'completed' | 'failed' | 'aborted') => void
}

const nothing = () => undefined

/** For who is not asked. */
export const noSinkMetrics: SinkMetrics = {
  flushed: nothing,
  joined: nothing,
  stopped: nothing,
  gap: nothing,
  fenced: nothing,
  waiting: nothing,
  replaying: nothing,
  replayEnded: nothing,
}
