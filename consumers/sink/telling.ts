import { replayProgress } from './partition.ts'
import type { FlushMeasures, SinkMetrics } from './sink-metrics.ts'
import type { TableSink } from './table-sink.ts'

/** Tells the metrics what a stage's tables are at. */
export const createTelling = (metrics: SinkMetrics, sinks: readonly TableSink[]) => {
  const replays = (sink: TableSink) => metrics.replaying(sink.stageTable.entity, replayProgress(sink.partitions()))
  return {
    replays,
    flushed: (sink: TableSink, measures: FlushMeasures) => {
      metrics.flushed(sink.stageTable.entity, measures)
      replays(sink)
    },
    /** By `topic/partition`. */
    stopped: (stopped: ReadonlyMap<string, string>) => {
      for (const { topic, stageTable } of sinks)
        metrics.stopped(stageTable.entity, [...stopped.keys()].filter((id) => id.startsWith(`${topic}/`)).length)
    },
    /** Nothing is this process's any more. */
    left: () => {
      metrics.joined(null)
      for (const { stageTable } of sinks) {
        metrics.stopped(stageTable.entity, 0)
        metrics.replaying(stageTable.entity, replayProgress([]))
      }
    },
  }
}
