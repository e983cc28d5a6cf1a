import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { contracts } from '../../schemas/contracts/contracts.ts'
import { shapeSummary, type Verdict } from './checks.ts'
import { violationsOf } from './contracts.ts'
import type { LastKnown } from './last-known.ts'
import type { SeenLake, StatusParts } from './status.ts'

const statusOf: Readonly<Record<Verdict, number>> = { pass: 0, warn: 1, fail: 2 }

/** The API's metrics, in Prometheus' text format. Values of tables and lag are read when they are scraped. */
export const createMetrics = ({ gold, gate, lag }: StatusParts, seen: SeenLake) => {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['method', 'route', 'status_code'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  const failures = new Counter({
    name: 'readflow_api_failures_total',
    help: 'Answers that failed for a reason that is not the caller.',
    registers,
  })
  new Gauge({
    name: 'readflow_gold_version',
    help: 'Published Gold version that answers come from; -1 before the first.',
    registers,
    collect() {
      this.set(gold.current()?.version ?? -1)
    },
  })
  new Gauge({
    name: 'readflow_gate_held',
    help: '1 while a failed check keeps Gold at its last good version, else 0.',
    registers,
    collect() {
      this.set(gate.held() ? 1 : 0)
    },
  })
  new Gauge({
    name: 'readflow_gate_held_since_seconds',
    help: 'Unix time since which Gold is held; 0 while it is not.',
    registers,
    collect() {
      this.set(Date.parse(gate.held()?.since ?? '') / 1000 || 0)
    },
  })
  new Gauge({
    name: 'readflow_gate_checks_failed',
    help: 'Failed checks that hold Gold.',
    registers,
    collect() {
      this.set(gate.held()?.checks.length ?? 0)
    },
  })
  /** Nothing rather than what was seen a while ago: a series that ends is noticed, one that stands still is not. */
  const current = async <T>(look: () => Promise<LastKnown<T>>): Promise<T | null> => {
    const { value, fault } = await look()
    if (fault === null) return value
    failures.inc()
    return null
  }
  const checked = () => current(seen.checks)
  new Gauge({
    name: 'readflow_check_measured',
    help: 'What a check measured in its last evaluation.',
    labelNames: ['check'] as const,
    registers,
    async collect() {
      const now = await checked()
      this.reset()
      for (const { newest } of now?.checks ?? []) if (newest.measured !== null) this.set({ check: newest.id }, newest.measured)
    },
  })
  new Gauge({
    name: 'readflow_check_status',
    help: 'How a check was judged in its last evaluation: 0 pass, 1 warn, 2 fail.',
    labelNames: ['check'] as const,
    registers,
    async collect() {
      const now = await checked()
      this.reset()
      for (const { newest } of now?.checks ?? []) this.set({ check: newest.id }, statusOf[newest.verdict])
    },
  })
  new Gauge({
    name: 'readflow_check_evaluated_timestamp_seconds',
    help: 'Unix time of the last evaluation of checks; 0 before the first.',
    registers,
    async collect() {
      const now = await checked()
      this.set(Date.parse((now && shapeSummary(now)?.evaluated_at) ?? '') / 1000 || 0)
    },
  })
  new Counter({
    name: 'readflow_contract_violations_total',
    help: 'Dead letters (severity reject) or rows with a flag (warn) of a rule. A replay may take counts back.',
    labelNames: ['entity', 'rule', 'severity'] as const,
    registers,
    async collect() {
      const counts = await current(seen.ruleCounts)
      this.reset()
      if (counts === null) return
      for (const contract of Object.values(contracts))
        for (const { entity, rule, severity, count } of violationsOf(contract, counts[contract.entity]))
          this.inc({ entity, rule, severity }, count)
    },
  })
  new Counter({
    name: 'readflow_schema_drift_total',
    help: 'Fields that appeared, vanished or changed their type: at the source, or in the schemas of records.',
    labelNames: ['entity', 'place', 'kind'] as const,
    registers,
    async collect() {
      const now = await current(seen.drift)
      this.reset()
      for (const { entity, place, kind } of now?.drifts ?? []) this.inc({ entity, place, kind })
    },
  })
  new Gauge({
    name: 'readflow_table_rows',
    help: 'Rows in a table.',
    labelNames: ['table'] as const,
    registers,
    async collect() {
      const summaries = await current(seen.tables)
      this.reset()
      for (const { table, rows } of summaries ?? []) this.set({ table }, rows)
    },
  })
  new Gauge({
    name: 'readflow_consumer_lag_records',
    help: 'Records that a consumer group has not committed yet.',
    labelNames: ['group', 'topic', 'partition'] as const,
    registers,
    collect() {
      this.reset()
      for (const { group, topic, partition, lag: records } of lag().partitions)
        this.set({ group, topic, partition: String(partition) }, records)
    },
  })

  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    countFailure: () => failures.inc(),
    /** `route` is the pattern, never the path: a label must not grow with what is asked. */
    observe: ({ method, route, statusCode, durationMs }: { method: string; route: string; statusCode: number; durationMs: number }) =>
      duration.observe({ method, route, status_code: String(statusCode) }, durationMs / 1000),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
