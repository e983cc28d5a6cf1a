import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { type Gap, gapsOf, partitionOfProgress, readLedger } from '../sink/ledger.ts'

export type StageName = 'bronze' | 'silver'

/** What a table, at one version, says that it has of one Kafka partition. */
export interface Claim {
  clusterId: string
  topicId: string
  partition: number
  /** First offset that the table was to take; null in a table that was written before there was a ledger. */
  start: number | null
  /** Every offset before it is accounted for. */
  progress: number
  /** Offsets after the last row and before `progress` that Kafka did not deliver. */
  tail: number
  gaps: readonly Gap[]
  /** Cumulative counts of records, by name. */
  counters: Readonly<Record<string, number>>
}

const COUNTERS = ['rows', 'valid', 'late', 'repeat', 'dead']

/** The claims of a table, by partition. */
export const claimsOf = (snapshot: Snapshot, stage: StageName): Claim[] => {
  const claims: Claim[] = []
  for (const [appId, progress] of snapshot.txns) {
    const of = partitionOfProgress(appId)
    if (of?.stage !== stage) continue
    const { clusterId, topicId, partition } = of
    const { start, tail } = readLedger(snapshot, appId)
    claims.push({
      clusterId,
      topicId,
      partition,
      start,
      progress,
      tail,
      gaps: gapsOf(snapshot.metadata?.configuration ?? {}, { topicId, partition }),
      counters: Object.fromEntries(COUNTERS.map((counter) => [counter, snapshot.txns.get(`${appId}/${counter}`) ?? 0])),
    })
  }
  return claims.sort((a, b) => a.topicId.localeCompare(b.topicId) || a.partition - b.partition)
}

/** What tells partitions apart, of whatever topic. */
export const partKey = ({ topicId, partition }: { topicId: string; partition: number }): string => `${topicId}/${partition}`
