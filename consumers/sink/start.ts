/** Names whose progress a group offset stands for: written as its metadata, so that ours are told from others'. */
export interface ProgressIdentity {
  clusterId: string
  topicId: string
  tableId: string
}

export const offsetMetadata = (identity: ProgressIdentity, nextOffset: number): string =>
  JSON.stringify({ readflow: 1, cluster: identity.clusterId, topic: identity.topicId, table: identity.tableId, next: nextOffset })

const isOurs = (metadata: string | null, offset: number, { clusterId, topicId, tableId }: ProgressIdentity): boolean => {
  try {
    const parsed = JSON.parse(metadata ?? '') as Record<string, unknown>
    return (
      parsed['readflow'] === 1 &&
      parsed['cluster'] === clusterId &&
      parsed['topic'] === topicId &&
      parsed['table'] === tableId &&
      parsed['next'] === offset
    )
  } catch {
    return false
  }
}

export interface StartInput {
  identity: ProgressIdentity
  /** Next offset by the table's own `txn`; null where the table has none of this partition. */
  progress: number | null
  /** First offset that the topic still has. */
  logStart: number
  group: { offset: number; metadata: string | null } | null
}

export type StartDecision =
  | { kind: 'go-on'; offset: number; warning: string | null }
  /** Records between the two offsets are gone from the topic. */
  | { kind: 'lost'; from: number; to: number }

/**
 * Where a partition goes on. The table's own progress decides: a crash may lie between its commit and the
 * group's. A group offset that is not ours (somebody reset it) is named, and replayed once replay is built.
 */
export const decideStart = ({ identity, progress, logStart, group }: StartInput): StartDecision => {
  const offset = progress ?? logStart
  if (offset < logStart) return { kind: 'lost', from: offset, to: logStart }
  const isForeign = group !== null && progress !== null && group.offset !== progress && !isOurs(group.metadata, group.offset, identity)
  const warning = isForeign ? `the group's offset ${group.offset} is not ours; going on from the table's own progress ${progress}` : null
  return { kind: 'go-on', offset, warning }
}
