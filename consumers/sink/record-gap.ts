import { commit } from '../../lake/delta/commit.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { StageTable } from '../stage.ts'
import { fenceOf } from './commit-flush.ts'
import { type GapReason, gapProperty, startId } from './ledger.ts'
import type { SinkPartition } from './partition.ts'
import type { SinkMetrics } from './sink-metrics.ts'

/** Moves a partition's progress over offsets that stay out of the table, and names them in its properties. */
export const recordGap = async (
  { table, stageTable, metrics, nowMs }: { table: Table; stageTable: StageTable; metrics: Pick<SinkMetrics, 'gap'>; nowMs: number },
  partition: SinkPartition,
  { to, reason }: { to: number; reason: GapReason },
) => {
  const { appId, ledger, logStart } = partition
  const from = ledger.progress ?? logStart
  await commit(table, {
    operation: 'SKIP',
    operationParameters: { partition: String(partition.partition), from: String(from), to: String(to), reason },
    fields: stageTable.fields,
    partitionColumns: stageTable.partitionColumns,
    configuration: gapProperty(partition, { from, to, reason, at: new Date(nowMs).toISOString() }),
    txns: [{ appId, version: to }, ...(ledger.progress === null ? [{ appId: startId(appId), version: logStart }] : [])],
    requires: { txns: fenceOf(partition) },
  })
  metrics.gap(stageTable.entity, reason, to - from)
  partition.ledger = { ...ledger, progress: to, start: ledger.start ?? logStart }
  partition.position = to
}
