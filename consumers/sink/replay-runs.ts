import type { RunHandle, RunRecorder } from '../../lineage/runs/recorder.ts'
import { addCounts, type Outcomes } from '../stage.ts'
import type { Replay, SinkPartition } from './partition.ts'
import type { TableSink } from './table-sink.ts'

interface Running {
  run: RunHandle
  /** By partition; what they count goes on being counted until the swap. */
  replays: Map<number, Replay>
}

/** Keeps the replays of a stage on record: one run for what a table derives again at once, from its assignment to its swap. */
export const createReplayRuns = (
  runs: Pick<RunRecorder, 'start'> | undefined,
  stage: string,
  onEnd: (sink: TableSink, state: 'completed' | 'failed' | 'aborted') => void = () => undefined,
) => {
  const running = new Map<TableSink, Running>()

  const end = (sink: TableSink, state: 'completed' | 'failed' | 'aborted', error?: string) => {
    const now = running.get(sink)
    if (!now) return
    now.run.end(state, error)
    running.delete(sink)
    onEnd(sink, state)
  }

  return {
    /** What was under way begins anew with the new assignment, or is somebody else's. */
    assigned: (sink: TableSink) => {
      end(sink, 'aborted', 'the partitions were assigned anew; where the replay is still wanted it begins again')
      const replays = new Map(sink.partitions().flatMap(({ partition, replay }) => (replay ? [[partition, replay] as const] : [])))
      if (!runs || replays.size === 0) return
      const name = sink.stageTable.root.replace('/', '.')
      const run = runs.start({ kind: 'replay', job: `replay ${name}` })
      const offsets = [...replays].map(([partition, { from, until }]) => `${partition}:${from}-${until}`).join(',')
      const partitions = { partitions: replays.size, offsets: sum([...replays.values()].map(({ from, until }) => until - from)) }
      run.begin({
        inputs: [{ type: 'topic', name: sink.topic, version: offsets }],
        outputs: [{ type: 'table', name }],
        counts: partitions,
      })
      running.set(sink, { run, replays })
    },
    replayed: (sink: TableSink, partitions: readonly SinkPartition[], version: number) => {
      const now = running.get(sink)
      if (!now || partitions.length === 0) return
      const outcomes: Outcomes = {}
      for (const { partition } of partitions) addCounts(outcomes, now.replays.get(partition)?.outcomes ?? {})
      const name = sink.stageTable.root.replace('/', '.')
      now.run.note({
        outputs: [{ type: 'table', name, version, rows: outcomes['rows'] ?? outcomes['valid'] ?? 0 }],
        counts: { partitions: partitions.length, ...outcomes },
      })
      end(sink, 'completed')
    },
    abandoned: (sink: TableSink, partition: number) =>
      end(sink, 'failed', `the replay of ${sink.topic}/${partition} is given up: ${stage} keeps the rows of before`),
    stopped: () => {
      for (const sink of [...running.keys()]) end(sink, 'aborted', `${stage} was stopped; the next start begins the replay again`)
    },
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
