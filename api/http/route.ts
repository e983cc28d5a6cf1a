import { z } from 'zod'
import { isoTimePattern } from '../../runtime/iso-time.ts'
import type { GoldVersion } from '../gold/version.ts'
import type { StatusParts } from '../pipeline/status.ts'
import { formats, type RowsAnswer } from './formats.ts'
import { type ParameterFault, Problem } from './problem.ts'

export interface RouteRequest<P, Q> {
  params: P
  query: Q
  /** The one version that the whole answer comes from. */
  gold: GoldVersion
  /** Aborted once nobody waits for a stream any more. */
  signal?: AbortSignal
}

/** A GET route over one Gold version: what it takes and what it answers, as data. */
export interface Route {
  path: string
  summary: string
  params: z.ZodObject
  query: z.ZodObject
  /** The body, without `version`, `complete_through` and `as_of`: every answer gets those. */
  answer: z.ZodObject
  /** The list in the body that is the whole answer as NDJSON or CSV. Without one there is JSON only. */
  rows: string | null
  /** The Gold version that the parameters ask for; undefined is the newest. */
  pinnedVersion: (query: never) => number | undefined
  handle: (request: RouteRequest<never, never>) => Promise<Record<string, unknown>>
  /** Gives `work` the rows as they come, where the list may be too long for one answer. */
  stream: ((request: RouteRequest<never, never>, work: (rows: RowsAnswer) => Promise<void>) => Promise<void>) | null
}

const nothing = z.strictObject({})

/** Parameters that every route over Gold takes, beside its own. */
export const versionParameters = {
  version: z
    .string()
    .meta({ override: { type: 'integer', minimum: 0 } })
    .optional()
    .describe('Gold version to ask in the place of the newest: a number of /v1/versions'),
  as_of: z
    .string()
    .meta({ override: { type: 'string', pattern: isoTimePattern.source } })
    .optional()
    .describe('time (ISO 8601), in UTC where it names no zone: asks the version that readers saw then'),
}
const formatParameter = z
  .enum(formats)
  .optional()
  .describe(`${formats.join(', ')}; else what Accept says`)
const onlyJson = z
  .enum(['json'], { error: 'must be json: there is no list to give as rows' })
  .optional()
  .describe('json, which it is anyhow')

/** Declares a route whose handler knows the types of its parameters. */
export const defineRoute = <P extends z.ZodObject, Q extends z.ZodObject, A extends z.ZodObject>(route: {
  path: string
  summary: string
  params?: P
  query?: Q
  answer: A
  rows?: keyof z.output<A> & string
  pinnedVersion?: (query: z.output<Q>) => number | undefined
  handle: (request: RouteRequest<z.output<P>, z.output<Q>>) => Promise<Record<string, unknown>>
  stream?: (request: RouteRequest<z.output<P>, z.output<Q>>, work: (rows: RowsAnswer) => Promise<void>) => Promise<void>
}): Route => ({
  params: nothing,
  pinnedVersion: () => undefined,
  stream: null,
  ...route,
  rows: route.rows ?? null,
  query: z.strictObject({ ...route.query?.shape, ...versionParameters, format: route.rows ? formatParameter : onlyJson }),
})

/** The columns of a route's list, by the schema of its answer. */
export const rowColumns = ({ answer, rows }: Pick<Route, 'answer' | 'rows'>): string[] => {
  const list = rows === null ? undefined : answer.shape[rows]
  const row = list instanceof z.ZodArray ? list.element : undefined
  return row instanceof z.ZodObject ? Object.keys(row.shape) : []
}

/** A GET route that answers from the lake itself, and from no Gold version. */
export interface LakeRoute {
  path: string
  summary: string
  params: z.ZodObject
  query: z.ZodObject
  answer: z.ZodObject
  handle: (request: { params: never; query: never; parts: StatusParts }) => Promise<Record<string, unknown>>
}

/** Declares a route over the lake whose handler knows the types of its parameters. */
export const defineLakeRoute = <P extends z.ZodObject, Q extends z.ZodObject>(route: {
  path: string
  summary: string
  params?: P
  query?: Q
  answer?: z.ZodObject
  handle: (request: { params: z.output<P>; query: z.output<Q>; parts: StatusParts }) => Promise<Record<string, unknown>>
}): LakeRoute => ({ params: nothing, query: nothing, answer: z.looseObject({}), ...route })

/** A JSON body by its schema. Throws a 400 that names every fault at once; `what` is what the body is to say. */
export const parseBody = <S extends z.ZodObject>(schema: S, given: unknown, what: string): z.output<S> => {
  const parsed = schema.safeParse(given ?? {})
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => ({ parameter: issue.path.join('.') || 'body', detail: issue.message }))
  const why = faults.map(({ parameter, detail }) => `${parameter}: ${detail}`).join('; ')
  throw new Problem(400, `Send JSON that says ${what}: ${why}.`, { faults })
}

/** Parameters by their schema. Throws a 400 that names every fault at once. */
export const parseParameters = <S extends z.ZodObject>(schema: S, given: unknown): z.output<S> => {
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const known = Object.keys(schema.shape)
  const faults = parsed.error.issues.flatMap((issue): ParameterFault[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((parameter) => ({
          parameter,
          detail: `is not a parameter here (${known.length > 0 ? `there are ${known.join(', ')}` : 'there are none'})`,
        }))
      : [{ parameter: issue.path.join('.'), detail: issue.code === 'invalid_type' ? 'must be given once, as text' : issue.message }],
  )
  throw new Problem(400, `${faults.map(({ parameter, detail }) => `${parameter} ${detail}`).join('; ')}.`, { faults })
}
