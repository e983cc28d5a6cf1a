import { ReadflowError } from '../runtime/errors.ts'
import type { MetricsRegistry } from '../runtime/metrics/registry.ts'
import { entityNames, topicNames } from '../schemas/catalogue.ts'
import type { SinkMetrics } from './sink/sink-metrics.ts'
import { type FlushStep, flushSteps } from './sink/stopwatch.ts'
import type { Outcomes, Stage } from './stage.ts'

type StageName = Stage['name']
const outcomesOf = { bronze: ['accepted'], silver: ['accepted', 'late', 'repeat', 'dead_letter'] } as const
const entitiesOf: Readonly<Record<StageName, readonly string[]>> = { bronze: topicNames, silver: entityNames }
const causes = ['kafka-unavailable', 'registry-unavailable', 'lake-unavailable', 'lake-conflict', 'other'] as const
const fences = ['lake-fenced', 'topic-changed'] as const
const gapReasons = ['skipped', 'lost', 'corrupt'] as const
const replayEnds = ['completed', 'failed', 'aborted'] as const

/** What became of records, each counted once: what a stage counts as valid has those that came late in it. */
export const recordOutcomes = ({ rows = 0, valid = 0, late = 0, repeat = 0, dead = 0 }: Outcomes) => ({
  accepted: rows + valid - late,
  late,
  repeat,
  dead_letter: dead,
})

const causeOf = (error: unknown): (typeof causes)[number] => {
  const code = error instanceof ReadflowError ? error.code : 'other'
  return causes.find((cause) => cause === code) ?? 'other'
}

