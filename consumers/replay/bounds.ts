import { columnOf, valueAt } from '../../lake/columns/column.ts'
import type { SecondReader } from '../../runtime/kafka/second/reader.ts'
import { progressId, readLedger } from '../sink/ledger.ts'
import { rowsOfRanges } from '../sink/replace-range.ts'
import { availableFrom, type PlanOptions } from './plan.ts'

/** What of a partition can be derived again. Times are ISO 8601, UTC; null where no record tells one. */
export interface PartitionBounds {
  partition: number
  earliest: { offset: number; at: string | null }
  /** The offset after the last one that the table has taken in, and the time of the last record before it. */
  latest: { offset: number; at: string | null }
  /** Offsets before this one come from Bronze. */
  kafkaFrom: number
}

/** Of so many offsets at the end of a partition one at least has a record, or no time is told. */
const LAST_OFFSETS = 200

/** The earliest and latest of each partition of a table that a replay may be asked for. */
export const boundsOf = async (
  options: Pick<PlanOptions, 'layer' | 'topic' | 'topicId' | 'client' | 'snapshot' | 'bronze'>,
  reader: Pick<SecondReader, 'read'>,
): Promise<PartitionBounds[]> => {
  const { client, topic, topicId, snapshot, layer, bronze } = options
  const bounds: PartitionBounds[] = []
  for (const { partition, logStart, end } of await client.topicOffsets(topic)) {
    const ledger = readLedger(snapshot, progressId({ stage: layer, clusterId: client.clusterId, topicId, partition }))
    if (ledger.progress === null) continue
    const earliest = Math.max(ledger.start ?? 0, availableFrom(options, partition, logStart))
    // A topic that lost records ends before the table's progress.
    const latest = Math.min(ledger.progress, end)
    const kafkaFrom = Math.max(earliest, logStart)
    const inKafka = { topic, topicId, partition, from: kafkaFrom, to: latest }
    const inBronze =
      bronze && earliest < logStart ? await firstInBronze(bronze, { topicId, partition, from: earliest, to: logStart }) : null
    const firstMs = inBronze ?? (await timeOf(reader, inKafka, 'first'))
    const lastMs = await timeOf(reader, { ...inKafka, from: Math.max(kafkaFrom, latest - LAST_OFFSETS) }, 'last')
    bounds.push({
      partition,
      earliest: { offset: earliest, at: isoOf(firstMs) },
      latest: { offset: latest, at: isoOf(lastMs) },
      kafkaFrom,
    })
  }
  return bounds.sort((a, b) => a.partition - b.partition)
}

const isoOf = (atMs: number | null) => (atMs === null ? null : new Date(atMs).toISOString())

const timeOf = async (
  reader: Pick<SecondReader, 'read'>,
  range: Parameters<SecondReader['read']>[0],
  which: 'first' | 'last',
): Promise<number | null> => {
  let lastMs: number | null = null
  for await (const { records } of reader.read(range)) {
    if (which === 'first' && records[0]) return records[0].timestampMs
    lastMs = records.at(-1)?.timestampMs ?? lastMs
  }
  return lastMs
}

const firstInBronze = async (
  { table, snapshot }: NonNullable<PlanOptions['bronze']>,
  range: { topicId: string; partition: number; from: number; to: number },
): Promise<number | null> => {
  let [first, atMs] = [Number.POSITIVE_INFINITY, null as number | null]
  // A look at the first offsets is enough: what lies between two rows is named by the second.
  for await (const batch of rowsOfRanges(table, snapshot, [{ ...range, to: Math.min(range.to, range.from + LAST_OFFSETS) }], {
    columns: ['_topic_id', '_partition', '_offset', 'ingestion_timestamp'],
  })) {
    const [offsets, times] = [columnOf(batch, '_offset'), columnOf(batch, 'ingestion_timestamp')]
    for (let row = 0; row < batch.length; row++) {
      const offset = Number(valueAt(offsets, row))
      if (offset < first) [first, atMs] = [offset, valueAt(times, row) as number | null]
    }
  }
  return atMs
}
