import type { BrowsedTopic, KafkaBrowser } from '../../runtime/kafka/second/browser.ts'

/** A topic in short. `records` counts offsets, which control records and compaction make a little more than records. */
export const shapeTopic = ({ name, id, partitions, configs }: BrowsedTopic) => ({
  topic: name,
  topic_id: id,
  records: partitions.reduce((sum, { logStart, end }) => sum + end - logStart, 0),
  partitions: partitions.map(({ partition, logStart, end }) => ({ partition, log_start_offset: logStart, end_offset: end })),
  configs,
})

/** How far a group is in a topic, by partition; null where it has committed nothing there. */
export const groupInTopic = async (browser: KafkaBrowser, group: string, topic: BrowsedTopic) => {
  const committed = (await browser.committed(group)).filter((each) => each.topic === topic.name)
  if (committed.length === 0) return null
  const partitions = topic.partitions.map(({ partition, logStart, end }) => {
    const offset = committed.find((each) => each.partition === partition)?.offset ?? null
    return { partition, committed_offset: offset, end_offset: end, lag_records: Math.max(0, end - Math.max(logStart, offset ?? logStart)) }
  })
  return { partitions, lag_records: partitions.reduce((sum, { lag_records }) => sum + lag_records, 0) }
}
