import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import type { EventStreams } from './event-stream.ts'

/** The metrics of requests: their rate, their failures, their time. */
export const createRequestMetrics = (metrics: MetricsRegistry) => {
  const duration = metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labels: { method: 'open', route: 'open', status_code: 'open' },
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  })
  const failures = metrics.counter({
    name: 'readflow_api_failures_total',
    help: 'Answers that failed for a reason that is not the caller.',
  })
  let answering = 0
  metrics.readGauge({
    name: 'http_requests_in_flight',
    help: 'Requests that are being answered.',
    read: () => [{ labels: {}, value: answering }],
  })
  return {
    failed: () => failures.add({}),
    begun: () => void answering++,
    left: () => void answering--,
    /** `route` is the pattern, never the path: a label must not grow with what is asked. */
    answered: ({ method, route, statusCode, durationMs }: { method: string; route: string; statusCode: number; durationMs: number }) =>
      duration.observe({ method, route, status_code: String(statusCode) }, durationMs / 1000),
  }
}

export type RequestMetrics = ReturnType<typeof createRequestMetrics>

/** Who listens to server-sent events. */
export const measureStreams = (metrics: MetricsRegistry, streams: Pick<EventStreams, 'size'>) =>
  metrics.readGauge({
    name: 'readflow_api_event_readers',
    help: 'Readers of server-sent events.',
    read: () => [{ labels: {}, value: streams.size() }],
  })
