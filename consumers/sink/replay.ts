import type { Field } from '../../lake/columns/column.ts'
import { mergedType } from '../../lake/columns/widen.ts'
import { commit } from '../../lake/delta/commit.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'
import { STAGED_MS } from '../../lake/delta/vacuum.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { RecordChunk } from '../../runtime/kafka/record-reader.ts'
import { addCounts, type Outcomes, type StageResult, type StageTable } from '../stage.ts'
import { fenceOf } from './commit-flush.ts'
import type { Origins } from './dead-letter-origins.ts'
import { counterId, countersOf, epochId, gapProperty, offsetsInGaps, tailId, withoutGaps } from './ledger.ts'
import { passed, type Replay, type SinkPartition } from './partition.ts'
import { heldOffsets, type KnownFiles, type OffsetRange, type Replaced, replaceRanges } from './replace-range.ts'
import { bronzeCounters, silverCounters, silverCountersWithin } from './replay-counters.ts'
import { roomTaken } from './room.ts'
import type { TimeStep } from './stopwatch.ts'

/*
 * A replay derives a range of a partition again. Its files are staged piece by piece and are nobody's; one commit puts
 * them in the place of what the range held. Until then the group's offset stays where a person put it, so that a crash
 * starts the replay over, to the same end.
 */

const MAX_SWAP_ATTEMPTS = 10
/** Older staged files are vacuum's, be it in a moment: so much earlier they are given up. */
const SPARE_MS = 3_600_000

/** Stages the rows of one piece of a replay. */
export const stagePiece = async (
  { table, stageTable, time }: { table: Table; stageTable: StageTable; time: TimeStep },
  { partition, chunk }: { partition: SinkPartition; chunk: RecordChunk },
  result: StageResult,
) => {
  const { replay } = partition
  if (!replay) return
  const { partitionColumns } = stageTable
  replay.adds.push(...(await time('encode', () => stageFiles(table, result.batch, { partitionColumns }))))
  replay.fields = mergedFields(replay.fields, result.batch.fields)
  addCounts(replay.outcomes, result.outcomes.get(partition.partition) ?? {})
  replay.filled += chunk.records.filter(({ offset }) => offsetsInGaps(replay.gaps, offset, offset + 1) > 0).length
  passed(partition, chunk)
}

/** The columns of a table and, beside and inside of them, those of all that is staged for it. */
export const fieldsWithStaged = (tableFields: readonly Field[], partitions: readonly SinkPartition[]): readonly Field[] =>
  partitions.reduce((fields, { replay }) => mergedFields(fields, replay?.fields ?? []), tableFields)

/** Some columns and, beside and inside of them, others. */
export const mergedFields = (known: readonly Field[], fields: readonly Field[]): Field[] => {
  const byName = new Map(known.map((field) => [field.name, field]))
  for (const field of fields) {
    const present = byName.get(field.name)
    // Pieces are derived with the columns of those before them, so that their types never differ.
    byName.set(field.name, present ? { ...present, type: mergedType(present.type, field.type) ?? present.type } : field)
  }
  return [...byName.values()]
}

export interface SwapOptions {
  table: Table
  stageTable: StageTable
  /** The offsets that dead letters name as their origin, with their error classes, for each of the ranges. */
  deadLetterOrigins: (topic: string, wanted: readonly Origins[]) => Promise<Map<number, string>[]>
  /** What is known already of the files that hold the ranges. */
  known?: KnownFiles
  /** Delta's name of the commit, and further entries of its commitInfo. */
  operation?: string
  parameters?: Readonly<Record<string, string>>
  info?: Readonly<Record<string, unknown>>
  /** Vacuum is told of the staged files, so that they are safe however old they are. */
  isSpared?: boolean
}

type Replaying = SinkPartition & { replay: Replay }
export const isReplaying = (partition: SinkPartition): partition is Replaying => partition.replay !== null

/**
 * Puts what some partitions' replays have staged in the place of what their ranges held, in one commit. Somebody who
 * rewrites the same files meanwhile (compaction) makes it look again. Rejects with `lake-fenced` where another writer
 * moved a partition, or staged files are so old that vacuum may have taken them.
 */
