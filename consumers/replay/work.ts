import type { Field } from '../../lake/columns/column.ts'
import type { ReplayEntry } from '../../lake/replays.ts'
import type { Outcomes } from '../stage.ts'

/** How far the derivation of one partition's range is. */
export interface PartitionWork {
  partition: number
  from: number
  /** First offset after the range; null where it ends at the table's progress, wherever that is by then. */
  to: number | null
  /** Offsets from here on are yet to be derived. */
  position: number
  /** Offsets directly before `position` that Kafka did not deliver, back to the row before. Bronze only. */
  undelivered: number
  /** How often the partition had been replayed when this began: a swap that finds another number is refused. */
  epoch: number | null
  /** The table's progress when this began. */
  beganAt: number
  outcomes: Outcomes
  /** Records in named gaps of the table, which nobody counted before. */
  filled: number
  /** Of a range that ends before progress: keys whose versions changed in it, so that their later records are judged again. */
  keys: string[] | null
  /** Records of what is derived that were dead letters before, by class; known of a range that ends before progress. */
  deadBefore: Outcomes
  /** Those of the known dead letters whose records are none now, by class, and those of them that counted no more before. */
  gone: Outcomes
  stale: Outcomes
}

/** What became of dead letters, by class. */
export interface LetterChanges {
  come: Outcomes
  go: Outcomes
  /** A few of each: where the record is, its key, and its class. */
  samples: { sign: '+' | '-'; partition: number; offset: number; key: string | null; errorClass: string }[]
}

/** Everything of a replay that outlives its process. */
export interface Work {
  kind: 'replay' | 'rollback'
  topic: string
  topicId: string
  clusterId: string
  tableId: string
  /** Of the code that derives: a replay that goes on under other rules would mix two derivations. */
  code: string
  partitions: PartitionWork[]
  fields: readonly Field[]
  letters: LetterChanges
  /** Files with dead letters that are to be sent before the swap. */
  letterFiles: string[]
  records: number
  /** Of these, records that were had from Bronze, and those whose bytes are others than Kafka's. */
  fromBronze: number
  reencoded: number
}

export type ReplayOf = ReplayEntry<Work>

/** A partition of which nothing is derived yet. */
export const newPartitionWork = (
  of: Pick<PartitionWork, 'partition' | 'from' | 'to' | 'position' | 'undelivered' | 'epoch' | 'beganAt'>,
): PartitionWork => ({ ...of, outcomes: {}, filled: 0, keys: null, deadBefore: {}, gone: {}, stale: {} })

/** A replay of which nothing is derived yet. */
export const newWork = (
  of: Pick<Work, 'kind' | 'topic' | 'topicId' | 'clusterId' | 'tableId' | 'code' | 'partitions' | 'fields'>,
): Work => ({
  ...of,
  letters: { come: {}, go: {}, samples: [] },
  letterFiles: [],
  records: 0,
  fromBronze: 0,
  reencoded: 0,
})

/** Whether all records after the range that have to be judged again are of these keys, and there are any. */
export const hasTail = ({ to, keys }: PartitionWork): boolean => to !== null && keys !== null && keys.length > 0

/** Up to where a partition is to be derived, by the table's progress. */
export const targetOf = (work: PartitionWork, progress: number): number =>
  work.to === null || hasTail(work) ? progress : Math.min(work.to, progress)

export const isDerivedTo = (work: PartitionWork, progress: number): boolean => work.position >= targetOf(work, progress)
