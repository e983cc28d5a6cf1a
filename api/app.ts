import cors from 'cors'
import express, { type NextFunction, type Request, type Response } from 'express'
import { errorLine } from '../runtime/errors.ts'
import { createHostCheck } from '../runtime/http/hosts.ts'
import type { Log } from '../runtime/log.ts'
import { createRegistry, type MetricsRegistry } from '../runtime/metrics/registry.ts'
import { answerFromGold, createAnswerLanes } from './http/answer.ts'
import { assets, page, pagePaths } from './http/assets.ts'
import { authorize } from './http/auth.ts'
import { securityHeaders } from './http/headers.ts'
import { createRequestMetrics, type RequestMetrics } from './http/metrics.ts'
import type { RouteModule } from './http/module.ts'
import { allowedMethods, openApiDocument } from './http/openapi.ts'
import { packageVersion } from './http/package-version.ts'
import { Problem, problemBody, toProblem } from './http/problem.ts'
import { limitRate } from './http/rate-limit.ts'
import { type LakeRoute, parseParameters } from './http/route.ts'
import { misdirected, requestIdOf } from './http/security.ts'
import { sessionRoutes } from './keys/session.ts'
import type { ApiKey } from './keys/store.ts'
import { measurePipeline } from './pipeline/metrics.ts'
import { type StatusParts, seeLake } from './pipeline/status.ts'
import { lakeRoutes, routes } from './routes/routes.ts'
import { systemRoutes } from './routes/system.ts'

export interface AppOptions extends StatusParts {
  /** Address that the server is bound to. */
  host: string
  /** Names under which it may be asked, besides its address and the loopback names. */
  allowedHosts?: readonly string[]
  log: Log
  /** Routes of other kinds, beside those over Gold and the lake. */
  modules?: readonly RouteModule[]
  /** Origins whose pages may read answers; none are by default. */
  corsOrigins?: readonly string[]
  /** How many requests a caller may make of `/v1`; 0 is no limit. */
  requestsPerMinute?: number
  /** Whether keys are asked for, and which there are; none are by default. */
  access?: { isOn: boolean; keys: () => Promise<ApiKey[]> }
  /** What `/metrics` tells, beside requests and the pipeline. */
  metrics?: MetricsRegistry
}

const MAX_PATH_CHARS = 200
const open = { isOn: false, keys: async () => [] }

const exposedHeaders = [
  'ReadFlow-Version',
  'ReadFlow-Complete-Through',
  'ReadFlow-Held-Since',
  'ReadFlow-Held-Reason',
  'ReadFlow-Total-Rows',
  'Link',
  'ETag',
  'X-Request-Id',
  'RateLimit',
  'Retry-After',
]

/** The HTTP application: health, metrics, the routes over Gold, and the page. It does no work before it is asked. */
export const createApp = (options: AppOptions) => {
  const { host, allowedHosts, log, modules: others = [], corsOrigins = [], requestsPerMinute = 0, access = open, ...rest } = options
  const { metrics = createRegistry(), ...parts } = rest
  const app = express()
  const seen = seeLake(parts)
  const requests = createRequestMetrics(metrics)
  measurePipeline(metrics, { parts, seen, failed: requests.failed })
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  // Answers of Gold have strong ones of their own; others change all the time.
  app.set('etag', false)

  app.use(observed(requests, log))
  app.use(securityHeaders)
  app.use(guarded(createHostCheck({ host, allowedHosts })))
  if (corsOrigins.length > 0) app.use(cors({ origin: [...corsOrigins], exposedHeaders }))
  app.use('/v1', limitRate(requestsPerMinute))
  app.use(authorize(access))

  const document = once(() =>
    openApiDocument({ version: packageVersion, gold: routes, lake: lakeRoutes, others: modules.flatMap(({ operations }) => operations) }),
  )
  const modules: RouteModule[] = [systemRoutes({ parts, seen, metrics, document }), sessionRoutes(access), ...others]
  // What a path is answered by, the same for all; a browser's question before one of another origin is answered by `cors`.
  app.options('/{*path}', (request, response, next) => {
    const allowed = allowedMethods(document(), request.path)
    if (allowed.length === 0) return next()
    response
      .status(204)
      .set('Allow', [...allowed, 'OPTIONS'].join(', '))
      .end()
  })
  for (const { router } of modules) app.use(router)
  const lanes = createAnswerLanes()
  for (const route of routes) app.get(expressPath(route.path), answerFromGold(route, parts, lanes))
  for (const route of lakeRoutes) app.get(expressPath(route.path), answerFromLake(route, parts))
  // Looked up each time: the bundle may be made anew beside a server that runs.
  app.get([...pagePaths, '/assets/:name'], (request, response, next) => {
    const asset = request.path.startsWith('/assets/') ? assets()[request.path] : page
    if (!asset) return next()
    const caching = asset.isImmutable ? { 'Cache-Control': 'public, max-age=31536000, immutable' } : {}
    response
      .set(caching)
      .type(asset.type)
      .sendFile(asset.file, { dotfiles: 'allow', cacheControl: false }, (error) => error && next(error))
  })

  app.use((request) => {
    const allowed = allowedMethods(document(), request.path)
    if (allowed.length > 0) {
      throw new Problem(405, `${request.method} is not answered at ${request.path.slice(0, 200)}: use ${allowed.join(' or ')}.`, {
        headers: { Allow: allowed.join(', ') },
      })
    }
    throw new Problem(404, `There is nothing at ${request.path.slice(0, 200)}. /v1 lists the routes.`)
  })
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const problem = toProblem(error)
    const about = { request_id: response.locals['requestId'], path: request.path, status: problem.status, error: errorLine(error) }
    if (problem.status >= 500 && !(error instanceof Problem)) {
      requests.failed()
      log.error(about, 'request failed')
    } else if (problem.isLogged) log.warn(about, 'request not answered')
    // Too late for an answer of another kind: a connection that is cut is no answer that looks whole.
    if (response.headersSent) return void response.destroy()
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

const once = <T>(make: () => T) => {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** `/v1/books/{id}`, as people and OpenAPI write it, in the framework's notation. */
const expressPath = (path: string) => path.replaceAll(/\{(\w+)\}/g, ':$1')

const observed = (requests: RequestMetrics, log: Log) => (request: Request, response: Response, next: NextFunction) => {
  const startedAtMs = performance.now()
  requests.begun()
  response.on('close', requests.left)
  response.on('finish', () => {
    const { method, path } = request
    const { statusCode } = response
    const durationMs = performance.now() - startedAtMs
    requests.answered({ method, route: (request.route as { path?: string } | undefined)?.path ?? 'none', statusCode, durationMs })
    const about = { request_id: response.locals['requestId'], method, path: path.slice(0, MAX_PATH_CHARS), status: statusCode }
    log.debug({ ...about, duration_ms: Math.round(durationMs) }, 'answered')
  })
  next()
}

const guarded = (isAllowedHost: (header: string | undefined) => boolean) => (request: Request, response: Response, next: NextFunction) => {
  const requestId = requestIdOf(request)
  response.locals['requestId'] = requestId
  response.set({ 'Cache-Control': 'no-cache', 'X-Request-Id': requestId })
  if (!isAllowedHost(request.headers.host)) throw misdirected()
  next()
}

const answerFromLake = (route: LakeRoute, parts: StatusParts) => async (request: Request, response: Response) => {
  const params = parseParameters(route.params, request.params)
  const query = parseParameters(route.query, request.query)
  response.json(await route.handle({ params, query, parts } as never))
}
