import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { partitionOfProgress } from './ledger.ts'

/** A rival that has not committed for so long has gone. */
const QUIET_MS = 10 * 60_000

/**
 * Notices consumers of another Kafka cluster that commit to the same table while this process runs, as those of a second
 * `up` on one lake do. Each cluster's progress is its own, so nothing fences them: their records mix. What an earlier
 * cluster left in a table never moves, and is no rival. Gives, for a table's snapshot, the rival's cluster, or null.
 */
export const createRivals = ({ clusterId, nowMs }: { clusterId: string; nowMs: () => number }) => {
  const seen = new Map<string, Map<string, number>>()
  let last: { of: string; atMs: number } | null = null
  return (tableName: string, { txns }: Pick<Snapshot, 'txns'>): string | null => {
    const before = seen.get(tableName)
    const now = new Map<string, number>()
    for (const [appId, version] of txns) {
      const of = partitionOfProgress(appId)
      if (!of || of.clusterId === clusterId) continue
      now.set(appId, version)
      if (before && before.get(appId) !== version) last = { of: of.clusterId, atMs: nowMs() }
    }
    seen.set(tableName, now)
    return last !== null && nowMs() - last.atMs < QUIET_MS ? last.of : null
  }
}
