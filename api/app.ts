import express, { type NextFunction, type Request, type Response } from 'express'
import { errorLine } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import { answerFromGold } from './http/answer.ts'
import { assets } from './http/assets.ts'
import { Problem, problemBody, toProblem } from './http/problem.ts'
import { type LakeRoute, parseParameters } from './http/route.ts'
import { createHostCheck, misdirected, requestIdOf, securityHeaders } from './http/security.ts'
import { createMetrics } from './pipeline/metrics.ts'
import { notReadyReasons, readStatus, type StatusParts } from './pipeline/status.ts'
import { lakeRoutes, routeIndex, routes } from './routes/routes.ts'

export interface AppOptions extends StatusParts {
  /** Address that the server is bound to. */
  host: string
  /** Names under which it may be asked, besides its address and the loopback names. */
  allowedHosts?: readonly string[]
  log: Log
}

/** The HTTP application: health, metrics, the routes over Gold, and the page. It does no work before it is asked. */
export const createApp = ({ host, allowedHosts, log, ...parts }: AppOptions) => {
  const app = express()
  const metrics = createMetrics(parts)
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  // Answers of Gold have strong ones of their own; others change all the time.
  app.set('etag', false)

  app.use(observed(metrics.observe))
  app.use(guarded(createHostCheck({ host, allowedHosts })))

  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }))
  app.get('/readyz', (_request, response) => {
    const reasons = notReadyReasons(parts)
    response.status(reasons.length === 0 ? 200 : 503).json({ status: reasons.length === 0 ? 'ready' : 'not ready', reasons })
  })
  app.get('/metrics', async (_request, response) => void response.type(metrics.contentType).send(await metrics.text()))
  app.get('/v1', (_request, response) => void response.json({ routes: routeIndex() }))
  app.get('/v1/status', async (_request, response) => void response.json(await readStatus(parts)))
  for (const route of routes) app.get(expressPath(route.path), answerFromGold(route, parts))
  for (const route of lakeRoutes) app.get(expressPath(route.path), answerFromLake(route, parts))
  for (const [path, { file, type }] of Object.entries(assets)) {
    app.get(path, (_request, response, next) => response.type(type).sendFile(file, { dotfiles: 'allow' }, (error) => error && next(error)))
  }

  app.use((request) => {
    const isKnown = request.method !== 'GET' && request.method !== 'HEAD'
    if (isKnown)
      throw new Problem(405, `${request.method} is not answered here: the API only reads. Use GET.`, { headers: { Allow: 'GET, HEAD' } })
    throw new Problem(404, `There is nothing at ${request.path.slice(0, 200)}. /v1 lists the routes.`)
  })
  app.use((error: unknown, request: Request, response: Response, next: NextFunction) => {
    const problem = toProblem(error)
    if (problem.status >= 500 && !(error instanceof Problem)) {
      metrics.countFailure()
      log.error({ requestId: response.locals['requestId'], path: request.path, error: errorLine(error) }, 'request failed')
    }
    // Too late for an answer of another kind: the framework cuts the connection.
    if (response.headersSent) return next(error)
    response.removeHeader('ETag')
    response
      .status(problem.status)
      .set('Cache-Control', 'no-store')
      .set(problem.headers)
      .type('application/problem+json')
      .send(JSON.stringify(problemBody(problem, { instance: request.path, requestId: String(response.locals['requestId']) })))
  })
  return app
}

/** `/v1/books/{id}`, as people and OpenAPI write it, in the framework's notation. */
const expressPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1')

const observed = (observe: ReturnType<typeof createMetrics>['observe']) => (request: Request, response: Response, next: NextFunction) => {
  const startedAtMs = performance.now()
  response.on('finish', () =>
    observe({
      method: request.method,
      route: (request.route as { path?: string } | undefined)?.path ?? 'none',
      statusCode: response.statusCode,
      durationMs: performance.now() - startedAtMs,
    }),
  )
  next()
}

const guarded = (isAllowedHost: (header: string | undefined) => boolean) => (request: Request, response: Response, next: NextFunction) => {
  const requestId = requestIdOf(request)
  response.locals['requestId'] = requestId
  response.set({ ...securityHeaders, 'Cache-Control': 'no-cache', 'X-Request-Id': requestId })
  if (!isAllowedHost(request.headers.host)) throw misdirected()
  next()
}

const answerFromLake = (route: LakeRoute, parts: StatusParts) => async (request: Request, response: Response) => {
  const params = parseParameters(route.params, request.params)
  const query = parseParameters(route.query, request.query)
  response.json(await route.handle({ params, query, parts } as never))
}
