import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { throughId } from '../../schemas/through.ts'

/*
 * What a table itself says of each Kafka partition in it: progress and counters as `txn` actions, named gaps as table
 * properties. ARCHITECTURE.md ("Exactly once") has the list.
 */

/** What the names of one partition's `txn` actions begin with. */
export const progressId = (of: { stage: string; clusterId: string; topicId: string; partition: number }): string =>
  `${of.stage}/${of.clusterId}/${of.topicId}/${of.partition}`

/** The partition whose progress an `appId` names; null for another one. */
export const partitionOfProgress = (appId: string): { stage: string; clusterId: string; topicId: string; partition: number } | null => {
  const [stage = '', clusterId = '', topicId = '', partition = '', ...more] = appId.split('/')
  return /^\d+$/.test(partition) && more.length === 0 ? { stage, clusterId, topicId, partition: Number(partition) } : null
}

export const epochId = (appId: string): string => `${appId}/epoch`
export const startId = (appId: string): string => `${appId}/start`
export const tailId = (appId: string): string => `${appId}/tail`
export const counterId = (appId: string, counter: string): string => `${appId}/${counter}`

export interface Ledger {
  /** Next offset; null before the first commit. */
  progress: number | null
  /** First offset that the table was to take; null before the first commit, or in a table that does not say. */
  start: number | null
  /** How often the partition was replayed; null before the first time. */
  epoch: number | null
  /** Offsets after the last row and before progress that Kafka did not deliver. Bronze only. */
  tail: number
  /** Epoch ms before which all that Kafka got for the partition is in the table; null where nobody knows. */
  through: number | null
}

/** What the table says of a partition. */
export const readLedger = ({ txns }: Snapshot, appId: string): Ledger => ({
  progress: txns.get(appId) ?? null,
  start: txns.get(startId(appId)) ?? null,
  epoch: txns.get(epochId(appId)) ?? null,
  tail: txns.get(tailId(appId)) ?? 0,
  through: txns.get(throughId(appId)) ?? null,
})

/** What the table counts of a partition, by the counter's name. */
export const countersOf = ({ txns }: Pick<Snapshot, 'txns'>, appId: string): Record<string, number> => {
  const prefix = counterId(appId, '')
  return Object.fromEntries([...txns].flatMap(([id, count]) => (id.startsWith(prefix) ? [[id.slice(prefix.length), count]] : [])))
}

export type GapReason = 'skipped' | 'lost' | 'corrupt'

/** Offsets `from` to `to` (exclusive) that are not in the table because a person said so. */
export interface Gap {
  from: number
  to: number
  reason: GapReason
  /** ISO 8601, UTC. */
  at: string
}

type PartitionKey = { topicId: string; partition: number }

const gapPrefix = ({ topicId, partition }: PartitionKey) => `readflow.gap.${topicId}.${partition}.`

/** The table property that keeps a gap. */
export const gapProperty = (key: PartitionKey, { from, to, reason, at }: Gap): Record<string, string> => ({
  [`${gapPrefix(key)}${from}`]: JSON.stringify({ to, reason, at }),
})

/** The named gaps of a partition, by offset. A property that does not parse is none of ours. */
export const gapsOf = (configuration: Readonly<Record<string, string>>, key: PartitionKey): Gap[] => {
  const prefix = gapPrefix(key)
  return Object.entries(configuration)
    .filter(([name]) => name.startsWith(prefix))
    .flatMap(([name, text]) => {
      const gap = parsedGap(Number(name.slice(prefix.length)), text)
      return gap ? [gap] : []
    })
    .sort((a, b) => a.from - b.from)
}

const parsedGap = (from: number, text: string): Gap | null => {
  try {
    const { to, reason, at } = JSON.parse(text) as Omit<Gap, 'from'>
    return Number.isSafeInteger(from) && Number.isSafeInteger(to) && to > from ? { from, to, reason, at } : null
  } catch {
    return null
  }
}

/** How many offsets from `from` to `to` (exclusive) lie in named gaps. */
export const offsetsInGaps = (gaps: readonly Gap[], from: number, to: number): number =>
  gaps.reduce((sum, gap) => sum + Math.max(0, Math.min(gap.to, to) - Math.max(gap.from, from)), 0)

/** The change of properties that takes [from, to) out of the named gaps: those offsets were derived again. */
export const withoutGaps = (
  configuration: Readonly<Record<string, string>>,
  key: PartitionKey,
  { from, to }: { from: number; to: number },
): Record<string, string | null> => {
  const changes: Record<string, string | null> = {}
  for (const gap of gapsOf(configuration, key)) {
    if (gap.to <= from || gap.from >= to) continue
    changes[`${gapPrefix(key)}${gap.from}`] = null
    if (gap.from < from) Object.assign(changes, gapProperty(key, { ...gap, to: from }))
    if (gap.to > to) Object.assign(changes, gapProperty(key, { ...gap, from: to }))
  }
  return changes
}
