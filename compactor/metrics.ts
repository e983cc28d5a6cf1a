import type { MetricsRegistry } from '../runtime/metrics/registry.ts'
import type { BuildResult } from './build.ts'
import type { Audit } from './checks/check.ts'
import { goldNames } from './tables.ts'
import { type UpkeepMetrics, upkeepTasks } from './upkeep/upkeep-metrics.ts'

/** The metrics of Gold's builds. */
export const createBuildMetrics = (metrics: MetricsRegistry, { nowMs = Date.now }: { nowMs?: () => number } = {}) => {
  const builds = metrics.counter({
    name: 'readflow_builds_total',
    help: 'Looks for new Silver rows that ended, by what came of them.',
    labels: { outcome: ['published', 'unchanged', 'held', 'failed'] },
  })
  const duration = metrics.histogram({
    name: 'readflow_build_duration_seconds',
    help: 'Time of a build that published.',
    labels: { kind: ['incremental', 'full'] },
    buckets: [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800],
  })
  const rows = metrics.gauge({
    name: 'readflow_build_rows',
    help: 'Rows of each Gold table, as the last look found or made it.',
    labels: { table: goldNames },
  })
  const checks = metrics.gauge({
    name: 'readflow_build_checks',
    help: 'Checks of the last evaluation, by what they came to.',
    labels: { verdict: ['pass', 'warn', 'fail'] },
  })
  const lastSuccess = metrics.gauge({
    name: 'readflow_build_last_success_timestamp_seconds',
    help: 'Unix time of the last look that found Gold up to date or made it so; 0 before the first.',
  })
  return {
    ended: ({ isBuilt, held, full, rows: counts, durationMs }: BuildResult) => {
      builds.add({ outcome: isBuilt ? 'published' : held ? 'held' : 'unchanged' })
      for (const table of goldNames) rows.set({ table }, counts[table])
      if (isBuilt) duration.observe({ kind: full === null ? 'incremental' : 'full' }, durationMs / 1000)
      if (held === null) lastSuccess.set({}, nowMs() / 1000)
    },
    failed: () => builds.add({ outcome: 'failed' }),
    /** The same audit, whose verdicts are counted. */
    audited:
      (audit: Audit): Audit =>
      async (input) => {
        const results = await audit(input)
        for (const verdict of ['pass', 'warn', 'fail'] as const)
          checks.set({ verdict }, results.filter((result) => result.verdict === verdict).length)
        return results
      },
  }
}

/** The metrics of what keeps the tables in order. */
export const createUpkeepMetrics = (metrics: MetricsRegistry, { nowMs = Date.now }: { nowMs?: () => number } = {}): UpkeepMetrics => {
  const failures = metrics.counter({
    name: 'readflow_upkeep_failures_total',
    help: 'Tables whose upkeep failed.',
    labels: { task: upkeepTasks },
  })
  const lastSuccess = metrics.gauge({
    name: 'readflow_upkeep_last_success_timestamp_seconds',
    help: 'Unix time of the end of the last round in which no table failed; 0 before the first.',
    labels: { task: upkeepTasks },
  })
  const files = metrics.counter({
    name: 'readflow_upkeep_files_removed_total',
    help: 'Files that were merged, deleted or moved to the cold folder.',
    labels: { task: upkeepTasks },
  })
  return {
    failed: (task) => failures.add({ task }),
    succeeded: (task) => lastSuccess.set({ task }, nowMs() / 1000),
    removed: (task, count) => files.add({ task }, count),
  }
}
