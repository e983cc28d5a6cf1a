/*
 * Up to when a table is complete, as its own `txn` actions say: for each Kafka partition that it has progress of (`P`),
 * `P/through`, and for the topic how many partitions there are. ARCHITECTURE.md ("Time") says what they mean.
 */

/** Names the epoch ms up to which a partition is complete; `progressId` names its progress. */
export const throughId = (progressId: string): string => `${progressId}/through`

/** Names how many partitions the topic of a partition has. */
export const partitionCountId = (progressId: string): string => `${progressId.slice(0, progressId.lastIndexOf('/'))}/partitions`

interface TopicLedger {
  partitions: number | null
  throughMs: Map<number, number>
}

/**
 * Epoch ms before which all that Kafka got for a table's topic is in the table, or was left out by name: the least of its
 * partitions'. Of several topics, as after one was made anew, the one that was read last counts. Null where a partition
 * is not known, or none is. Pure.
 */
export const completeThroughMs = (txns: ReadonlyMap<string, number>, stage: 'bronze' | 'silver'): number | null => {
  const topics = new Map<string, TopicLedger>()
  for (const [appId, version] of txns) {
    const [name, cluster, topicId, part = '', counter, ...more] = appId.split('/')
    if (name !== stage || more.length > 0) continue
    const topic = topics.get(`${cluster}/${topicId}`) ?? { partitions: null, throughMs: new Map() }
    topics.set(`${cluster}/${topicId}`, topic)
    if (part === 'partitions' && counter === undefined) topic.partitions = version
    else if (counter === 'through') topic.throughMs.set(Number(part), version)
  }
  const newestOf = ({ throughMs }: TopicLedger) => Math.max(Number.NEGATIVE_INFINITY, ...throughMs.values())
  const [topic] = [...topics.values()].sort((a, b) => newestOf(b) - newestOf(a))
  if (!topic || topic.partitions === null) return null
  const all = Array.from({ length: topic.partitions }, (_, partition) => topic.throughMs.get(partition) ?? null)
  return all.length === 0 || all.includes(null) ? null : Math.min(...(all as number[]))
}
