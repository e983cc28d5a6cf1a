import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject, type ZodOpenApiResponsesObject } from 'zod-openapi'
import type { LakeRoute, Route } from './route.ts'

/** A route that is none over Gold or the lake, as the document has it. */
export interface Operation {
  method: 'get' | 'post' | 'delete'
  path: string
  summary: string
  params?: z.ZodObject
  query?: z.ZodObject
  /** What the request carries, by media type. */
  body?: Readonly<Record<string, z.ZodType>>
  /** Status of the answer; 200 where none is given. */
  status?: number
  /** Other answers that are none of errors, by their status. */
  others?: Readonly<Record<number, { description: string; answer: Readonly<Record<string, z.ZodType>> }>>
  /** The answer, by media type. */
  answer: Readonly<Record<string, z.ZodType>>
  /** Headers of the answer. */
  headers?: z.ZodRawShape
  /** Statuses that it fails with, beside 400, 401, 403, 421, 429 and 500, which any route may give. */
  errors?: readonly number[]
}

/** What every error is: RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('what is wrong and what to do, in one line'),
    instance: z.string().describe('path of the request'),
    request_id: z.string().describe('leads to the log; the answer has it as x-request-id too'),
    errors: z
      .array(z.object({ parameter: z.string(), detail: z.string() }))
      .optional()
      .describe('each parameter at fault'),
  })
  .meta({ id: 'Problem' })

const descriptions: Readonly<Record<number, string>> = {
  400: 'The request is at fault; `errors` names each parameter.',
  401: 'A key is needed, or the one given is unknown or was revoked.',
  403: 'The key is not for this, or the request comes from another origin.',
  404: 'There is no such thing in that version.',
  405: 'The method is not answered at this path.',
  406: 'Accept names no format that is offered.',
  408: 'It took longer than it may.',
  409: 'It is in conflict with what there is.',
  410: 'The version is not kept any more.',
  413: 'The request is larger than it may be.',
  415: 'The request is of a type that is not taken.',
  421: 'The Host header names another server.',
  422: 'It was understood, and can not be done.',
  429: 'Too many requests, or too many at once; Retry-After says when to come back.',
  500: 'The server failed; request_id leads to its log.',
  503: 'What it needs is not there yet, or away; Retry-After says when to come back.',
}
const anyRoute = [400, 401, 403, 421, 429, 500]

/** What an answer that says of which Gold it is has beside its own: where there is one. */
export const documentedHeaders = {
  'ReadFlow-Version': z.string().optional(),
  'ReadFlow-Complete-Through': z.string().optional(),
  'ReadFlow-Held-Since': z.string().optional(),
  'ReadFlow-Held-Reason': z.string().optional(),
}

/** What every answer over Gold has beside its own. */
const pinned = {
  version: z.int().describe('Gold version that the whole answer is of'),
  complete_through: z.string().nullable().describe('ISO 8601: all that Kafka got before then is in it'),
  as_of: z.string().describe('ISO 8601: when that version was published'),
  held_since: z.string().optional().describe('while a failed check holds newer data: since when'),
  held_reason: z.string().optional().describe('which check, and why'),
}

/** What every answer has. */
const anyHeaders = { 'X-Request-Id': z.string().describe("the caller's own, or a new one: leads to the log") }
const headersOf: Readonly<Record<number, z.ZodRawShape>> = {
  401: { 'WWW-Authenticate': z.string() },
  405: { Allow: z.string() },
  429: { 'Retry-After': z.string().describe('seconds') },
  503: { 'Retry-After': z.string().optional().describe('seconds') },
}

const goldHeaders = z.object({
  ...anyHeaders,
  ...documentedHeaders,
  'ReadFlow-Version': z.string(),
  'ReadFlow-Total-Rows': z.string().optional().describe('of a list as NDJSON or CSV: the rows on all of its pages'),
  Link: z.string().optional().describe('of a list as NDJSON or CSV: where the next page is (rel="next")'),
  ETag: z.string(),
  'Cache-Control': z.string(),
})

const problem = (status: number) => ({
  description: descriptions[status] ?? 'It failed.',
  headers: z.object({ ...anyHeaders, ...headersOf[status] }),
  content: { 'application/problem+json': { schema: problemSchema } },
})

const problems = (statuses: readonly number[]): ZodOpenApiResponsesObject =>
  Object.fromEntries(
    [...new Set([...anyRoute, ...statuses])]
      .sort((a, b) => a - b)
      .map((status) => [String(status) as `${1 | 4 | 5}${string}`, problem(status)]),
  )

