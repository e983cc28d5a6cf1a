import express, { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import type { SqlParam } from '../../runtime/duckdb.ts'
import type { GoldReader } from '../gold/reader.ts'
import { type Format, formatOf, formats, sendRows } from '../http/formats.ts'
import { heldOf, versionHeaders } from '../http/held.ts'
import type { RouteModule } from '../http/module.ts'
import { documentedHeaders } from '../http/openapi.ts'
import { whole, wholeOr } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters, versionParameters } from '../http/route.ts'
import { wantedVersion } from '../http/wanted-version.ts'
import type { GateReader } from '../pipeline/gate.ts'
import { plainCell } from './plain.ts'
import type { SqlHead, SqlQuestion, SqlService } from './service.ts'

const BODY_BYTES = 256 * 1024
const MAX_SQL = 100_000
const DEFAULT_ROWS = 10_000
const MAX_JSON_ROWS = 100_000
const MAX_ROWS = 1_000_000
const MAX_JSON_BYTES = 32 * 1024 ** 2
const MAX_BYTES = 512 * 1024 ** 2
const MAX_SECONDS = 60

const parameter = z.union([z.string(), z.number(), z.boolean(), z.null()])
const body = z.strictObject({
  sql: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(MAX_SQL, `must not be longer than ${MAX_SQL} characters`)
    .describe('one SELECT, or EXPLAIN of one'),
  parameters: z
    .union([z.array(parameter), z.record(z.string(), parameter)], {
      error: 'must be a list for ? and $1, or an object for $name, of texts, numbers, true, false and null; integers beyond 2^53 as texts',
    })
    .optional()
    .describe('a list for ? and $1, or an object for $name'),
})
const query = z.strictObject({
  ...versionParameters,
  format: z
    .enum(formats)
    .optional()
    .describe(`${formats.join(', ')}; else what Accept says`),
  max_rows: whole(1, MAX_ROWS)
    .optional()
    .describe(`rows of the result: as JSON ${DEFAULT_ROWS} unless told, and at most ${MAX_JSON_ROWS}; else ${MAX_ROWS}`),
  timeout_s: wholeOr(1, MAX_SECONDS, 30).describe('seconds after which it is stopped'),
})
const answer = z.object({
  version: z.int().nullable().describe('Gold version that it is of; null where none is published'),
  complete_through: z.string().nullable(),
  as_of: z.string().nullable(),
  held_since: z.string().optional(),
  held_reason: z.string().optional(),
  tables: z.record(z.string(), z.int()).describe('version of each Delta table that was read'),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.record(z.string(), z.unknown())).describe('integers beyond 2^53 are texts, as are NaN and Infinity; binary is base64'),
  row_count: z.int(),
  truncated: z.boolean().describe('whether there were more rows, or bytes, than it may have'),
  elapsed_ms: z.number(),
})
const schemaAnswer = z.object({
  version: z.int().nullable(),
  tables: z.array(
    z.object({ name: z.string(), layer: z.string(), what: z.string(), columns: z.array(z.object({ name: z.string(), type: z.string() })) }),
  ),
})