export const swapReplays = async (options: SwapOptions, partitions: readonly Replaying[]): Promise<Snapshot> => {
  const { table, stageTable } = options
  if (!options.isSpared) checkStaged(partitions)
  const ranges = partitions.map(rangeOf)
  const dead = await deadBefore(options, ranges)
  for (let attempt = 1; ; attempt++) {
    const snapshot = await table.snapshot()
    const replaced = await replaceRanges(table, snapshot, ranges, options.known)
    try {
      const committed = await commit(table, {
        operation: options.operation ?? 'REPLAY',
        operationParameters: {
          ...options.parameters,
          ranges: JSON.stringify(partitions.map(({ replay: { from, until }, ...of }) => ({ partition: of.partition, from, until }))),
        },
        ...(options.info ? { info: options.info } : {}),
        fields: fieldsWithStaged([], partitions),
        partitionColumns: stageTable.partitionColumns,
        removes: replaced.removes,
        adds: [...replaced.adds, ...partitions.flatMap(({ replay }) => replay.adds)],
        txns: partitions.flatMap((partition, index) =>
          progressAfter(partition, snapshot, { replaced, index, dead: dead[index] ?? {}, stageTable }),
        ),
        configuration: Object.assign({}, ...partitions.map((partition) => withoutReplayed(partition, snapshot))),
        requires: { txns: partitions.flatMap(fenceOf) },
      })
      for (const partition of partitions) swapped(partition, stageTable)
      return committed
    } catch (error) {
      if (!(error instanceof ReadflowError && error.code === 'lake-conflict') || attempt === MAX_SWAP_ATTEMPTS) throw error
    }
  }
}

/** A range that ends at the table's progress has all that is there from its beginning on. */
const rangeOf = ({ topicId, partition, ledger, replay: { from, until, keys } }: Replaying): OffsetRange => ({
  topicId,
  partition,
  from,
  ...(until < (ledger.progress ?? 0) ? { to: until, ...(keys ? { keys } : {}) } : {}),
})

/** A machine that slept, or a replay of days: a commit of files that are gone would lose their rows. */
const checkStaged = (partitions: readonly Replaying[]) => {
  const oldestMs = Date.now() - STAGED_MS + SPARE_MS
  for (const { partition, replay } of partitions)
    if (replay.adds.some(({ modificationTime }) => modificationTime < oldestMs))
      throw new ReadflowError(
        'lake-fenced',
        `the replay of partition ${partition} from ${replay.from} on took so long that vacuum may take its first files`,
      )
}

/** How many records before each range are dead letters, by class; one that a replay has accepted since is none any more. */
const deadBefore = async ({ table, stageTable, deadLetterOrigins }: SwapOptions, ranges: readonly OffsetRange[]): Promise<Outcomes[]> => {
  if (stageTable.deadLetterTopic === null) return []
  const wanted = ranges.map(({ topicId, partition, from }) => ({ topicId, partition, below: from }))
  if (wanted.every(({ below }) => below === 0)) return []
  const origins = await deadLetterOrigins(stageTable.deadLetterTopic, wanted)
  const accepted = await heldOffsets(table, await table.snapshot(), wanted, origins)
  return origins.map((classes, index) => {
    const counts: Outcomes = {}
    for (const [offset, errorClass] of classes) if (!accepted[index]?.has(offset)) counts[errorClass] = (counts[errorClass] ?? 0) + 1
    return counts
  })
}

const withoutReplayed = ({ topicId, partition, replay: { from, until, gapsAfter = [] } }: Replaying, { metadata }: Snapshot) => {
  const of = { topicId, partition }
  const least = Math.min(from, ...gapsAfter.map((gap) => gap.from))
  const most = Math.max(until, ...gapsAfter.map((gap) => gap.to))
  const changes = withoutGaps(metadata?.configuration ?? {}, of, { from: least, to: most })
  return Object.assign(changes, ...gapsAfter.map((gap) => gapProperty(of, gap)))
}

const swapped = (partition: Replaying, { isComplete }: StageTable) => {
  const { ledger } = partition
  partition.ledger = { ...ledger, epoch: (ledger.epoch ?? 0) + 1, tail: isComplete ? partition.undelivered : 0 }
  ;(partition as SinkPartition).replay = null
}

interface AfterOptions {
  replaced: Replaced
  index: number
  dead: Outcomes
  stageTable: StageTable
}

const progressAfter = (partition: Replaying, snapshot: Snapshot, { replaced, index, dead, stageTable }: AfterOptions) => {
  const { appId, ledger, replay, undelivered } = partition
  const isToProgress = replay.until >= (ledger.progress ?? 0)
  const before = countersOf(snapshot, appId)
  const gone = replaced.gone[index] ?? {}
  const after = replay.countersAfter
    ? replay.countersAfter(before, gone)
    : stageTable.isComplete
      ? bronzeCounters(before, gone, replay.outcomes)
      : isToProgress
        ? silverCounters(before, gone, { dead, outcomes: replay.outcomes, filled: replay.filled })
        : silverCountersWithin(before, gone, { dead: replay.deadBefore ?? {}, outcomes: replay.outcomes, filled: replay.filled })
  return [
    { appId, version: ledger.progress ?? replay.until },
    { appId: epochId(appId), version: (ledger.epoch ?? 0) + 1 },
    ...roomTaken(snapshot, appId),
    ...(stageTable.isComplete && isToProgress && undelivered !== ledger.tail ? [{ appId: tailId(appId), version: undelivered }] : []),
    ...Object.entries(after)
      .filter(([name, count]) => count !== (before[name] ?? 0))
      .map(([name, count]) => ({ appId: counterId(appId, name), version: count })),
  ]
}
