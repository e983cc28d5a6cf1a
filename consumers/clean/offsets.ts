/*
 * Up to where the clean topic has a partition of the source topic is the offset of the group, committed in one transaction
 * with the records. Its metadata say what that offset stands for: which table, as it was at which version.
 */

/** What a group offset belongs to. */
export interface CleanIdentity {
  clusterId: string
  topicId: string
  tableId: string
  /** Of the clean topic: one that was made anew has nothing yet. */
  cleanTopicId: string
}

export interface CleanOffset {
  identity: CleanIdentity
  next: number
  /** How often the partition had been replayed in the table. */
  epoch: number
  /** A version of the table of which everything before the group's offsets is published; null where none is known. */
  version: number | null
  /** Records before this offset are published once more, because somebody has reset the group; null where none are. */
  again: number | null
}

/** The metadata of a group offset. */
export const cleanMetadata = ({ identity, next, epoch, version, again }: CleanOffset): string =>
  JSON.stringify({
    readflow: 1,
    cluster: identity.clusterId,
    topic: identity.topicId,
    table: identity.tableId,
    clean: identity.cleanTopicId,
    next,
    epoch,
    ...(version === null ? {} : { version }),
    ...(again === null || again <= next ? {} : { again }),
  })

const numberOr = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null)

/** What metadata of ours say; null for somebody else's, as of a tool that moves the offset and keeps the metadata. */
export const parseCleanMetadata = (offset: number, metadata: string | null): CleanOffset | null => {
  try {
    const { readflow, cluster, topic, table, clean, next, epoch, version, again } = JSON.parse(metadata ?? '') as Record<string, unknown>
    if (readflow !== 1 || next !== offset || clean === undefined) return null
    return {
      identity: { clusterId: String(cluster), topicId: String(topic), tableId: String(table), cleanTopicId: String(clean) },
      next: offset,
      epoch: numberOr(epoch) ?? 0,
      version: numberOr(version),
      again: numberOr(again),
    }
  } catch {
    return null
  }
}

/** A partition of the source topic: the group's offset, and what Silver's ledger says. */
export interface CleanPartition {
  partition: number
  group: { offset: number; metadata: string | null } | null
  /** Next offset that Silver takes; null where it has nothing of the partition. */
  progress: number | null
  /** Where Silver has begun. */
  start: number | null
  epoch: number
}

export interface CleanStart {
  /** Why what the topic holds has to be compared with the table, for people; null where changes go on from the offsets. */
  difference: string | null
  /** Next offset to publish, by partition. */
  from: Map<number, number>
  /** Before these offsets, versions that the topic holds already are published once more. */
  again: Map<number, number>
  /** Rows that were added to the table after this version may be new; null: any row may be. */
  version: number | null
  /** Partitions whose offset somebody has reset. */
  reset: number[]
  /**
   * Whether the table has not yet what the topic has, as after it was restored or replaced: until Silver has derived that
   * again, a comparison would delete what is about to come back.
   */
  isAhead: boolean
}

const isBehind = ({ next }: CleanOffset, progress: number | null) => next > (progress ?? 0)

const differenceOf = (ours: CleanOffset, { progress, epoch }: CleanPartition, identity: CleanIdentity, version: number): string | null => {
  const { clusterId, topicId, tableId, cleanTopicId } = identity
  if (ours.identity.tableId !== tableId) return 'the table is another one'
  if (ours.identity.clusterId !== clusterId || ours.identity.topicId !== topicId) return 'the source topic was made anew'
  if (ours.identity.cleanTopicId !== cleanTopicId) return 'the clean topic was made anew'
  if (isBehind(ours, progress) || (ours.version ?? -1) > version) return 'the table was restored to an older version'
  return ours.epoch === epoch ? null : 'the table was replayed'
}

/**
 * Where each partition goes on. An offset of ours is where the topic ends; one of somebody else is where to publish from
 * again, or up to where to leave out; none means from the table's beginning, less what the topic holds.
 * `isFirst` is false where the table has rows of another topic, which only a comparison brings in.
 */
export const decideCleanStart = (
  { identity, version, isFirst }: { identity: CleanIdentity; version: number; isFirst: boolean },
  partitions: readonly CleanPartition[],
): CleanStart => {
  const start: CleanStart = { difference: null, from: new Map(), again: new Map(), version: null, reset: [], isAhead: false }
  const versions: (number | null)[] = []
  let isKnown = false
  for (const each of partitions) {
    const { partition, group, progress } = each
    const ours = group && parseCleanMetadata(group.offset, group.metadata)
    if (group) isKnown = true
    if (ours) {
      start.difference ??= differenceOf(ours, each, identity, version)
      if (ours.identity.topicId === identity.topicId && isBehind(ours, progress)) start.isAhead = true
      start.from.set(partition, ours.next)
      if (ours.again !== null) start.again.set(partition, ours.again)
      versions.push(ours.version)
    } else if (group) {
      // Beyond the table nothing can be left out: it may never come.
      const from = Math.min(Math.max(group.offset, each.start ?? 0), progress ?? 0)
      start.from.set(partition, from)
      if (from < (progress ?? 0)) start.again.set(partition, progress ?? 0)
      start.reset.push(partition)
      versions.push(null)
    } else if (progress !== null) {
      start.from.set(partition, each.start ?? 0)
      versions.push(null)
    }
  }
  if (!isKnown && !isFirst) start.difference ??= 'the table has changes of another topic'
  start.version = versions.includes(null) || versions.length === 0 ? null : Math.min(...(versions as number[]))
  return start
}

/** Whether nothing is left to publish. */
export const isCleanSettled = (start: CleanStart, partitions: readonly CleanPartition[]): boolean =>
  start.difference === null &&
  partitions.every(({ partition, progress }) => progress === null || (start.from.get(partition) ?? 0) >= progress)
