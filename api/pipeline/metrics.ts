import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'
import { shapeSummary, type Verdict } from './checks.ts'
import { violationsOf } from './contracts.ts'
import type { LastKnown } from './last-known.ts'
import type { SeenLake, StatusParts } from './status.ts'
import { measureTables } from './table-metrics.ts'

const statusOf: Readonly<Record<Verdict, number>> = { pass: 0, warn: 1, fail: 2 }
const one = (value: number) => [{ labels: {}, value }]
/** Unix seconds of a time in ISO 8601; 0 for none. */
const secondsOf = (time: string | null | undefined): number => Date.parse(time ?? '') / 1000 || 0

interface Measured {
  parts: Pick<StatusParts, 'gold' | 'gate' | 'lag'>
  seen: SeenLake
  /** Hears that the lake did not answer. */
  failed: () => void
}

/** What the pipeline looks like from outside, read when somebody asks: Gold and its gate, checks, contracts, drift, tables, lag. */
export const measurePipeline = (metrics: MetricsRegistry, { parts, seen, failed }: Measured) => {
  /** Nothing rather than what was seen a while ago: a series that ends is noticed, one that stands still is not. */
  const current = async <T>(look: () => Promise<LastKnown<T>>): Promise<T | null> => {
    const { value, fault } = await look()
    if (fault === null) return value
    failed()
    return null
  }
  measureGold(metrics, parts)
  measureChecks(metrics, () => current(seen.checks))
  measureTables(metrics, {
    tables: async () => {
      const { value, fault } = await seen.tables()
      return fault === null ? value : null
    },
    isUp: async () => (await current(seen.tables)) !== null,
  })
  measureLag(metrics, parts)
  metrics.readCounter({
    name: 'readflow_contract_violations_total',
    help: 'Dead letters (severity reject) or rows with a flag (warn) of a rule. A replay may take counts back.',
    labels: { entity: 'open', rule: 'open', severity: 'open' },
    read: async () => {
      const counts = await current(seen.ruleCounts)
      if (counts === null) return []
      return Object.values(contracts).flatMap((contract) =>
        violationsOf(contract, counts[contract.entity]).map(({ entity, rule, severity, count }) => ({
          labels: { entity, rule, severity },
          value: count,
        })),
      )
    },
  })
  metrics.readCounter({
    name: 'readflow_schema_drift_total',
    help: 'Fields that appeared, vanished or changed their type: at the source, or in the schemas of records.',
    labels: { entity: 'open', place: 'open', kind: 'open' },
    read: async () =>
      ((await current(seen.drift))?.drifts ?? []).map(({ entity, place, kind }) => ({ labels: { entity, place, kind }, value: 1 })),
  })
}

const measureGold = (metrics: MetricsRegistry, { gold, gate }: Pick<StatusParts, 'gold' | 'gate'>) => {
  metrics.readGauge({
    name: 'readflow_gold_version',
    help: 'Published Gold version that answers come from; -1 before the first.',
    read: () => one(gold.current()?.version ?? -1),
  })
  metrics.readGauge({
    name: 'readflow_gold_published_timestamp_seconds',
    help: 'Unix time at which that version was published; 0 before the first.',
    read: () => one(secondsOf(gold.current()?.publishedAt)),
  })
  metrics.readGauge({
    name: 'readflow_gold_complete_through_timestamp_seconds',
    help: 'Unix time before which all that Kafka got is in that version.',
    labels: { entity: 'open' },
    read: () =>
      Object.entries(gold.current()?.completeThroughByEntity ?? {}).flatMap(([entity, time]) =>
        time === null ? [] : [{ labels: { entity }, value: secondsOf(time) }],
      ),
  })
  metrics.readGauge({
    name: 'readflow_gate_held',
    help: '1 while a failed check keeps Gold at its last good version, else 0.',
    read: () => one(gate.held() ? 1 : 0),
  })
  metrics.readGauge({
    name: 'readflow_gate_held_since_seconds',
    help: 'Unix time since which Gold is held; 0 while it is not.',
    read: () => one(secondsOf(gate.held()?.since)),
  })
  metrics.readGauge({
    name: 'readflow_gate_checks_failed',
    help: 'Failed checks that hold Gold.',
    read: () => one(gate.held()?.checks.length ?? 0),
  })
}

const measureChecks = (metrics: MetricsRegistry, checked: () => Promise<Awaited<ReturnType<SeenLake['checks']>>['value']>) => {
  metrics.readGauge({
    name: 'readflow_check_measured',
    help: 'What a check measured in its last evaluation.',
    labels: { check: 'open' },
    read: async () =>
      ((await checked())?.checks ?? []).flatMap(({ newest: { id, measured } }) =>
        measured === null ? [] : [{ labels: { check: id }, value: measured }],
      ),
  })
  metrics.readGauge({
    name: 'readflow_check_status',
    help: 'How a check was judged in its last evaluation: 0 pass, 1 warn, 2 fail.',
    labels: { check: 'open' },
    read: async () =>
      ((await checked())?.checks ?? []).map(({ newest }) => ({ labels: { check: newest.id }, value: statusOf[newest.verdict] })),
  })
  metrics.readGauge({
    name: 'readflow_check_evaluated_timestamp_seconds',
    help: 'Unix time of the last evaluation of checks; 0 before the first.',
    read: async () => {
      const now = await checked()
      return one(secondsOf(now && shapeSummary(now)?.evaluated_at))
    },
  })
}

const measureLag = (metrics: MetricsRegistry, { lag }: Pick<StatusParts, 'lag'>) => {
  const labelsOf = ({ group, topic, partition }: { group: string; topic: string; partition: number }) => ({
    group,
    topic,
    partition: String(partition),
  })
  metrics.readGauge({
    name: 'readflow_consumer_lag_records',
    help: 'Records that a consumer group has not committed yet.',
    labels: { group: 'open', topic: 'open', partition: 'open' },
    read: () => lag().partitions.map((each) => ({ labels: labelsOf(each), value: each.lag })),
  })
  metrics.readGauge({
    name: 'readflow_consumer_lag_seconds',
    help: 'How long the oldest record that a consumer group has not committed has waited.',
    labels: { group: 'open', topic: 'open', partition: 'open' },
    read: () =>
      lag().partitions.flatMap((each) => (each.waitingMs === undefined ? [] : [{ labels: labelsOf(each), value: each.waitingMs / 1000 }])),
  })
  metrics.readGauge({
    name: 'readflow_kafka_up',
    help: '1 while the brokers answer, else 0.',
    read: () => {
      const { state } = lag()
      return state === 'not-configured' ? [] : one(state === 'connected' ? 1 : 0)
    },
  })
}
