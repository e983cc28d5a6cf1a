import { z } from 'zod'
import { count, durationMs, list, text } from './units.ts'

const origins = list.pipe(
  z.array(z.url({ protocol: /^https?$/, error: 'must be origins such as https://example.org, with commas between' })),
)

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** Knobs of the API, and of the commands that do the same from a terminal. */
export const apiKnobs = {
  allowedHosts: {
    flag: 'allowed-hosts',
    env: 'READFLOW_ALLOWED_HOSTS',
    schema: list,
    programs: ['up', 'poll', 'consume', 'compact', 'serve'],
    doc: 'names under which the API and /metrics may be asked beside their address, with commas between',
  },
  requestsPerMinute: {
    flag: 'rate-limit',
    env: 'READFLOW_RATE_LIMIT',
    default: '6000',
    schema: count(0, 1_000_000_000),
    programs: ['up', 'serve'],
    doc: 'requests a minute that one address may make of the API; 0 is no limit',
  },
  freshnessObjectiveMs: {
    flag: 'freshness-objective',
    env: 'READFLOW_FRESHNESS_OBJECTIVE',
    default: '60s',
    schema: durationMs,
    programs: ['up', 'serve', 'status'],
    doc: 'age that complete_through should stay below while records come; the page marks what is older, and status says so',
  },
  corsOrigins: {
    flag: 'cors-origins',
    env: 'READFLOW_CORS_ORIGINS',
    schema: origins,
    programs: ['up', 'serve'],
    doc: 'origins whose pages may read the API, with commas between; none by default',
  },
  auth: {
    flag: 'auth',
    env: 'READFLOW_AUTH',
    default: 'auto',
    schema: z.enum(['auto', 'on', 'off'], { error: 'is auto, on or off' }),
    programs: ['up', 'serve'],
    doc: 'whether the API asks for keys (`readflow keys add`): auto does where it is bound to anything but 127.0.0.1',
  },
  format: {
    flag: 'format',
    schema: z.enum(['table', 'json', 'ndjson', 'csv', 'duckdb', 'parquet'], {
      error: 'sql takes table, json, ndjson and csv; export takes duckdb and parquet',
    }),
    programs: ['sql', 'export'],
    doc: 'form of the result: table (default), json, ndjson or csv of sql; duckdb (default) or parquet of export',
  },
  asOf: {
    flag: 'as-of',
    schema: text,
    programs: ['sql', 'export'],
    doc: 'time (ISO 8601): asks the Gold version that readers saw then',
  },
  maxRows: {
    flag: 'max-rows',
    default: '1000000',
    schema: count(1, 100_000_000),
    programs: ['sql'],
    doc: 'most rows of a result',
  },
  parameters: {
    flag: 'param',
    schema: text.pipe(
      z
        .string()
        .transform((given, context): unknown => {
          try {
            return JSON.parse(given)
          } catch {
            context.addIssue({ code: 'custom', message: 'is no JSON' })
            return z.NEVER
          }
        })
        .pipe(
          z.union([z.array(scalar), z.record(z.string(), scalar)], {
            error: 'is a list such as \'["fantasy", 5]\' or an object, of texts, numbers, true, false and null',
          }),
        ),
    ),
    programs: ['sql'],
    doc: 'parameters of the query, in JSON: a list for ? and $1, or an object for $name',
  },
  output: {
    flag: 'output',
    schema: text,
    programs: ['export'],
    doc: 'file to write, which must not exist (default: readflow-gold-vN.duckdb or .parquet.zip here)',
  },
  name: {
    flag: 'name',
    schema: text.max(100, 'must not be longer than 100 characters'),
    programs: ['keys'],
    doc: 'whom or what a new key is for',
  },
  scopes: {
    flag: 'scopes',
    default: 'read,sql',
    schema: list.pipe(z.array(z.enum(['read', 'sql', 'write'], { error: 'scopes are read, sql and write, with commas between' })).min(1)),
    programs: ['keys'],
    doc: 'what a new key may do: read, sql (POST /v1/sql, exports), write (whatever changes something)',
  },
} as const
