import { z } from 'zod'
import type { GoldVersion } from '../gold/version.ts'
import type { StatusParts } from '../pipeline/status.ts'
import { type ParameterFault, Problem } from './problem.ts'

export interface RouteRequest<P, Q> {
  params: P
  query: Q
  /** The one version that the whole answer comes from. */
  gold: GoldVersion
}

/** A GET route over one Gold version: what it takes and what it answers, as data. */
export interface Route {
  path: string
  summary: string
  params: z.ZodObject
  query: z.ZodObject
  /** The Gold version that the parameters ask for; undefined is the newest. */
  pinnedVersion: (query: never) => number | undefined
  /** Answers without `version`, `complete_through` and `as_of`: every answer gets those. */
  handle: (request: RouteRequest<never, never>) => Promise<Record<string, unknown>>
}

/** Declares a route whose handler knows the types of its parameters. */
export const defineRoute = <P extends z.ZodObject, Q extends z.ZodObject>(route: {
  path: string
  summary: string
  params?: P
  query?: Q
  pinnedVersion?: (query: z.output<Q>) => number | undefined
  handle: (request: RouteRequest<z.output<P>, z.output<Q>>) => Promise<Record<string, unknown>>
}): Route => ({ params: z.strictObject({}), query: z.strictObject({}), pinnedVersion: () => undefined, ...route })

/** A GET route that answers from the lake itself, and from no Gold version. */
export interface LakeRoute {
  path: string
  summary: string
  params: z.ZodObject
  query: z.ZodObject
  handle: (request: { params: never; query: never; parts: StatusParts }) => Promise<Record<string, unknown>>
}

/** Declares a route over the lake whose handler knows the types of its parameters. */
export const defineLakeRoute = <P extends z.ZodObject, Q extends z.ZodObject>(route: {
  path: string
  summary: string
  params?: P
  query?: Q
  handle: (request: { params: z.output<P>; query: z.output<Q>; parts: StatusParts }) => Promise<Record<string, unknown>>
}): LakeRoute => ({ params: z.strictObject({}), query: z.strictObject({}), ...route })

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

/** A whole number from `min` to `max`. */
export const whole = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d{1,12}$/.test(text) && Number(text) >= min && Number(text) <= max, `must be a whole number from ${min} to ${max}`)
    .transform(Number)

/** Text of a length that a person would type. */
export const shortText = z.string().trim().min(1, 'must not be empty').max(200, 'must not be longer than 200 characters')

/** One of a few words. */
export const oneOf = <const W extends readonly [string, ...string[]]>(words: W) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` })

/** A day as YYYY-MM-DD, or a month as YYYY-MM: its first day. Gives YYYY-MM-DD. */
export const dayOrMonth = z
  .string()
  .transform((text) => (/^\d{4}-\d{2}$/.test(text) ? `${text}-01` : text))
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text),
    'must be a day as YYYY-MM-DD or a month as YYYY-MM',
  )
