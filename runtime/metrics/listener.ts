import type { IncomingMessage, ServerResponse } from 'node:http'
import { createHostCheck } from '../http/hosts.ts'
import { listen } from '../http/listen.ts'
import type { MetricsRegistry } from './registry.ts'

export interface MetricsListenerOptions {
  metrics: Pick<MetricsRegistry, 'text' | 'contentType'>
  host: string
  /** Names under which it may be asked, besides its address and the loopback names. */
  allowedHosts?: readonly string[] | undefined
  port: number
  isPortExplicit: boolean
}

/**
 * Serves `/metrics` and `/healthz`, and nothing else. Gives the URL and a `close`.
 * Throws ReadflowError `port-taken` for a chosen port that is taken, `config` for an address that can't be bound.
 */
export const serveMetrics = async ({ metrics, host, allowedHosts, port, isPortExplicit }: MetricsListenerOptions) => {
  const isAllowedHost = createHostCheck({ host, allowedHosts: allowedHosts ?? [] })
  const answer = async ({ method = '', url = '', headers }: IncomingMessage): Promise<[status: number, type: string, body: string]> => {
    const [path] = url.split('?')
    if (!isAllowedHost(headers.host)) return text(421, 'This server does not answer under that Host name.')
    if (path !== '/metrics' && path !== '/healthz') return text(404, 'There are /metrics and /healthz here.')
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'Use GET.')
    return path === '/metrics' ? [200, metrics.contentType, await metrics.text()] : [200, 'application/json', '{"status":"ok"}']
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    request.resume()
    answer(request)
      .catch(() => text(500, 'The metrics could not be read.'))
      .then(([status, type, body]) => {
        const headers = { 'content-type': type, 'cache-control': 'no-store', ...(status === 405 ? { allow: 'GET, HEAD' } : {}) }
        response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body)
      })
  }
  return listen({ listener, host, port, isPortExplicit, portFlag: '--metrics-port', hostFlag: '--metrics-host' })
}

const text = (status: number, body: string): [number, string, string] => [status, 'text/plain; charset=utf-8', `${body}\n`]
