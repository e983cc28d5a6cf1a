import { createHash } from 'node:crypto'
import { z } from 'zod'
import { Problem } from './problem.ts'

/** A value that rows are in order by. */
export type CursorKey = string | number | boolean | null

export interface Cursor {
  /** Gold version that the paging began on; it goes on there whatever is published meanwhile. */
  version: number
  /** What the last row of the page before is in order by. */
  after: CursorKey[]
  /** Of the filters and the order: a cursor continues the question it came from, and no other. */
  question: string
}

const key = z.union([z.string().max(2000), z.number(), z.boolean(), z.null()])
const shape = z.strictObject({ v: z.int().min(0), k: z.array(key).min(1).max(5), q: z.string().length(12) })

/** A short stable name of a question: its parameters without those of paging and form. */
export const questionOf = (parameters: Record<string, unknown>): string => {
  const paging = ['cursor', 'limit', 'version', 'as_of', 'format', 'fields']
  const entries = Object.entries(parameters).filter(([name, value]) => value !== undefined && !paging.includes(name))
  return createHash('sha256')
    .update(JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('base64url')
    .slice(0, 12)
}

export const encodeCursor = ({ version, after, question }: Cursor): string =>
  Buffer.from(JSON.stringify({ v: version, k: after, q: question })).toString('base64url')

/** Reads a cursor that this API gave out. Throws a 400 for anything else. */
export const decodeCursor = (text: string): Cursor => {
  const parsed = shape.safeParse(parseJson(Buffer.from(text, 'base64url').toString('utf8')))
  if (!parsed.success) throw badCursor('is not one that this API gave out')
  return { version: parsed.data.v, after: parsed.data.k, question: parsed.data.q }
}

/** Throws a 400 where the cursor belongs to other filters or another order. */
export const requireQuestion = (cursor: Cursor, question: string): void => {
  if (cursor.question !== question) throw badCursor('belongs to other filters or another order')
}

/** Where a cursor goes on in a list that is paged by number: the cursor of such a list has that one number. */
export const offsetOf = (cursor: Cursor | null): number => {
  const [offset = 0, ...more] = cursor?.after ?? []
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0 || more.length > 0) {
    throw badCursor('is not one that this API gave out')
  }
  return offset
}

/** The refusal of a cursor. */
export const badCursor = (why: string) =>
  new Problem(400, `cursor ${why}. Leave it out to begin at the first page.`, { faults: [{ parameter: 'cursor', detail: why }] })

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON is not a cursor; the caller says so.
    return null
  }
}
