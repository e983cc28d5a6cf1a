import { columnOf, valueAt } from '../../lake/columns/column.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { factsOf, timeBetween } from '../../lineage/conditions.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { undeliveredBefore } from '../sink/assignment.ts'
import { gapsOf, offsetsInGaps, partitionOfProgress, progressId, readLedger } from '../sink/ledger.ts'
import { rowsOfRanges } from '../sink/replace-range.ts'
import type { StageTable } from '../stage.ts'
import type { Point } from './point.ts'
import { newPartitionWork, type PartitionWork } from './work.ts'

export interface PlanOptions {
  /** Such as `silver.ratings`, for people. */
  name: string
  layer: 'bronze' | 'silver'
  topic: string
  topicId: string
  client: Pick<KafkaClient, 'clusterId' | 'topicOffsets' | 'offsetsAt'>
  table: Table
  snapshot: Snapshot
  /** The Bronze table of the same topic, for a table of Silver. */
  bronze: { table: Table; snapshot: Snapshot } | null
  stageTable: Pick<StageTable, 'isComplete'>
  from: Point
  to: Point
  partitions: readonly number[] | null
}

export interface Plan {
  works: PartitionWork[]
  /** What a person should know of how the range was read. */
  notes: string[]
}

/** What is to be derived of each partition. Throws `config` for what makes no sense, `records-lost` for what is nowhere any more. */
export const planReplay = async (options: PlanOptions): Promise<Plan> => {
  const { client, topic, topicId, snapshot, layer, name, from, to } = options
  const offsets = await client.topicOffsets(topic)
  const held = offsets.flatMap(({ partition, logStart, end }) => {
    const ledger = readLedger(snapshot, progressId({ stage: layer, clusterId: client.clusterId, topicId, partition }))
    return ledger.progress === null ? [] : [{ partition, logStart, end, ledger, progress: ledger.progress }]
  })
  if (held.length === 0) throw nothingOf(options)
  const missing = options.partitions?.find((partition) => !held.some((each) => each.partition === partition))
  if (missing !== undefined)
    throw new ReadflowError(
      'config',
      `${name} has nothing of partition ${missing}; its partitions are ${held.map(({ partition }) => partition).join(', ')}.`,
    )
  const wanted = held.filter(({ partition }) => options.partitions?.includes(partition) ?? true)
  if ([from, to].some(({ kind }) => kind === 'offset') && wanted.length > 1)
    throw new ReadflowError('config', 'An offset is one of a partition.', { hint: 'Name it with --partition, or give times.' })

  const plan: Plan = { works: [], notes: [] }
  /** Partitions of which nothing is to be had any more. */
  const emptied: string[] = []
  const kafkaAt = new Map<number, Map<number, number>>()
  for (const point of [from, to]) if (point.kind === 'time') kafkaAt.set(point.timeMs, await client.offsetsAt(topic, point.timeMs))

  for (const { partition, logStart, end: topicEnd, ledger, progress } of wanted) {
    const start = ledger.start ?? 0
    const available = Math.max(start, availableFrom(options, partition, logStart))
    const offsetOf = async (point: Point): Promise<number> => {
      if (point.kind === 'earliest') return available
      if (point.kind === 'latest') return progress
      if (point.kind === 'offset') return point.offset
      const inKafka = kafkaAt.get(point.timeMs)?.get(partition) ?? logStart
      if (inKafka > logStart || available >= logStart) return Math.max(available, inKafka)
      return (await firstSince(options, { partition, timeMs: point.timeMs, below: logStart })) ?? inKafka
    }
    // What the topic has and the table has not yet is no mistake; what neither has is.
    const beyond = Math.max(progress, topicEnd)
    if (from.kind === 'offset' && from.offset >= beyond)
      throw new ReadflowError('config', `--from ${from.offset} is beyond the end of ${topic}/${partition}, ${lastOf(beyond)}.`)
    if (available >= progress && start < progress && (from.kind === 'earliest' || from.kind === 'time')) {
      emptied.push(nowhere(options, partition, start, progress))
      continue
    }
    const first = await offsetOf(from)
    if (from.kind === 'offset' && first < available && first < progress)
      throw new ReadflowError('records-lost', `${nowhere(options, partition, Math.max(start, first), available)}.`, {
        hint: available < progress ? `Begin at ${available}, or with --from earliest, which is the same.` : 'The table keeps its rows.',
      })
    const end = to.kind === 'latest' ? progress : Math.min(progress, await offsetOf(to))
    if (first >= end) continue
    if (from.kind === 'earliest' && available > start)
      plan.notes.push(`partition ${partition} begins at ${available}: ${nowhere(options, partition, start, available)}`)
    const gaps = gapsOf(snapshot.metadata?.configuration ?? {}, { topicId, partition })
    // What is left out before an offset is a part of Bronze's ledger: rows behind a gap that is filled follow it anew.
    const isWhole = end >= progress || (options.stageTable.isComplete && offsetsInGaps(gaps, first, end) > 0)
    plan.works.push(
      newPartitionWork({
        partition,
        from: first,
        to: isWhole ? null : end,
        position: first,
        undelivered: options.stageTable.isComplete
          ? await undeliveredBefore({ table: options.table }, snapshot, { topicId, partition, from: first, start: ledger.start })
          : 0,
        epoch: ledger.epoch,
        beganAt: progress,
      }),
    )
  }
  if (plan.works.length === 0 && emptied[0] !== undefined)
    throw new ReadflowError('records-lost', `${emptied[0]}; the table keeps its rows.`)
  plan.notes.push(...emptied.map((why) => `${why}; the table keeps its rows`))
  return plan
}

