import type { BrowsedTopic, KafkaBrowser } from '../../runtime/kafka/second/browser.ts'
import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'

export interface FoundRecord {
  partition: number
  record: DeliveredRecord
}

/** Where reading goes on, by partition. */
export type Positions = Record<string, number>

export interface Found {
  /** In the order in which they are given out. */
  records: FoundRecord[]
  /** Records that were looked at. */
  scanned: number
  /** Where to go on; null where the end was reached. */
  next: Positions | null
  /** Up to where each partition was looked at and given out. */
  reached: Positions
}

/** What one answer may look at. */
const MAX_SCANNED = 50_000
const MAX_BYTES = 16 * 1024 ** 2

const bytesOf = ({ key, value }: DeliveredRecord) => (key?.length ?? 0) + (value?.length ?? 0) + 100
const byTime = (a: FoundRecord, b: FoundRecord) =>
  a.record.timestampMs - b.record.timestampMs || a.partition - b.partition || a.record.offset - b.record.offset

/** Records of some partitions from positions on, oldest first, that `isWanted`; at most `limit` of them. */
export const readFrom = async (
  browser: KafkaBrowser,
  topic: BrowsedTopic,
  positions: Positions,
  { limit, isWanted }: { limit: number; isWanted: (record: DeliveredRecord) => boolean },
): Promise<Found> => {
  const found: FoundRecord[] = []
  const ends: Positions = {}
  const chosen = topic.partitions.filter(({ partition }) => positions[partition] !== undefined)
  let scanned = 0
  for (const { partition, logStart, end } of chosen) {
    const from = Math.max(logStart, positions[partition]!)
    ends[partition] = from
    let [taken, bytes, looked] = [0, 0, 0]
    // Each partition has its share, so that none waits for ever behind another.
    const budget = Math.ceil(MAX_SCANNED / chosen.length)
    if (from >= end) continue
    reading: for await (const { nextOffset, records } of browser.read({ topic: topic.name, topicId: topic.id, partition, from, to: end })) {
      for (const record of records) {
        ends[partition] = record.offset + 1
        looked++
        if (isWanted(record)) {
          found.push({ partition, record })
          taken++
          bytes += bytesOf(record)
        }
        if (taken >= limit || bytes > MAX_BYTES / chosen.length || looked >= budget) break reading
      }
      ends[partition] = nextOffset
    }
    scanned += looked
  }
  const records = found.sort(byTime).slice(0, limit)
  const next: Positions = { ...ends }
  // What was read and is not given out comes with the next page.
  for (const { partition, record } of found.slice(limit)) next[partition] = Math.min(next[partition]!, record.offset)
  const isAtEnd = chosen.every(({ partition, end }) => next[partition]! >= end)
  return { records, scanned, next: isAtEnd ? null : next, reached: next }
}

/** The newest records of some partitions, newest first: those before `before` where that says so. */
export const readBack = async (
  browser: KafkaBrowser,
  topic: BrowsedTopic,
  partitions: readonly number[],
  {
    limit,
    isWanted,
    before = {},
  }: { limit: number; isWanted: (record: DeliveredRecord, partition: number) => boolean; before?: Positions },
): Promise<Found> => {
  const found: FoundRecord[] = []
  const next: Positions = {}
  const chosen = topic.partitions.filter(({ partition }) => partitions.includes(partition))
  let scanned = 0
  for (const { partition, logStart, end } of chosen) {
    let to = Math.min(end, before[partition] ?? end)
    let [taken, bytes, window] = [0, 0, limit]
    const budget = Math.ceil(MAX_SCANNED / chosen.length)
    let looked = 0
    while (to > logStart && taken < limit && looked < budget && bytes < MAX_BYTES / chosen.length) {
      const from = Math.max(logStart, to - window)
      for await (const { records } of browser.read({ topic: topic.name, topicId: topic.id, partition, from, to })) {
        for (const record of records) {
          looked++
          if (!isWanted(record, partition)) continue
          found.push({ partition, record })
          taken++
          bytes += bytesOf(record)
        }
      }
      to = from
      // Where few are wanted, or transactions leave gaps, the next look goes further.
      window = Math.min(window * 2, 5000)
    }
    next[partition] = to
    scanned += looked
  }
  const sorted = found.sort((a, b) => byTime(b, a))
  const records = sorted.slice(0, limit)
  for (const { partition, record } of sorted.slice(limit)) next[partition] = Math.max(next[partition]!, record.offset + 1)
  const isAtStart = chosen.every(({ partition, logStart }) => next[partition]! <= logStart)
  return { records, scanned, next: isAtStart ? null : next, reached: next }
}
