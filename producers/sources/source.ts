import type { BackfillMissing } from '../../lineage/backfill/inbox.ts'
import type { Log } from '../../runtime/log.ts'
import type { EntityName, Records, TopicName } from '../../schemas/records.ts'

/** What a source was at, as JSON: enough to go on after a restart without a gap or a flood. */
export type Position = { readonly [key: string]: unknown }

/**
 * One typed record, with where it came from. Its key follows from the catalogue. Records of one entity and one `form` have the
 * same fields, such as those of a list of reviews.
 */
export type SourceRecord = { [N in TopicName]: { entity: N; value: Records[N]; requestId: string | null; form?: string } }[TopicName]

/** That a source has a thing no more, by the key of its records. */
export interface SourceDeletion {
  entity: EntityName
  key: string
}

/** Records to publish together, and the position once they are acknowledged. */
export interface SourceBatch {
  records: SourceRecord[]
  /** Keys of what the source had and has no more; published after the records. */
  deletions?: readonly SourceDeletion[]
  position: Position
}

export interface PollContext {
  pollId: string
  signal: AbortSignal
  log: Log
  nowMs: () => number
}

/** Past days that are asked for. */
export interface BackfillRequest {
  /** First and last day, YYYY-MM-DD in UTC; both count. */
  fromDay: string
  toDay: string
  /** Where an interrupted one goes on; null for the beginning. */
  position: Position | null
  /** Where the live poll is: what that follows already is not asked for again. */
  live: Position | null
  onProgress: (progress: BackfillProgress) => void
}

export interface BackfillProgress {
  /** Requests since the beginning of the backfill, over interruptions. */
  requests: number
  /** About so many requests are to come, by what is known so far. */
  requestsLeft: number
  /** Days that have been asked for whole, of how many; the newest come first. */
  daysDone: number
  days: number
  /** What it goes on without. */
  missing: readonly BackfillMissing[]
}

/**
 * Where records come from. `poll` yields batches until there is no more for now; the caller publishes each
 * batch, then keeps its position. Throws ReadflowError `source-*`; what was yielded before stays valid.
 * A file source that has been read to its end starts over when polled again; an interrupted one goes on.
 */
export interface Source {
  /** Stable name for provenance, such as `goodreads-api` or `dataset`; goes into the header readflow.source. */
  name: string
  /** Names this very source among others, such as its URI without secrets: the position is kept under it. */
  id: string
  /** Whether its data is generated; whatever shows the data says so. */
  isGenerated: boolean
  /** Time between polls unless a person says otherwise; null where one poll reads all there is. */
  pollIntervalMs: number | null
  poll: (position: Position | null, context: PollContext) => AsyncIterable<SourceBatch>
  /** Asks for past days; missing where the source can give nothing by date. */
  backfill?: (request: BackfillRequest, context: PollContext) => AsyncIterable<SourceBatch>
  /** The field that takes the value of a name in `extra` when that fits; where it is missing, the one of the same name. */
  fieldOf?: (entity: TopicName, name: string) => string | null
  close: () => Promise<void>
}
