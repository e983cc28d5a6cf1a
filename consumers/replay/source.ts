import type { RecordChunk } from '../../runtime/kafka/record-reader.ts'

/** Offsets of one partition, `to` exclusive. */
export interface Span {
  partition: number
  from: number
  to: number
}

/** Records by partition, each chunk where the one before it ended. */
export type Pieces = Map<number, RecordChunk>

/** Where the records of a topic are had from again. */
export interface RecordSource {
  /**
   * Hands over the records of some spans, piece by piece: all, or of a partition whose next ones the source no longer has those
   * before them. Rejects with what `take` rejects with.
   */
  read: (spans: readonly Span[], take: (pieces: Pieces) => Promise<void>, signal: AbortSignal) => Promise<void>
  close: () => Promise<void>
}

/** What is derived and staged at once, at most. */
export interface PieceLimits {
  maxRecords: number
  maxBytes: number
}
