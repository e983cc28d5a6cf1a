import { commit } from '../../lake/delta/commit.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { RecordChunk } from '../../runtime/kafka/record-reader.ts'
import type { Outcomes, StageResult, StageTable } from '../stage.ts'
import { counterId, epochId, startId, tailId } from './ledger.ts'
import { passed, type SinkPartition, undeliveredAfter } from './partition.ts'
import type { TimeStep } from './stopwatch.ts'
import { type Through, throughCommitted, throughTxns } from './through.ts'

/** Requires that nobody moved or replayed the partition since the table was read. */
export const fenceOf = ({ appId, ledger }: SinkPartition) => [
  { appId, version: ledger.progress },
  { appId: epochId(appId), version: ledger.epoch },
]

export interface Piece {
  partition: SinkPartition
  chunk: RecordChunk
}

interface Target {
  table: Table
  stageTable: StageTable
  snapshot: Snapshot
  /** How many partitions the topic has. */
  partitionCount: number
}

/**
 * Commits the rows of some pieces together with the progress and counters of their partitions, and up to when these and
 * others of the topic are complete.
 */
export const commitPieces = async (
  { table, stageTable, snapshot, partitionCount, time }: Target & { time: TimeStep },
  pieces: readonly Piece[],
  result: StageResult,
  throughs: readonly Through[],
): Promise<Snapshot> => {
  const { partitionColumns } = stageTable
  const through = throughTxns(snapshot, throughs, partitionCount)
  const moved = new Set([...pieces, ...throughs].map(({ partition }) => partition))
  const adds = await time('encode', () => stageFiles(table, result.batch, { partitionColumns }))
  const committed = await time('commit', () =>
    commit(table, {
      operation: 'STREAMING UPDATE',
      fields: result.batch.fields,
      partitionColumns,
      adds,
      ...schemaProperty(snapshot, result.schemaId),
      txns: [...pieces.flatMap((piece) => progressOf(piece, { stageTable, outcomes: result.outcomes, snapshot })), ...through.txns],
      requires: { txns: [...[...moved].flatMap(fenceOf), ...through.requires] },
    }),
  )
  throughCommitted(throughs)
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

/** Table property: the newest schema, by its id in the registry, that records of the table were written with. */
const SCHEMA_ID_PROPERTY = 'readflow.schema-id'

/** The property as it is to become; nothing where it is so already. */
const schemaProperty = ({ metadata }: Snapshot, schemaId: number | null) =>
  schemaId === null || Number(metadata?.configuration[SCHEMA_ID_PROPERTY] ?? -1) >= schemaId
    ? {}
    : { configuration: { [SCHEMA_ID_PROPERTY]: String(schemaId) } }

/** Commits up to when partitions are complete, and nothing else: no row changes. It creates a table that is not there. */
export const commitThrough = async (
  { table, stageTable, snapshot, partitionCount }: Target,
  throughs: readonly Through[],
): Promise<Snapshot> => {
  const { txns, requires } = throughTxns(snapshot, throughs, partitionCount)
  const { fields, partitionColumns } = stageTable
  const committed = await commit(table, {
    operation: 'COMPLETE THROUGH',
    ...(snapshot.metadata ? {} : { fields, partitionColumns }),
    txns,
    requires: { txns: [...throughs.flatMap(({ partition }) => fenceOf(partition)), ...requires] },
  })
  throughCommitted(throughs)
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
