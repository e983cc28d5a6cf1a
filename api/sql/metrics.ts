import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import { Problem } from '../http/problem.ts'
import { type Pool, WorkerLost } from './pool.ts'

/** Who wants to know how queries end; null: with a result. */
export interface SqlMetrics {
  ended: (error: unknown, durationMs: number) => void
}

/** The metrics of SQL from outside. */
export const createSqlMetrics = (metrics: MetricsRegistry, pool: Pick<Pool, 'counts'>): SqlMetrics => {
  const queries = metrics.counter({
    name: 'readflow_sql_queries_total',
    help: 'SQL queries that ended.',
    labels: { outcome: ['success', 'rejected', 'killed', 'failed'] },
  })
  const kills = metrics.counter({
    name: 'readflow_sql_kills_total',
    help: 'SQL queries that were stopped.',
    labels: { reason: ['timeout', 'memory', 'busy', 'died', 'closed'] },
  })
  const duration = metrics.histogram({
    name: 'readflow_sql_query_duration_seconds',
    help: 'Time of a SQL query, waiting included.',
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  })
  metrics.readGauge({
    name: 'readflow_sql_running_queries',
    help: 'SQL queries that have a worker.',
    read: () => [{ labels: {}, value: pool.counts().running }],
  })
  metrics.readGauge({
    name: 'readflow_sql_waiting_queries',
    help: 'SQL queries that wait for a worker.',
    read: () => [{ labels: {}, value: pool.counts().waiting }],
  })
  const outcomeOf = (error: unknown) => {
    if (error === null) return 'success'
    if (error instanceof WorkerLost) return 'killed'
    return error instanceof Problem && error.status < 500 ? 'rejected' : 'failed'
  }
  return {
    ended: (error, durationMs) => {
      queries.add({ outcome: outcomeOf(error) })
      duration.observe({}, durationMs / 1000)
      if (error instanceof WorkerLost) kills.add({ reason: error.why })
    },
  }
}
