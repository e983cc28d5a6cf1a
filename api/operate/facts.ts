import type { GateHold } from '../../lake/gate-log.ts'
import type { Published } from '../../lake/published.ts'
import type { Run } from '../../lineage/runs/run.ts'
import type { UpStatus } from '../../runtime/up-status.ts'
import type { TableSummary } from '../pipeline/tables.ts'

/** A consumer group on one topic. */
export interface TopicLag {
  group: string
  topic: string
  lagRecords: number
}

/** A partition whose next offset Kafka no longer has. */
export interface LostRange {
  stage: string
  topic: string
  partition: number
  /** First offset that is wanted, and first one that there is. */
  next: number
  logStart: number
}

export interface KafkaFacts {
  lags: TopicLag[]
  /** Members of each group; none of one that there is not. */
  members: ReadonlyMap<string, number>
  /** Dead letters of the last hour, by topic. */
  deadLetters: ReadonlyMap<string, number>
  lost: LostRange[]
}

export interface LakeFacts {
  tables: TableSummary[]
  gold: Published | null
  hold: GateHold | null
  /** The newest run of each kind. */
  runs: Run[]
}

/** Something that was asked: its answer, or why there is none. */
export type Asked<T> = { answer: T; fault: null } | { answer: null; fault: string }

/** How everything was found to be. `null` is what there is nothing to ask of. */
export interface Facts {
  nowMs: number
  /** The `up` of the data folder. */
  up: Asked<UpStatus> | null
  /** Whether its API answers. */
  api: Asked<true> | null
  lake: Asked<LakeFacts>
  /** null where no broker is known. */
  kafka: Asked<KafkaFacts> | null
  /** Whether the schema registry answers; null where none is known. */
  registry: Asked<true> | null
}
