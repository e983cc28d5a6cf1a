import { open } from 'node:fs/promises'
import { type Column, type ColumnBatch, columnOf, isNullAt, valueAt } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { DeliveredRecord, SecondReader } from '../../runtime/kafka/second/reader.ts'
import type { Registry } from '../../runtime/registry.ts'
import type { EntityName, TopicName } from '../../schemas/records.ts'
import { createBronze } from '../bronze/bronze.ts'
import type { PartitionInput } from '../decode/batches.ts'
import { rowsOfRecords, silverDecoder } from '../silver/silver.ts'
import { partKey, type StageName } from './claims.ts'
import { statsOf } from './data-files.ts'
import { digestsOf } from './digests.ts'
import { addOffset, noOffsets, type OffsetRange, type Offsets } from './offsets.ts'
import type { OpenTable } from './tables.ts'

/** The rows that a table ought to have of some records, where it has rows of them. */
export type Derive = (inputs: readonly PartitionInput[]) => Promise<ColumnBatch>

export const deriveBronze = (name: TopicName, registry: Registry, { snapshot }: OpenTable): Derive => {
  const table = createBronze({ registry }).tables.find(({ entity }) => entity === name)
  return async (inputs) => (await table!.transform(inputs, snapshot.metadata?.fields ?? [])).batch
}

export const deriveSilver = (name: EntityName, registry: Registry): Derive => {
  const decoder = silverDecoder(name, registry)
  return (inputs) => rowsOfRecords(name, inputs, decoder)
}

export interface ValueOptions {
  reader: SecondReader
  signal: AbortSignal
  topic: string
  topicId: string
  /** By partition, what is to be compared. */
  ranges: ReadonlyMap<number, OffsetRange>
  tables: readonly { stage: StageName; table: OpenTable; derive: Derive }[]
}

/** Digests that are held at once: 4 bytes each, for each of two tables. */
const WINDOW_ROWS = 4 * 1024 * 1024
/** Records whose rows are derived at once. */
const BATCH = { records: 1024, bytes: 4 * 1024 * 1024 }
/** A record of this size may have been passed over unread: its row says so. */
const TOO_LARGE_BYTES = 32 * 1024 * 1024
/** What does not follow from a record alone. */
const ignored: Record<StageName, ReadonlySet<string>> = {
  bronze: new Set(['_undelivered_before']),
  silver: new Set(['_late']),
}

interface Window extends OffsetRange {
  digests: Uint32Array
}

/**
 * Compares rows field by field, as digests, with what the records that Kafka delivers make of them; gives the offsets, by
 * stage and partition, of rows that hold something else. Rows that could not be decoded once (`_error`) are left out, and
 * what one of both does not have is for others to find.
 */
export const compareValues = async (options: ValueOptions): Promise<Record<StageName, Map<string, Offsets>>> => {
  const { ranges, topicId } = options
  const found: Record<StageName, Map<string, Offsets>> = { bronze: new Map(), silver: new Map() }
  const most = Math.max(1, Math.floor(WINDOW_ROWS / Math.max(1, ranges.size)))
  const from = Math.min(...[...ranges.values()].map((range) => range.from))
  const to = Math.max(...[...ranges.values()].map((range) => range.to))
  for (let start = from; start < to; start += most) {
    const spans = new Map<number, OffsetRange>()
    for (const [partition, range] of ranges) {
      const span = { from: Math.max(start, range.from), to: Math.min(start + most, range.to) }
      if (span.from < span.to) spans.set(partition, span)
    }
    const windows = await Promise.all(options.tables.map(({ stage, table }) => readWindows(table, { stage, topicId, spans })))
    for (const [partition, span] of spans) {
      const of = windows.map((each) => each.get(partition) as Window)
      for await (const records of batchesOf(options, partition, span)) {
        options.signal.throwIfAborted()
        for (const [index, { stage, derive }] of options.tables.entries()) {
          const window = of[index]!
          const known = records.filter(({ offset }) => window.digests[offset - window.from] !== 0)
          if (known.length === 0) continue
          const differing = await compareBatch(known, window, { options, partition, stage, derive })
          const key = partKey({ topicId, partition })
          const offsets = found[stage].get(key) ?? noOffsets()
          for (const offset of differing) addOffset(offsets, offset)
          if (offsets.count > 0) found[stage].set(key, offsets)
        }
      }
    }
  }
  return found
}

