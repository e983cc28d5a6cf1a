import { commit } from '../../lake/delta/commit.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { RecordChunk } from '../../runtime/kafka/record-reader.ts'
import type { Outcomes, StageResult, StageTable } from '../stage.ts'
import { counterId, epochId, startId, tailId } from './ledger.ts'
import { passed, type SinkPartition, undeliveredAfter } from './partition.ts'

/** Requires that nobody moved or replayed the partition since the table was read. */
export const fenceOf = ({ appId, ledger }: SinkPartition) => [
  { appId, version: ledger.progress },
  { appId: epochId(appId), version: ledger.epoch },
]

export interface Piece {
  partition: SinkPartition
  chunk: RecordChunk
}

/** Commits the rows of some pieces together with the progress and counters of their partitions. */
export const commitPieces = async (
  { table, stageTable, snapshot }: { table: Table; stageTable: StageTable; snapshot: Snapshot },
  pieces: readonly Piece[],
  result: StageResult,
): Promise<Snapshot> => {
  const { partitionColumns } = stageTable
  const committed = await commit(table, {
    operation: 'STREAMING UPDATE',
    fields: result.batch.fields,
    partitionColumns,
    adds: await stageFiles(table, result.batch, { partitionColumns }),
    txns: pieces.flatMap((piece) => progressOf(piece, { stageTable, outcomes: result.outcomes, snapshot })),
    requires: { txns: pieces.flatMap(({ partition }) => fenceOf(partition)) },
  })
  for (const { partition, chunk } of pieces) {
    passed(partition, chunk)
    partition.ledger = {
      ...partition.ledger,
      progress: chunk.nextOffset,
      start: partition.ledger.start ?? partition.logStart,
      tail: stageTable.isComplete ? partition.undelivered : 0,
    }
  }
  return committed
}

interface ProgressOptions {
  stageTable: StageTable
  outcomes: Map<number, Outcomes>
  snapshot: Snapshot
}

const progressOf = ({ partition, chunk }: Piece, { stageTable, outcomes, snapshot }: ProgressOptions) => {
  const { appId, ledger, logStart } = partition
  const tail = undeliveredAfter(partition, chunk)
  return [
    { appId, version: chunk.nextOffset },
    ...(ledger.progress === null ? [{ appId: startId(appId), version: logStart }] : []),
    ...(stageTable.isComplete && tail !== ledger.tail ? [{ appId: tailId(appId), version: tail }] : []),
    ...countersAfter(snapshot, appId, outcomes.get(partition.partition) ?? {}),
  ]
}

/** Cumulative counters after a change. */
export const countersAfter = (snapshot: Snapshot, appId: string, change: Outcomes) =>
  Object.entries(change)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => ({ appId: counterId(appId, name), version: (snapshot.txns.get(counterId(appId, name)) ?? 0) + count }))