const lastOf = (end: number): string => (end === 0 ? 'which has no record' : `whose last offset is ${end - 1}`)

const nothingOf = ({ name, topic, topicId, layer, snapshot, client }: PlanOptions): ReadflowError => {
  const isOfAnother = [...snapshot.txns.keys()].some((appId) => {
    const of = partitionOfProgress(appId)
    return of !== null && of.stage === layer && of.clusterId === client.clusterId && of.topicId !== topicId
  })
  return new ReadflowError(
    'config',
    isOfAnother
      ? `The topic ${topic} was deleted and made anew, and ${name} has nothing of the new one yet: its rows stay as they are, as their records are no more in Kafka.`
      : `${name} has nothing of the topic ${topic} yet: there is nothing to replay.`,
  )
}

const nowhere = ({ layer, topic }: PlanOptions, partition: number, from: number, to: number): string =>
  layer === 'silver'
    ? `the offsets ${from} to ${to - 1} of ${topic}/${partition} are neither in Kafka nor in Bronze any more`
    : `Kafka no longer has the offsets ${from} to ${to - 1} of ${topic}/${partition}, and Bronze is derived from Kafka alone`

/** The first offset from which on everything up to the topic's end can be had. */
export const availableFrom = (
  { client, topicId, bronze }: Pick<PlanOptions, 'client' | 'topicId' | 'bronze'>,
  partition: number,
  logStart: number,
): number => {
  if (!bronze) return logStart
  const ledger = readLedger(bronze.snapshot, progressId({ stage: 'bronze', clusterId: client.clusterId, topicId, partition }))
  if (ledger.progress === null || ledger.progress < logStart) return logStart
  const gaps = gapsOf(bronze.snapshot.metadata?.configuration ?? {}, { topicId, partition }).filter(({ from }) => from < logStart)
  return Math.min(logStart, Math.max(ledger.start ?? 0, ...gaps.map(({ to }) => to)))
}

/** The first record of a partition in Bronze, below an offset, that came at or after a time; null where none did. */
const firstSince = async (
  { bronze, topicId }: PlanOptions,
  { partition, timeMs, below }: { partition: number; timeMs: number; below: number },
): Promise<number | null> => {
  if (!bronze) return null
  let first: number | null = null
  const isSince = timeBetween('ingestion_timestamp', timeMs, Number.POSITIVE_INFINITY)
  for await (const batch of rowsOfRanges(bronze.table, bronze.snapshot, [{ topicId, partition, from: 0, to: below }], {
    columns: ['_topic_id', '_partition', '_offset', 'ingestion_timestamp'],
    where: (file) => isSince.mayHold(factsOf(file)),
  })) {
    const [offsets, times] = [columnOf(batch, '_offset'), columnOf(batch, 'ingestion_timestamp')]
    for (let row = 0; row < batch.length; row++) {
      const [offset, time] = [valueAt(offsets, row) as number, valueAt(times, row) as number | null]
      if (time !== null && time >= timeMs && (first === null || offset < first)) first = offset
    }
  }
  return first
}
