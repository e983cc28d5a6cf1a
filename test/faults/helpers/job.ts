import type { EntityName } from '../../../schemas/records.ts'
import type { Crash } from '../child/points.ts'

/** What a child process is to do. */
export interface SinkJob {
  /** Names the run: dead letters carry it. */
  run: string
  brokers: string[]
  registryUrl: string
  lakeUrl: string
  stage: 'bronze' | 'silver'
  entities: EntityName[]
  groupId: string
  flush: { intervalMs: number; maxRows: number; maxBytes: number }
  isOnce: boolean
  sessionTimeoutMs?: number
  crash?: Crash
  logLevel?: string
}
