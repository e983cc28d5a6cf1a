import { z } from 'zod'
import { whole, wholeOr } from '../http/parameters.ts'
import { defineLakeRoute } from '../http/route.ts'
import * as answers from './lake-answers.ts'

export const listVersions = defineLakeRoute({
  path: '/v1/versions',
  summary: 'Published Gold versions that are kept, newest first: any of them can be asked with version= or as_of=.',
  query: z.strictObject({
    limit: wholeOr(1, 200, 50).describe('versions on a page'),
    before: whole(0, 999_999_999).optional().describe('lists those before this version'),
  }),
  answer: answers.versions,
  handle: async ({ query, parts }) => {
    const versions = await parts.gold.list(query)
    return {
      versions: versions.map((entry) => ({
        version: entry.version,
        published_at: entry.publishedAt,
        complete_through: entry.completeThrough,
        complete_through_by_entity: entry.completeThroughByEntity,
        run_id: entry.publishId,
        released: entry.released ?? null,
      })),
      next_before: versions.length === query.limit && versions.at(-1)!.version > 0 ? versions.at(-1)!.version : null,
    }
  },
})
