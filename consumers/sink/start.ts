/** Names whose progress a group offset stands for: written as its metadata, so that ours are told from others'. */
export interface ProgressIdentity {
  clusterId: string
  topicId: string
  tableId: string
}

export const offsetMetadata = (identity: ProgressIdentity, nextOffset: number): string =>
  JSON.stringify({ readflow: 1, cluster: identity.clusterId, topic: identity.topicId, table: identity.tableId, next: nextOffset })

export interface CommittedOffset {
  /** Negative stands for the log's start, as some tools write it. */
  offset: number
  metadata: string | null
}

/** Whose a group's offset is: ours of this table, ours of another table, topic or cluster, or somebody else's. */
type Owner = 'ours' | 'elsewhere' | 'foreign'

const ownerOf = ({ offset, metadata }: CommittedOffset, { clusterId, topicId, tableId }: ProgressIdentity): Owner => {
  try {
    const { readflow, cluster, topic, table, next } = JSON.parse(metadata ?? '') as Record<string, unknown>
    // A tool that moves the offset and keeps the metadata is somebody else.
    if (readflow !== 1 || next !== offset) return 'foreign'
    return cluster === clusterId && topic === topicId && table === tableId ? 'ours' : 'elsewhere'
  } catch {
    return 'foreign'
  }
}

export interface StartInput {
  identity: ProgressIdentity
  /** Next offset by the table's own `txn`; null where the table has none of this partition. */
  progress: number | null
  /** First offset that the topic still has. */
  logStart: number
  /** Next offset of the topic, open transactions aside. */
  logEnd: number
  group: CommittedOffset | null
}

export type StartDecision =
  | { kind: 'go-on'; offset: number; warning: string | null }
  /** Somebody reset the group: derive [from, until) again. */
  | { kind: 'replay'; from: number; until: number }
  /** Somebody moved the group forward: [from, to) is to be left out. */
  | { kind: 'skip'; from: number; to: number }
  /** Records between the two offsets are gone from the topic. */
  | { kind: 'lost'; from: number; to: number }
  /** The topic ends before the table's progress: it lost records that the table has. */
  | { kind: 'ahead'; offset: number; logEnd: number }

/**
 * Where a partition goes on. The table's own progress decides: a crash may lie between its commit and the group's.
 * Only a group offset that somebody else wrote is an order: below progress a replay, above it a skip.
 */
export const decideStart = ({ identity, progress, logStart, logEnd, group }: StartInput): StartDecision => {
  if (progress !== null && progress > logEnd) return { kind: 'ahead', offset: progress, logEnd }
  const owner = group && ownerOf(group, identity)
  if (group && owner === 'foreign') {
    const wanted = Math.min(Math.max(group.offset, logStart), logEnd)
    const base = progress ?? logStart
    // Where the topic's start has overtaken both, nobody asked for the records in between to be left out.
    if (wanted > base && group.offset > base) return { kind: 'skip', from: base, to: wanted }
    if (wanted < base) return { kind: 'replay', from: wanted, until: base }
  }
  if (progress !== null && progress < logStart) return { kind: 'lost', from: progress, to: logStart }
  return { kind: 'go-on', offset: progress ?? logStart, warning: warningOf(owner, group, progress) }
}

const warningOf = (owner: Owner | null, group: CommittedOffset | null, progress: number | null): string | null => {
  if (!group) return null
  const goingOn = progress === null ? "from the topic's start" : `from the table's own progress ${progress}`
  if (owner === 'elsewhere') return `the group's offset ${group.offset} belongs to another table or topic; going on ${goingOn}`
  if (owner === 'ours' && group.offset > (progress ?? 0))
    return `the group's offset ${group.offset} is beyond the table, which was restored or replaced; going on ${goingOn}`
  return null
}
