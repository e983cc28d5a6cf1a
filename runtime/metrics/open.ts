import type { Config } from '../config/config.ts'
import { type MetricsProgram, metricsPorts } from '../config/metrics-knobs.ts'
import type { Release } from '../lifecycle.ts'
import type { Log } from '../log.ts'
import { serveMetrics } from './listener.ts'
import { createRegistry, type MetricsRegistry } from './registry.ts'

/** What a program that `up` started tells it: where its metrics are. */
export interface MetricsMessage {
  type: 'metrics'
  /** `host:port`, as Prometheus has it. */
  address: string
}

/** Whether an IPC message is of where metrics are. */
export const isMetricsMessage = (message: Record<string, unknown>): message is Record<string, unknown> & MetricsMessage =>
  message['type'] === 'metrics' && typeof message['address'] === 'string'

interface OpenOptions {
  config: Pick<Config, 'metricsHost' | 'metricsPort' | 'allowedHosts' | 'isOnce'>
  log: Log
  defer: (release: Release) => void
  /** Hears that the default port is taken, and which one serves; a warning in the log unless it says otherwise. */
  onFallback?: (port: { wanted: number; port: number }) => void
}

/**
 * The metrics of a program, served until it ends: on the port that a person chose, else on the program's own, or a free one
 * where that is taken. A run with `--once` serves none unless a port was chosen. Says where to the log and to `up`.
 * Throws ReadflowError `port-taken` or `config`.
 */
export const openMetrics = async (
  program: MetricsProgram,
  {
    config,
    log,
    defer,
    onFallback = ({ wanted, port }) =>
      log.warn({ wanted_port: wanted, port }, 'the default port of the metrics is taken: another one serves'),
  }: OpenOptions,
): Promise<{ metrics: MetricsRegistry; address: string | null }> => {
  const metrics = createRegistry()
  const { metricsHost: host, metricsPort, allowedHosts, isOnce } = config
  if (isOnce && metricsPort === undefined) return { metrics, address: null }
  const port = metricsPort ?? metricsPorts[program]
  const server = await serveMetrics({ metrics, host, allowedHosts, port, isPortExplicit: metricsPort !== undefined })
  defer(server.close)
  if (server.isFallback) onFallback({ wanted: port, port: server.port })
  const address = new URL(server.url).host
  log.info({ url: `${server.url}metrics` }, 'serving metrics')
  process.send?.({ type: 'metrics', address } satisfies MetricsMessage)
  return { metrics, address }
}
