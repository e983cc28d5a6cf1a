import { z } from 'zod'
import { shelfStates } from '../../lineage/shelves/inbox.ts'
import type { Operation } from '../http/openapi.ts'
import { MAX_UPLOAD_BYTES } from './upload.ts'

export const DEFAULT_NAME = 'my-shelf'

export const shelfAnswer = z
  .object({
    id: z.string(),
    kind: z.enum(['export', 'feed']),
    name: z.string().describe('as the person called it'),
    user_id: z.string().describe('user id of its reviews and ratings'),
    feed: z.string().nullable().describe('reader and shelf of a feed, without its key; null for an export'),
    state: z.enum(shelfStates),
    detail: z.string().nullable().describe('why it failed, or waits'),
    counts: z.record(z.string(), z.int()).nullable().describe('records of the last read that had any, by entity'),
    unread_lines: z.int().describe('lines of an export that are no rows, because a quote is broken'),
    size_bytes: z.int().nullable(),
    added_at: z.string(),
    read_at: z.string().nullable().describe('when its records were with Kafka'),
    next_read_at: z.string().nullable().describe('when it is read again; null where it is not'),
    in_gold: z.boolean().describe('whether what was read is in the Gold version that answers come from'),
  })
  .meta({ id: 'Shelf' })
export const one = z.strictObject({ id: z.string() })
export const named = z.strictObject({
  name: z.string().max(200).optional().describe(`whose it is; default ${DEFAULT_NAME}. The same name again replaces it`),
})
export const nothing = z.strictObject({})
export const feedBody = z.strictObject({
  feed: z.string().max(2000).describe('address of a shelf or of its feed at goodreads.com, with its key where it is private'),
  name: z.string().max(200).optional(),
})

/** What the routes are, for the document. */
export const shelfOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/shelves',
    summary: `Adds the export of a reader's library (CSV, at most ${MAX_UPLOAD_BYTES / 1024 ** 2} MiB), or the feed of a shelf. The poller of the same data folder reads it; 200 where it replaces one.`,
    query: named,
    body: { 'text/csv': z.string(), 'application/json': feedBody },
    status: 201,
    answer: { 'application/json': shelfAnswer },
    others: { 200: { description: 'It replaced the one of that name.', answer: { 'application/json': shelfAnswer } } },
    errors: [409, 413, 415],
  },
  {
    method: 'get',
    path: '/v1/shelves',
    summary: 'Shelves that were added, newest first, and what became of each.',
    query: nothing,
    answer: { 'application/json': z.object({ shelves: z.array(shelfAnswer) }) },
  },
  {
    method: 'get',
    path: '/v1/shelves/{id}',
    summary: 'A shelf: whether it was read, what is wrong with it, and whether it is in Gold.',
    params: one,
    answer: { 'application/json': shelfAnswer },
    errors: [404],
  },
  {
    method: 'delete',
    path: '/v1/shelves/{id}',
    summary: 'Forgets an upload or a feed. What was read of it stays.',
    params: one,
    status: 204,
    answer: {},
    errors: [404],
  },
]
