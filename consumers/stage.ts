import type { ColumnBatch, Field } from '../lake/columns/column.ts'
import type { AddFile } from '../lake/delta/actions.ts'
import type { Snapshot } from '../lake/delta/snapshot.ts'
import type { OutgoingRecord } from '../runtime/kafka/producer.ts'
import type { TopicName } from '../schemas/records.ts'
import type { PartitionInput } from './decode/batches.ts'

/** What became of the records of one partition in one flush. */
export type Outcomes = Record<string, number>

export interface StageResult {
  batch: ColumnBatch
  /** By partition number. */
  outcomes: Map<number, Outcomes>
  deadLetters: OutgoingRecord[]
  /** The newest schema that records of this batch were written with; null where none is known. */
  schemaId: number | null
  /** Called once the batch is committed, and only then: state moves with the table. */
  accepted: () => void
}

export interface RestoreOptions {
  keys?: ReadonlySet<string> | undefined
  staged?: readonly AddFile[] | undefined
}

export interface RestoredPartition {
  topicId: string
  partition: number
  /** Only what the records before this offset left; all where it is missing. */
  below?: number | undefined
}

/** A sink's transform for one topic: pure on its input and the state that it was given at assignment. */
export interface StageTable {
  entity: TopicName
  /** Path of the table in the lake. */
  root: string
  partitionColumns: string[]
  /** Columns of a table that does not exist yet. */
  fields: readonly Field[]
  /** Whether every delivered record becomes a row, so that the table can prove that none is missing. */
  isComplete: boolean
  /** Where records go that become no row; null where there are none. */
  deadLetterTopic: string | null
  /**
   * Forgets all state and restores that of these partitions from the table: of some `keys` only, for a look at those, and of
   * files that a replay has `staged` for it too.
   */
  restore: (snapshot: Snapshot, partitions: readonly RestoredPartition[], more?: RestoreOptions) => Promise<void>
  transform: (inputs: readonly PartitionInput[], tableFields: readonly Field[]) => Promise<StageResult>
}

export interface Stage {
  name: 'bronze' | 'silver'
  groupId: string
  tables: readonly StageTable[]
}

export const addOutcome = (outcomes: Map<number, Outcomes>, partition: number, name: string) => {
  const of = outcomes.get(partition) ?? {}
  of[name] = (of[name] ?? 0) + 1
  outcomes.set(partition, of)
}

/** Adds counts to others, in place. */
export const addCounts = (sum: Outcomes, counts: Outcomes) => {
  for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
}