/** `POST /v1/sql` and what it can be asked of. */
export const sqlRoutes = ({ sql, gold, gate }: { sql: SqlService; gold: GoldReader; gate: GateReader }): RouteModule => {
  const router = Router()
  const headersOf = (head: SqlHead, held: ReturnType<typeof heldOf>) => ({
    ...versionHeaders(head),
    ...held.headers,
    'Cache-Control': 'no-store',
  })

  const ask = async (request: Request, response: Response) => {
    if (!request.is('application/json'))
      throw new Problem(415, 'Send the query as JSON: {"sql": "SELECT …"} with Content-Type: application/json.')
    const asked = parseBody(request.body)
    const wanted = parseParameters(query, request.query)
    const format = formatOf(request, wanted.format, true)
    const maxRows = wanted.max_rows ?? (format === 'json' ? DEFAULT_ROWS : MAX_ROWS)
    if (format === 'json' && maxRows > MAX_JSON_ROWS) {
      const detail = `must be at most ${MAX_JSON_ROWS} as JSON; up to ${MAX_ROWS} as NDJSON or CSV`
      throw new Problem(400, `max_rows ${detail}.`, { faults: [{ parameter: 'max_rows', detail }] })
    }
    const leaving = new AbortController()
    response.on('close', () => leaving.abort())
    const question: SqlQuestion = {
      sql: asked.sql,
      params: asked.parameters as SqlParam[] | undefined,
      version: await wantedVersion(wanted, undefined, { gold, gate }),
      maxRows,
      maxBytes: format === 'json' ? MAX_JSON_BYTES : MAX_BYTES,
      hasNamesInRows: format !== 'csv',
      timeoutMs: wanted.timeout_s * 1000,
      signal: leaving.signal,
    }
    await (format === 'json' ? sendJson(question, response) : sendStream(question, response, format))
  }

  const sendJson = async (question: SqlQuestion, response: Response) => {
    let head: SqlHead | undefined
    const rows: Record<string, unknown>[] = []
    const { rowCount, truncated, elapsedMs } = await sql.run(
      question,
      (begun) => {
        head = begun
      },
      (batch) => {
        for (const row of batch) rows.push(Object.fromEntries(head!.columns.map(({ name }, index) => [name, plainCell(row[index])])))
      },
    )
    const { version, completeThrough, publishedAt, tables, columns } = head!
    const held = heldOf({ gold, gate }, version)
    const of = { version, complete_through: completeThrough, as_of: publishedAt, ...held.fields, tables }
    const result = { ...of, columns, rows, row_count: rowCount, truncated, elapsed_ms: Math.round(elapsedMs * 10) / 10 }
    response.set(headersOf(head!, held)).vary('Accept').type('json').send(JSON.stringify(result))
  }

  const sendStream = async (question: SqlQuestion, response: Response, format: Exclude<Format, 'json'>) => {
    const queue = new TransformStream<unknown[][], unknown[][]>()
    const writer = queue.writable.getWriter()
    const begun = Promise.withResolvers<SqlHead>()
    const running = sql
      .run(question, begun.resolve, (batch) => writer.write(batch.map((row) => row.map(plainCell))))
      .then(async ({ truncated, rowCount }) => {
        // What was left out is told after the rows, where nobody can overlook it: the connection is cut.
        if (truncated)
          throw new Problem(
            413,
            rowCount < question.maxRows
              ? `The result has more than ${MAX_BYTES / 1024 ** 2} MiB. Ask for less.`
              : `The result has more than ${question.maxRows} rows. Ask with a larger max_rows.`,
          )
        await writer.close()
      })
    running.catch((error) => {
      begun.reject(error)
      writer.abort(error).catch(() => undefined)
    })
    const head = await begun.promise
    response.set(headersOf(head, heldOf({ gold, gate }, head.version))).vary('Accept')
    await sendRows(response, format, { columns: head.columns.map(({ name }) => name), batches: queue.readable })
    await running
  }

  router.post('/v1/sql', express.json({ limit: BODY_BYTES, reviver: refuseInexact }), ask)
  router.get('/v1/sql/schema', async (request, response) => {
    const wanted = parseParameters(z.strictObject(versionParameters), request.query)
    response.json(await sql.schema(await wantedVersion(wanted, undefined, { gold, gate })))
  })
  return {
    router,
    operations: [
      {
        method: 'post',
        path: '/v1/sql',
        summary:
          'One SELECT over Bronze, Silver, Gold, runs, checks and dead letters, read-only and sealed off; limited in time, memory, rows and bytes.',
        query,
        body: { 'application/json': body },
        answer: { 'application/json': answer, 'application/x-ndjson': z.string(), 'text/csv': z.string() },
        headers: documentedHeaders,
        errors: [404, 406, 408, 410, 413, 415, 422, 503],
      },
      {
        method: 'get',
        path: '/v1/sql/schema',
        summary: 'The tables that SQL may ask, with their columns.',
        query: z.strictObject(versionParameters),
        answer: { 'application/json': schemaAnswer },
        errors: [404, 410, 503],
      },
    ],
  }
}

/** An integer that JavaScript would round in silence is none that is taken. Its text is known here only. */
const refuseInexact = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? { inexact: context?.source } : value

/** What is said of keys that the body does not take; those of the address are told where they stand. */
const unknownKeys = (keys: readonly string[]): string => {
  const misplaced = keys.filter((key) => key in query.shape)
  const where = misplaced.length === 0 ? '' : `; in the address stand ${misplaced.join(', ')}: /v1/sql?${misplaced[0]}=…`
  return `has ${keys.join(', ')}, which is not taken; there are sql and parameters${where}`
}

const parseBody = (given: unknown): z.output<typeof body> => {
  const parsed = body.safeParse(given ?? {})
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => ({
    parameter: issue.path.join('.') || 'body',
    detail: issue.code === 'unrecognized_keys' ? unknownKeys(issue.keys) : issue.message,
  }))
  throw new Problem(400, `${faults.map(({ parameter: name, detail }) => `${name} ${detail}`).join('; ')}.`, { faults })
}
