import { z } from 'zod'
import { driftKinds } from '../../lineage/drift/drift.ts'
import { oneOf, wholeOr } from '../http/parameters.ts'
import { defineLakeRoute } from '../http/route.ts'
import { shapeDrift } from '../pipeline/drift.ts'
import * as answers from './lake-answers.ts'

export const listDrift = defineLakeRoute({
  path: '/v1/drift',
  summary:
    'Fields that appeared, vanished or changed their type, newest first: where they were met first, and with which value. `total` is of all that fit.',
  query: z.strictObject({
    entity: oneOf(['books', 'authors', 'reviews', 'ratings']).optional().describe('of which entity'),
    kind: oneOf(driftKinds).optional().describe('what happened to the field'),
    place: oneOf(['source', 'schema']).optional().describe('source: in what a source sent; schema: in the schema of a record'),
    limit: wholeOr(1, 1000, 100).describe('findings at most'),
  }),
  answer: answers.drift,
  handle: async ({ query: { entity, kind, place, limit }, parts }) => {
    const { version, drifts } = await parts.drift.now()
    const wanted = drifts.filter(
      (drift) => (!entity || drift.entity === entity) && (!kind || drift.kind === kind) && (!place || drift.place === place),
    )
    return { table_version: version, total: wanted.length, drift: wanted.slice(0, limit).map(shapeDrift) }
  },
})
