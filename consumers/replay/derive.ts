import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'
import { letterHeader } from '../../lineage/letters/headers.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import type { RecordChunk } from '../../runtime/kafka/record-reader.ts'
import type { PartitionInput } from '../decode/batches.ts'
import { type Gap, gapsOf, offsetsInGaps } from '../sink/ledger.ts'
import { inputOf, undeliveredAfter } from '../sink/partition.ts'
import { mergedFields } from '../sink/replay.ts'
import { addCounts, type StageTable } from '../stage.ts'
import { compareLetters, type KnownLetters } from './letters.ts'
import type { Pieces, RecordSource, Span } from './source.ts'
import { checkEnds } from './topic-end.ts'
import { type PartitionWork, targetOf, type Work } from './work.ts'

export interface DeriveOptions {
  work: Work
  stageTable: StageTable
  /** The table as it was when this process began. */
  snapshot: Snapshot
  /** Where files are staged: the table itself, or for a dry run a folder of this process. */
  staging: Pick<Table, 'store' | 'root'>
  kafka: RecordSource
  /** Null where the table can only be derived from Kafka. */
  bronze: RecordSource | null
  client: Pick<KafkaClient, 'topicOffsets'>
  letters: ReadonlyMap<number, KnownLetters>
  /** Keeps what was staged, and dead letters that are to be sent before the swap. */
  keep: (adds: readonly AddFile[], letters: readonly OutgoingRecord[]) => Promise<void>
  onProgress: () => void
  signal: AbortSignal
}

/** Derives the ranges of a replay piece by piece, and stages their rows. */
export const createDerivation = (options: DeriveOptions) => {
  const { work, stageTable, snapshot, staging, signal } = options
  const works = new Map(work.partitions.map((each) => [each.partition, each]))
  const gaps = new Map<number, readonly Gap[]>(
    work.partitions.map(({ partition }) => [
      partition,
      gapsOf(snapshot.metadata?.configuration ?? {}, { topicId: work.topicId, partition }),
    ]),
  )
  const keys = new Map<PartitionWork, ReadonlySet<string>>()
  const keysOf = (of: PartitionWork): ReadonlySet<string> => {
    const known = keys.get(of) ?? new Set(of.keys ?? [])
    keys.set(of, known)
    return known
  }

  const isInGap = (partition: number, offset: number) => offsetsInGaps(gaps.get(partition) ?? [], offset, offset + 1) > 0

  /** Of a piece behind the range only records of the keys that changed in it are derived. */
  const wantedOf = (of: PartitionWork, chunk: RecordChunk): RecordChunk => {
    if (of.to === null || chunk.fromOffset < of.to) return chunk
    const tail = keysOf(of)
    const records = chunk.records.filter(
      ({ key, offset }) => key !== null && tail.has(key.toString('utf8')) && !isInGap(of.partition, offset),
    )
    return { ...chunk, records }
  }

  const derivePieces = async (pieces: Pieces, { isBronze }: { isBronze: boolean }) => {
    signal.throwIfAborted()
    const derived = [...pieces].map(([partition, whole]) => {
      const of = works.get(partition)
      if (!of || of.position !== whole.fromOffset)
        throw new Error(`records from ${whole.fromOffset} came where ${of?.position} was expected`)
      const chunk = wantedOf(of, whole)
      return { of, chunk, input: inputOf(work.topic, { topicId: work.topicId, partition, undelivered: of.undelivered }, chunk) }
    })
    const inputs: PartitionInput[] = derived.map(({ input }) => input)
    const result = await stageTable.transform(inputs, mergedFields(snapshot.metadata?.fields ?? [], work.fields))
    const adds = await stageFiles(staging, result.batch, { partitionColumns: stageTable.partitionColumns })
    result.accepted()
    if (result.batch.length > 0) work.fields = mergedFields(work.fields, result.batch.fields)
    const letters: OutgoingRecord[] = []
    for (const { of, chunk } of derived) {
      const own = result.deadLetters.filter(({ headers }) => Number(headers?.[letterHeader.partition]) === of.partition)
      const known = options.letters.get(of.partition) ?? new Map<number, string>()
      letters.push(...compareLetters(of, { records: chunk.records, letters: own, known }, work.letters))
      addCounts(of.outcomes, result.outcomes.get(of.partition) ?? {})
      of.filled += chunk.records.filter(({ offset }) => isInGap(of.partition, offset)).length
      of.undelivered = undeliveredAfter(of, chunk)
      of.position = chunk.nextOffset
      work.records += chunk.records.length
      if (isBronze) work.fromBronze += chunk.records.length
    }
    await options.keep(adds, letters)
    options.onProgress()
  }

  /** Derives up to where the table is, as far as the ranges reach. */
  const deriveTo = async (progress: ReadonlyMap<number, number>): Promise<void> => {
    for (;;) {
      const spans = work.partitions.flatMap((of): Span[] => {
        const to = targetOf(of, progress.get(of.partition) ?? 0)
        // A range and what follows it are pieces of their own.
        const end = of.to !== null && of.position < of.to ? Math.min(of.to, to) : to
        return of.position < end ? [{ partition: of.partition, from: of.position, to: end }] : []
      })
      if (spans.length === 0) return
      const offsets = await options.client.topicOffsets(work.topic)
      checkEnds(work.topic, offsets, spans)
      const logStarts = new Map(offsets.map(({ partition, logStart }) => [partition, logStart]))
      const gone = spans.flatMap((span): Span[] => {
        const logStart = logStarts.get(span.partition) ?? 0
        return span.from < logStart ? [{ ...span, to: Math.min(span.to, logStart) }] : []
      })
      if (gone.length > 0) await readGone(gone)
      else await options.kafka.read(spans, (pieces) => derivePieces(pieces, { isBronze: false }), signal)
    }
  }

  const readGone = async (gone: readonly Span[]) => {
    const [{ partition, from, to } = { partition: 0, from: 0, to: 0 }] = gone
    if (!options.bronze)
      throw new ReadflowError(
        'records-lost',
        `Kafka no longer has the offsets ${from} to ${to - 1} of ${work.topic}/${partition}, and Bronze is derived from Kafka alone; the table keeps its rows.`,
        { hint: 'Begin later: --from earliest.' },
      )
    await options.bronze.read(gone, (pieces) => derivePieces(pieces, { isBronze: true }), signal)
  }

  return { deriveTo }
}
