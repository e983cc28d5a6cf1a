import type { MetricsRegistry } from './registry.ts'

const operations = ['get', 'get_range', 'pieces', 'put', 'put_file', 'put_if_absent', 'list', 'delete'] as const
const outcomes = ['ok', 'absent', 'exists', 'failed'] as const

/** The metrics of the lake's store, for `openStore`. */
export const createStoreMetrics = (metrics: MetricsRegistry) => {
  const requests = metrics.counter({
    name: 'readflow_store_requests_total',
    help: 'Calls of the object store, retries included in one.',
    labels: { operation: operations, outcome: outcomes },
  })
  const duration = metrics.histogram({
    name: 'readflow_store_request_duration_seconds',
    help: 'Time of a call of the object store, retries included.',
    labels: { operation: operations },
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  })
  const retries = metrics.counter({
    name: 'readflow_store_retries_total',
    help: 'Attempts of a call that failed in a way that may pass, and were made again.',
  })
  const commits = metrics.counter({
    name: 'readflow_lake_commits_total',
    help: 'Versions of a Delta table that this process committed.',
    labels: { table: 'open' },
  })
  const conflicts = metrics.counter({
    name: 'readflow_lake_commit_conflicts_total',
    help: 'Commits that another writer came before.',
    labels: { table: 'open' },
  })
  return {
    called: (operation: (typeof operations)[number], outcome: (typeof outcomes)[number], durationMs: number) => {
      requests.add({ operation, outcome })
      duration.observe({ operation }, durationMs / 1000)
    },
    retried: () => retries.add({}),
    committed: (table: string) => {
      commits.add({ table })
      conflicts.add({ table }, 0)
    },
    conflicted: (table: string) => conflicts.add({ table }),
  }
}
