import { stringify } from 'csv-stringify/sync'
import type { Request, Response } from 'express'
import { drained } from './drained.ts'
import { Problem } from './problem.ts'

/** Rows that come a batch at a time, in place of an answer that is whole. */
export interface RowsAnswer {
  columns: readonly string[]
  batches: AsyncIterable<unknown[][]>
  /** How many there are on all pages, and what asks for the next page; null on the last. Absent where there are no pages. */
  total?: number
  next?: string | null
}

/** In the order in which they are offered. */
export const formats = ['json', 'ndjson', 'csv'] as const
export type Format = (typeof formats)[number]

const types: Record<Format, string> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
}
const accepted: Record<string, Format> = { 'application/json': 'json', 'application/x-ndjson': 'ndjson', 'text/csv': 'csv' }

/** The format of an answer: `?format=` where it is given, else what Accept prefers. Throws a 406 for one that there is not. */
export const formatOf = (request: Request, wanted: Format | undefined, hasRows: boolean): Format => {
  if (wanted !== undefined) return wanted
  const offered = Object.keys(accepted).slice(0, hasRows ? undefined : 1)
  const found = request.accepts(offered)
  if (found) return accepted[found]!
  throw new Problem(406, `Accept names no type that is offered here: ${offered.join(', ')}.`)
}

/** Sends rows as they come, as fast as the reader takes them. Rejects where the reader is gone. */
export const sendRows = async (response: Response, format: Exclude<Format, 'json'>, { columns, batches }: RowsAnswer): Promise<void> => {
  response.set('Content-Type', types[format])
  if (response.req.method === 'HEAD') return void response.end()
  if (format === 'csv') response.write(csvLines([columns]))
  for await (const batch of batches) {
    if (batch.length === 0) continue
    const text = format === 'csv' ? csvLines(batch) : batch.map((row) => `${JSON.stringify(objectOf(columns, row))}\n`).join('')
    if (!response.write(text)) await drained(response)
    if (response.destroyed) throw new Problem(499, 'The reader has gone.')
  }
  response.end()
}

const objectOf = (columns: readonly string[], row: readonly unknown[]) =>
  Object.fromEntries(columns.map((name, index) => [name, row[index]]))

/**
 * Rows as lines of CSV, as RFC 4180 has them: what has a line break of any kind is quoted. Null and an empty text are empty
 * fields; lists and objects are JSON.
 */
export const csvLines = (rows: readonly (readonly unknown[])[]): string =>
  stringify(
    rows.map((row) => row.map((value) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value))),
    { cast: { boolean: String }, record_delimiter: '\r\n', quote_record_delimiter: true },
  )

/** The rows of a list that is whole: with these columns, and such of the rows' own as are none of them. */
export const rowsOf = (list: readonly Record<string, unknown>[], known: readonly string[]): RowsAnswer => {
  const columns = [...new Set([...known, ...list.flatMap((row) => Object.keys(row))])]
  const values = list.map((row) => columns.map((name) => row[name] ?? null))
  return {
    columns,
    batches: (async function* () {
      yield values
    })(),
  }
}
