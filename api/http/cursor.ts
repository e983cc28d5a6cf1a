import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Problem } from './problem.ts'

export interface Cursor {
  /** Gold version that the paging began on; it goes on there whatever is published meanwhile. */
  version: number
  offset: number
  /** Of the filters and the order: a cursor continues the question it came from, and no other. */
  question: string
}

const shape = z.strictObject({ v: z.int().min(0), o: z.int().min(1).max(100_000_000), q: z.string().length(12) })

/** A short stable name of a question: its parameters without those of paging. */
export const questionOf = (parameters: Record<string, unknown>): string => {
  const entries = Object.entries(parameters).filter(([name, value]) => value !== undefined && name !== 'cursor' && name !== 'limit')
  return createHash('sha256')
    .update(JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('base64url')
    .slice(0, 12)
}

export const encodeCursor = ({ version, offset, question }: Cursor): string =>
  Buffer.from(JSON.stringify({ v: version, o: offset, q: question })).toString('base64url')

/** Reads a cursor that this API gave out. Throws a 400 for anything else. */
export const decodeCursor = (text: string): Cursor => {
  const parsed = shape.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')))
  if (!parsed.success) throw badCursor('is not one that this API gave out')
  return { version: parsed.data.v, offset: parsed.data.o, question: parsed.data.q }
}

/** Throws a 400 where the cursor belongs to other filters or another order. */
export const requireQuestion = (cursor: Cursor, question: string): void => {
  if (cursor.question !== question) throw badCursor('belongs to other filters or another order')
}

const badCursor = (why: string) =>
  new Problem(400, `cursor ${why}. Leave it out to begin at the first page.`, { faults: [{ parameter: 'cursor', detail: why }] })

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is not a cursor; the caller says so.
    return null
  }
}
