import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { openRecordReader } from '../../runtime/kafka/record-reader.ts'
import { gapsOf, progressId, readLedger } from '../sink/ledger.ts'
import type { Replay, SinkPartition } from '../sink/partition.ts'
import type { KnownFiles } from '../sink/replace-range.ts'
import { swapReplays } from '../sink/replay.ts'
import type { StageTable } from '../stage.ts'
import type { KnownLetters } from './letters.ts'
import { hasTail, type PartitionWork, type Work } from './work.ts'

export interface SwapInput {
  table: Table
  stageTable: StageTable
  layer: 'bronze' | 'silver'
  work: Work
  staged: readonly AddFile[]
  letters: ReadonlyMap<number, KnownLetters>
  known: KnownFiles
  info?: Readonly<Record<string, unknown>>
  operation?: string
  parameters?: Readonly<Record<string, string>>
  /** What is said of a partition in another way than by its derivation. */
  override?: (of: PartitionWork, snapshot: Snapshot) => Partial<Replay>
}

export const appIdOf = (
  { layer, work }: Pick<SwapInput, 'layer'> & { work: Pick<Work, 'topicId' | 'clusterId'> },
  partition: number,
): string => progressId({ stage: layer, clusterId: work.clusterId, topicId: work.topicId, partition })

/** What of the table a replay replaces. */
export const rangesOf = ({ topicId, partitions }: Work) =>
  partitions.map(({ partition, from, to, keys }) => ({
    topicId,
    partition,
    from,
    ...(to === null ? {} : { to, ...(keys?.length ? { keys: new Set(keys) } : {}) }),
  }))

/** What the sink calls a partition whose replay is derived, as of a snapshot. */
const replayingOf = (input: SwapInput, snapshot: Snapshot, of: PartitionWork, adds: AddFile[]): SinkPartition & { replay: Replay } => {
  const { work, layer } = input
  const appId = appIdOf({ layer, work }, of.partition)
  return {
    topicId: work.topicId,
    partition: of.partition,
    appId,
    ledger: { ...readLedger(snapshot, appId), epoch: of.epoch },
    logStart: of.from,
    position: of.position,
    undelivered: of.undelivered,
    reader: openRecordReader(),
    pending: null,
    end: null,
    followedTo: null,
    corruptAt: null,
    replay: {
      from: of.from,
      until: of.to ?? of.position,
      ...(hasTail(of) ? { keys: new Set(of.keys) } : {}),
      deadBefore: Object.fromEntries(Object.entries(of.deadBefore).map(([name, count]) => [name, count - (of.stale[name] ?? 0)])),
      adds,
      outcomes: of.outcomes,
      gaps: gapsOf(snapshot.metadata?.configuration ?? {}, { topicId: work.topicId, partition: of.partition }),
      filled: of.filled,
      fields: work.fields,
      ...input.override?.(of, snapshot),
    },
  }
}

/**
 * Puts what is staged in the place of what the ranges hold, in one commit that requires each partition to be where `snapshot` has
 * it. Rejects with `lake-fenced` where the live consumer, or another replay, came first.
 */
export const swap = (input: SwapInput, snapshot: Snapshot): Promise<Snapshot> => {
  const { table, stageTable, work, staged, letters, known, info, operation, parameters } = input
  const partitions = work.partitions.map((of, index) => replayingOf(input, snapshot, of, index === 0 ? [...staged] : []))
  return swapReplays(
    {
      table,
      stageTable,
      // As they were when the replay began: what came since is of offsets behind those that count here.
      deadLetterOrigins: async (_, wanted) =>
        wanted.map(({ partition, below }) => new Map([...(letters.get(partition) ?? [])].filter(([offset]) => offset < below))),
      known,
      ...(info ? { info } : {}),
      ...(operation ? { operation } : {}),
      ...(parameters ? { parameters } : {}),
      isSpared: true,
    },
    partitions,
  )
}
