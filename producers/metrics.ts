import { ReadflowError } from '../runtime/errors.ts'
import type { MetricsRegistry } from '../runtime/metrics/registry.ts'
import { entityNames, topicNames } from '../schemas/catalogue.ts'
import type { EntityName, TopicName } from '../schemas/records.ts'
import { methods } from './sources/goodreads/client.ts'
import { FEED_METHOD } from './sources/rss/client.ts'
import { requestOutcomes, type SourceMetrics } from './sources/source-metrics.ts'

const allMethods = [...methods, FEED_METHOD] as const
const pollOutcomes = [
  'success',
  'source-unavailable',
  'kafka-unavailable',
  'registry-unavailable',
  'lake-unavailable',
  'lake-conflict',
  'other',
] as const

/** The metrics of the requests to a source. */
export const createSourceMetrics = (metrics: MetricsRegistry): SourceMetrics => {
  const requests = metrics.counter({
    name: 'readflow_source_requests_total',
    help: 'HTTP requests to the source, each attempt counted.',
    labels: { method: allMethods, outcome: requestOutcomes },
  })
  const retries = metrics.counter({
    name: 'readflow_source_retries_total',
    help: 'Requests that were sent again.',
    labels: { method: allMethods },
  })
  const duration = metrics.histogram({
    name: 'readflow_source_request_duration_seconds',
    help: 'Time of an attempt that was answered, to the last byte of its body.',
    labels: { method: allMethods },
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  })
  const waits = metrics.counter({
    name: 'readflow_source_rate_limit_wait_seconds_total',
    help: 'Time that requests waited for a rate limit.',
    labels: { reason: ['throttle', 'retry_after'] },
  })
  const known = (method: string) => allMethods.find((each) => each === method)
  return {
    attempted: (name, outcome, durationMs) => {
      const method = known(name)
      if (method === undefined) return
      requests.add({ method, outcome })
      if (durationMs !== null) duration.observe({ method }, durationMs / 1000)
    },
    retried: (name) => {
      const method = known(name)
      if (method !== undefined) retries.add({ method })
    },
    waited: (reason, durationMs) => waits.add({ reason }, durationMs / 1000),
  }
}

/** The metrics of polls, and of what they publish. */
export const createPollMetrics = (metrics: MetricsRegistry, { nowMs = Date.now }: { nowMs?: () => number } = {}) => {
  const polls = metrics.counter({
    name: 'readflow_polls_total',
    help: 'Polls of the source that ended, by the fault that broke one off.',
    labels: { outcome: pollOutcomes },
  })
  const duration = metrics.histogram({
    name: 'readflow_poll_duration_seconds',
    help: 'Time of a poll that succeeded.',
    buckets: [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
  })
  const lastSuccess = metrics.gauge({
    name: 'readflow_poll_last_success_timestamp_seconds',
    help: 'Unix time at which the last poll that succeeded ended; 0 before the first.',
  })
  const interval = metrics.gauge({
    name: 'readflow_poll_interval_seconds',
    help: 'Time between the beginnings of two polls; 0 for a source that is read once.',
  })
  const records = metrics.counter({
    name: 'readflow_poll_records_total',
    help: 'Records that were published and acknowledged.',
    labels: { entity: topicNames },
  })
  const deletions = metrics.counter({
    name: 'readflow_poll_deletions_total',
    help: 'Tombstones that were published and acknowledged.',
    labels: { entity: entityNames },
  })
  const shelves = metrics.counter({
    name: 'readflow_shelf_polls_total',
    help: 'Reads of exports and feeds that were added as shelves.',
    labels: { kind: ['export', 'feed'], outcome: ['success', 'failure'] },
  })
  return {
    published: (entity: TopicName, count: number) => records.add({ entity }, count),
    deleted: (entity: EntityName, count: number) => deletions.add({ entity }, count),
    /** null: one poll reads all there is. */
    interval: (intervalMs: number | null) => interval.set({}, (intervalMs ?? 0) / 1000),
    succeeded: (durationMs: number) => {
      polls.add({ outcome: 'success' })
      duration.observe({}, durationMs / 1000)
      lastSuccess.set({}, nowMs() / 1000)
    },
    failed: (error: unknown) => {
      const code = error instanceof ReadflowError ? error.code : 'other'
      polls.add({ outcome: pollOutcomes.find((outcome) => outcome === code) ?? 'other' })
    },
    shelfRead: (kind: 'export' | 'feed', outcome: 'success' | 'failure') => shelves.add({ kind, outcome }),
  }
}