/** The metrics of the sinks of one process, for each stage that it runs. */
export const createConsumerMetrics = (
  metrics: MetricsRegistry,
  { stages, nowMs = Date.now }: { stages: readonly StageName[]; nowMs?: () => number },
) => {
  const stage = [...stages]
  const records = metrics.counter({
    name: 'readflow_consumer_records_total',
    help: 'Records that were committed, by what became of them.',
    labels: { stage: 'open', entity: 'open', outcome: 'open' },
  })
  const batchRecords = metrics.histogram({
    name: 'readflow_consumer_batch_records',
    help: 'Records of a flush of one table.',
    labels: { stage },
    buckets: [1, 10, 100, 1000, 5000, 10_000, 25_000, 50_000, 100_000, 250_000],
  })
  const batchBytes = metrics.histogram({
    name: 'readflow_consumer_batch_bytes',
    help: 'Bytes of keys, values and headers of a flush of one table.',
    labels: { stage },
    buckets: [1024, 16_384, 131_072, 1_048_576, 4_194_304, 8_388_608, 16_777_216, 33_554_432, 67_108_864],
  })
  const steps = metrics.histogram({
    name: 'readflow_consumer_step_duration_seconds',
    help: 'Time of one step of a flush of one table.',
    labels: { stage, step: flushSteps },
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  })
  const lastCommit = metrics.gauge({
    name: 'readflow_consumer_last_commit_timestamp_seconds',
    help: 'Unix time at which this process last committed records to the table; 0 before the first.',
    labels: { stage: 'open', entity: 'open' },
  })
  const rebalances = metrics.counter({
    name: 'readflow_consumer_rebalances_total',
    help: 'Times that the group gave this process its partitions anew.',
    labels: { stage },
  })
  const assigned = metrics.gauge({
    name: 'readflow_consumer_assigned_partitions',
    help: 'Partitions that this process reads.',
    labels: { stage },
  })
  const stopped = metrics.gauge({
    name: 'readflow_consumer_stopped_partitions',
    help: 'Partitions that do not go on before a person decides.',
    labels: { stage: 'open', entity: 'open' },
  })
  const gaps = metrics.counter({
    name: 'readflow_consumer_gap_offsets_total',
    help: 'Offsets that were left out as a named gap.',
    labels: { stage: 'open', entity: 'open', reason: gapReasons },
  })
  const fenced = metrics.counter({
    name: 'readflow_consumer_fenced_commits_total',
    help: 'Flushes that were discarded and begun again from the table.',
    labels: { stage, cause: fences },
  })
  const retries = metrics.counter({
    name: 'readflow_consumer_retries_total',
    help: 'Attempts that a fault stopped, and that are made again.',
    labels: { stage, cause: causes },
  })
  const waiting = metrics.gauge({
    name: 'readflow_consumer_waiting',
    help: '1 while a fault is waited out, else 0.',
    labels: { stage, cause: causes },
  })
  const replayPartitions = metrics.gauge({
    name: 'readflow_replay_partitions',
    help: 'Partitions whose records are derived again at this moment.',
    labels: { stage: 'open', entity: 'open' },
  })
  const replayProgress = metrics.gauge({
    name: 'readflow_replay_progress_ratio',
    help: 'Share of their offsets that is derived; 1 where nothing is replayed.',
    labels: { stage: 'open', entity: 'open' },
  })
  const replayRecords = metrics.counter({
    name: 'readflow_replay_records_total',
    help: 'Records that were derived again and staged.',
    labels: { stage: 'open', entity: 'open' },
  })
  const replays = metrics.counter({
    name: 'readflow_replays_total',
    help: 'Replays that ended.',
    labels: { stage: 'open', entity: 'open', outcome: replayEnds },
  })

  // Which entities and outcomes there are hangs on the stage, so these begin here.
  const begin = (name: StageName) => {
    for (const entity of entitiesOf[name]) {
      const of = { stage: name, entity }
      for (const outcome of outcomesOf[name]) records.add({ ...of, outcome }, 0)
      lastCommit.set(of, 0)
      stopped.set(of, 0)
      for (const reason of gapReasons) gaps.add({ ...of, reason }, 0)
      replayPartitions.set(of, 0)
      replayProgress.set(of, 1)
      replayRecords.add(of, 0)
      for (const outcome of replayEnds) replays.add({ ...of, outcome }, 0)
    }
  }
  for (const name of stages) begin(name)

  /** What the sink of a stage reports to. */
  return (name: StageName): SinkMetrics => ({
    flushed: (entity, measures) => {
      const of = { stage: name, entity }
      const counts = recordOutcomes(measures.committed)
      for (const outcome of outcomesOf[name]) records.add({ ...of, outcome }, counts[outcome])
      replayRecords.add(of, measures.replayed)
      if (measures.records > 0) {
        batchRecords.observe({ stage: name }, measures.records)
        batchBytes.observe({ stage: name }, measures.bytes)
      }
      for (const [step, ms] of Object.entries(measures.stepsMs) as [FlushStep, number][]) steps.observe({ stage: name, step }, ms / 1000)
      if (measures.stepsMs.commit !== undefined) lastCommit.set(of, nowMs() / 1000)
    },
    joined: (partitions) => {
      if (partitions !== null) rebalances.add({ stage: name })
      assigned.set({ stage: name }, partitions ?? 0)
    },
    stopped: (entity, partitions) => stopped.set({ stage: name, entity }, partitions),
    gap: (entity, reason, offsets) => gaps.add({ stage: name, entity, reason }, offsets),
    fenced: (cause) => fenced.add({ stage: name, cause }),
    waiting: (error) => {
      for (const cause of causes) waiting.set({ stage: name, cause }, error !== null && causeOf(error) === cause ? 1 : 0)
      if (error !== null) retries.add({ stage: name, cause: causeOf(error) })
    },
    replaying: (entity, { partitions, derived, offsets }) => {
      replayPartitions.set({ stage: name, entity }, partitions)
      replayProgress.set({ stage: name, entity }, offsets === 0 ? 1 : derived / offsets)
    },
    replayEnded: (entity, outcome) => replays.add({ stage: name, entity, outcome }),
  })
}
