import { z } from 'zod'
import { badCursor } from '../http/cursor.ts'

const shape = z.strictObject({ back: z.boolean(), at: z.record(z.string().regex(/^\d{1,6}$/), z.int().min(0)) })

/** Where a page of records goes on: by partition, and in which direction. */
export type RecordsCursor = z.output<typeof shape>

export const encodeRecordsCursor = (cursor: RecordsCursor): string => Buffer.from(JSON.stringify(cursor)).toString('base64url')

/** Reads a cursor that these routes gave out. Throws a 400 for anything else. */
export const decodeRecordsCursor = (text: string): RecordsCursor => {
  try {
    return shape.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch {
    throw badCursor('is not one that this API gave out')
  }
}