const idOf = (method: string, path: string) =>
  `${method}${path
    .replaceAll(/[{}]/g, '')
    .split(/[^a-zA-Z0-9]+/)
    .filter((word) => word !== '' && word !== 'v1')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('')}`

const tagOf = (path: string) => path.split('/').filter((part) => part !== 'v1' && part !== '')[0] ?? 'index'

const request = ({ path, params, query }: { path: string; params?: z.ZodObject; query?: z.ZodObject }) => ({
  tags: [tagOf(path)],
  requestParams: {
    ...(params && Object.keys(params.shape).length > 0 ? { path: params } : {}),
    ...(query && Object.keys(query.shape).length > 0 ? { query } : {}),
  },
})

const ofGold = (route: Route): ZodOpenApiOperationObject => ({
  operationId: idOf('get', route.path),
  summary: route.summary,
  ...request(route),
  responses: {
    200: {
      description: 'The answer, of one version.',
      headers: goldHeaders,
      content: {
        'application/json': { schema: z.object({ ...pinned, ...route.answer.shape }) },
        ...(route.rows === null
          ? {}
          : {
              'application/x-ndjson': { schema: z.string().describe(`the rows of ${route.rows}, each as JSON on a line`) },
              'text/csv': { schema: z.string().describe(`the rows of ${route.rows}, after a line with their names`) },
            }),
      },
    },
    304: { description: 'The caller has that answer: its ETag is in If-None-Match.', headers: goldHeaders },
    ...problems([404, 406, 410, 503]),
  },
})

const ofLake = (route: LakeRoute): ZodOpenApiOperationObject => ({
  operationId: idOf('get', route.path),
  summary: route.summary,
  ...request(route),
  responses: {
    200: { description: 'The answer.', headers: z.object(anyHeaders), content: { 'application/json': { schema: route.answer } } },
    ...problems([404, 410, 503]),
  },
})

const media = (types: Readonly<Record<string, z.ZodType>>) =>
  Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, { schema }]))

const ofOperation = (operation: Operation): ZodOpenApiOperationObject => ({
  operationId: idOf(operation.method, operation.path),
  summary: operation.summary,
  ...request(operation),
  ...(operation.body ? { requestBody: { required: true, content: media(operation.body) } } : {}),
  responses: {
    ...problems(operation.errors ?? []),
    ...Object.fromEntries(
      Object.entries({ [operation.status ?? 200]: { description: 'The answer.', answer: operation.answer }, ...operation.others }).map(
        ([status, { description, answer }]) => [
          status as '200',
          {
            description,
            headers: z.object({ ...anyHeaders, ...operation.headers }),
            ...(Object.keys(answer).length > 0 ? { content: media(answer) } : {}),
          },
        ],
      ),
    ),
  },
})

/** The API as OpenAPI 3.1, made of the schemas that its requests are parsed by. */
export const openApiDocument = (api: {
  version: string
  gold: readonly Route[]
  lake: readonly LakeRoute[]
  others: readonly Operation[]
}) => {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  const add = (path: string, method: string, operation: ZodOpenApiOperationObject) => {
    paths[path] = { ...paths[path], [method]: operation }
  }
  for (const route of api.gold) add(route.path, 'get', ofGold(route))
  for (const route of api.lake) add(route.path, 'get', ofLake(route))
  for (const operation of api.others) add(operation.path, operation.method, ofOperation(operation))
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'ReadFlow',
      version: api.version,
      description:
        'Book data that streams through Kafka into a lakehouse. Every answer over Gold is of one published version, which it names; version= and as_of= travel in time. A method that a path does not have is a 405 whose Allow names those that it has.',
    },
    components: {
      responses: { MethodNotAllowed: { id: 'MethodNotAllowed', ...problem(405) } },
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'needed where the server asks for keys; made by `readflow keys add`' },
      },
    },
    security: [{}, { key: [] }],
    paths: paths as ZodOpenApiPathsObject,
  })
}

/** The methods that a path is answered by; none for a path that there is not. */
export const allowedMethods = ({ paths }: { paths?: object | undefined }, path: string): string[] => {
  const asked = path.split('/')
  const isIt = (template: string) => {
    const parts = template.split('/')
    return (
      parts.length === asked.length && parts.every((part, index) => (part.startsWith('{') ? asked[index] !== '' : part === asked[index]))
    )
  }
  return Object.entries(paths ?? {})
    .filter(([template]) => isIt(template))
    .flatMap(([, operations]) => Object.keys(operations as object).map((method) => method.toUpperCase()))
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}
