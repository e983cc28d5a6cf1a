import { Router } from 'express'
import { z } from 'zod'
import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import { docsPage } from '../http/docs-page.ts'
import type { RouteModule } from '../http/module.ts'
import { notReadyReasons, readStatus, type SeenLake, type StatusParts } from '../pipeline/status.ts'
import { routeIndex } from './routes.ts'

const json = (schema: z.ZodType) => ({ 'application/json': schema })
const index = z.object({
  routes: z.array(
    z.object({ path: z.string(), summary: z.string(), parameters: z.array(z.object({ name: z.string(), description: z.string() })) }),
  ),
})
const readiness = z.object({ status: z.enum(['ready', 'not ready']), reasons: z.array(z.string()) })
const status = z.looseObject({
  now: z.string(),
  gold: z.looseObject({ version: z.int() }).nullable(),
  lake: z.object({ state: z.enum(['available', 'unavailable']), detail: z.string().nullable() }),
  tables: z.array(z.looseObject({ table: z.string() })),
})

/** Health, metrics, the pipeline's status, and what the API is. `document` gives it as OpenAPI. */
export const systemRoutes = ({
  parts,
  seen,
  metrics,
  document,
}: {
  parts: StatusParts
  seen: SeenLake
  metrics: Pick<MetricsRegistry, 'text' | 'contentType'>
  document: () => object
}): RouteModule => {
  const router = Router()
  router.get('/healthz', (_request, response) => void response.json({ status: 'ok' }))
  router.get('/readyz', (_request, response) => {
    const reasons = notReadyReasons(parts)
    response.status(reasons.length === 0 ? 200 : 503).json({ status: reasons.length === 0 ? 'ready' : 'not ready', reasons })
  })
  router.get('/metrics', async (_request, response) => void response.type(metrics.contentType).send(await metrics.text()))
  router.get('/v1', (_request, response) => void response.json({ routes: routeIndex() }))
  router.get('/v1/status', async (_request, response) => void response.json(await readStatus(parts, seen)))
  router.get('/v1/openapi.json', (_request, response) => void response.json(document()))
  router.get('/docs', (_request, response) => void response.type('html').send(docsPage(document())))
  return {
    router,
    operations: [
      { method: 'get', path: '/healthz', summary: 'Whether the process lives.', answer: json(z.object({ status: z.literal('ok') })) },
      {
        method: 'get',
        path: '/readyz',
        summary: 'Whether Gold is published and, where brokers are known, Kafka answers; 503 with the same shape where not.',
        answer: json(readiness),
        others: { 503: { description: 'It is not ready; `reasons` says what is missing.', answer: json(readiness) } },
      },
      { method: 'get', path: '/metrics', summary: 'For Prometheus.', answer: { 'text/plain': z.string() } },
      { method: 'get', path: '/v1', summary: 'Every route over Gold and the lake with its parameters, in short.', answer: json(index) },
      {
        method: 'get',
        path: '/v1/status',
        summary: 'Set-up, tables, freshness, lag, published version, gate, checks, drift.',
        answer: json(status),
      },
      { method: 'get', path: '/v1/openapi.json', summary: 'This document.', answer: json(z.looseObject({ openapi: z.string() })) },
      { method: 'get', path: '/docs', summary: 'This document as a page.', answer: { 'text/html': z.string() } },
    ],
  }
}