/** Digests of the rows of some offsets, by partition; 0 where there is none. */
const readWindows = async (
  { root, snapshot, localPath }: OpenTable,
  { stage, topicId, spans }: { stage: StageName; topicId: string; spans: ReadonlyMap<number, OffsetRange> },
): Promise<Map<number, Window>> => {
  const windows = new Map<number, Window>()
  for (const [partition, span] of spans) windows.set(partition, { ...span, digests: new Uint32Array(span.to - span.from) })
  const columns = snapshot.metadata?.fields.map(({ name }) => name) ?? []
  const first = Math.min(...[...spans.values()].map(({ from }) => from))
  const end = Math.max(...[...spans.values()].map(({ to }) => to))
  const where = (file: AddFile) => {
    const { minValues, maxValues } = statsOf(file)
    const [min, max] = [minValues?.['_offset'], maxValues?.['_offset']]
    return !(typeof min === 'number' && typeof max === 'number' && (min >= end || max < first))
  }
  for await (const batch of scan(localReader(root, localPath), snapshot, { root, columns, where })) {
    const digests = digestsOf(batch, ignored[stage])
    const [topicIds, partitions, offsets] = ['_topic_id', '_partition', '_offset'].map((name) => columnOf(batch, name)) as [
      Column,
      Column,
      Column,
    ]
    const errors = stage === 'bronze' ? columnOf(batch, '_error') : null
    for (let row = 0; row < batch.length; row++) {
      const window = windows.get(valueAt(partitions, row) as number)
      const offset = valueAt(offsets, row) as number
      if (!window || offset < window.from || offset >= window.to || valueAt(topicIds, row) !== topicId) continue
      if (errors === null || isNullAt(errors, row)) window.digests[offset - window.from] = digests[row]!
    }
  }
  return windows
}

const localReader = (root: string, localPath: OpenTable['localPath']) => ({
  getRange: async (path: string, start: number, end: number) => {
    const handle = await open(localPath(path.slice(root.length + 1)))
    try {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(end - start), 0, end - start, start)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  },
})

async function* batchesOf(
  { reader, topic, topicId }: ValueOptions,
  partition: number,
  span: OffsetRange,
): AsyncGenerator<DeliveredRecord[]> {
  let records: DeliveredRecord[] = []
  let bytes = 0
  for await (const batch of reader.read({ topic, topicId, partition, ...span })) {
    for (const record of batch.records) {
      if ((record.value?.length ?? 0) > TOO_LARGE_BYTES) continue
      records.push(record)
      bytes += record.value?.length ?? 0
      if (records.length < BATCH.records && bytes < BATCH.bytes) continue
      yield records
      records = []
      bytes = 0
    }
  }
  if (records.length > 0) yield records
}

const compareBatch = async (
  records: readonly DeliveredRecord[],
  window: Window,
  { options: { topic, topicId }, partition, stage, derive }: { options: ValueOptions; partition: number; stage: StageName; derive: Derive },
): Promise<number[]> => {
  const input: PartitionInput = {
    topic,
    topicId,
    partition,
    records: records.map((record) => ({
      ...record,
      headers: record.headers.map(([name, value]) => [name?.toString('utf8') ?? '', value]),
    })),
    fromOffset: records[0]!.offset,
    nextOffset: records.at(-1)!.offset + 1,
    undelivered: 0,
  }
  const batch = await derive([input])
  const digests = digestsOf(batch, ignored[stage])
  const offsets = columnOf(batch, '_offset')
  const derived = new Map<number, number>()
  for (let row = 0; row < batch.length; row++) derived.set(valueAt(offsets, row) as number, digests[row]!)
  return records.map(({ offset }) => offset).filter((offset) => derived.get(offset) !== window.digests[offset - window.from])
}
