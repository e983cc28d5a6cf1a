import { errorLine } from '../../runtime/errors.ts'
import type { CorruptBatchError } from '../../runtime/kafka/records/corrupt-batch.ts'
import type { Log } from '../../runtime/log.ts'
import type { SinkPartition } from './partition.ts'
import { recordGap } from './record-gap.ts'
import type { SinkMetrics } from './sink-metrics.ts'
import type { TableSink } from './table-sink.ts'

/**
 * What to do about a damaged batch: fetch it once more, as the damage may lie on the way; then, where loss is accepted,
 * name it as a gap and go on, or give up the replay that met it. Else the partition stops.
 */
export const handleCorrupt = async (options: {
  sink: TableSink
  partition: SinkPartition
  error: CorruptBatchError
  isLossAccepted: boolean
  metrics: Pick<SinkMetrics, 'gap'>
  log: Log
}): Promise<'go-on' | 'abandon' | { reason: string }> => {
  const { sink, partition, error, isLossAccepted, metrics, log } = options
  partition.reader.clear()
  if (partition.corruptAt !== error.fromOffset) {
    partition.corruptAt = error.fromOffset
    log.warn(
      { topic: sink.topic, partition: partition.partition, offset: error.fromOffset, error: errorLine(error) },
      'fetching it once more',
    )
    return 'go-on'
  }
  if (partition.replay) return 'abandon'
  if (!isLossAccepted)
    return {
      reason: `${sink.topic}/${partition.partition} is stopped: ${errorLine(error)} Restart with --accept-loss to go on without it.`,
    }
  const { table, stageTable } = sink
  await recordGap({ table, stageTable, metrics, nowMs: Date.now() }, partition, { to: error.toOffset, reason: 'corrupt' })
  return 'go-on'
}
