import type { StoreOptions } from '../../../lake/store/store.ts'
import type { TopicName } from '../../../schemas/records.ts'
import type { Crash } from '../child/points.ts'

/** What a child process is to do. */
export interface SinkJob {
  /** Names the run: dead letters carry it. */
  run: string
  brokers: string[]
  registryUrl: string
  lakeUrl: string
  stage: 'bronze' | 'silver'
  entities: TopicName[]
  groupId: string
  flush: { intervalMs: number; maxRows: number; maxBytes: number }
  isOnce: boolean
  sessionTimeoutMs?: number
  /** How soon a change of a topic's partitions is noticed. */
  metadataMaxAgeMs?: number
  /** Limits of its lake's store, where that is not a folder. */
  storeLimits?: StoreOptions
  /** How much longer each read of a data file takes. */
  readDelayMs?: number
  crash?: Crash
  /** Put into every row, so that one derivation is told from another. */
  mark?: string
  isLossAccepted?: boolean
  logLevel?: string
}
