import { z } from 'zod'
import { runKinds, runStates } from '../../lineage/runs/run.ts'
import { decodeCursor, encodeCursor, offsetOf, questionOf, requireQuestion } from '../http/cursor.ts'
import { oneOf, shortText, whole, wholeOr } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { defineLakeRoute } from '../http/route.ts'
import { shapeRun } from '../pipeline/runs.ts'
import * as answers from './lake-answers.ts'

export const listRuns = defineLakeRoute({
  path: '/v1/runs',
  summary: 'Polls, builds, optimizes, vacuums and replays, newest first. A cursor goes on in the version of ops.runs that it began in.',
  query: z.strictObject({
    kind: oneOf(runKinds).optional().describe('what was done'),
    state: oneOf(runStates).optional().describe('how it ended'),
    limit: wholeOr(1, 200, 50).describe('runs on a page'),
    cursor: z.string().max(500).optional().describe('next_cursor of the page before'),
  }),
  answer: answers.runs,
  handle: async ({ query: { limit, ...query }, parts }) => {
    const question = questionOf({ route: 'runs', ...query })
    const cursor = query.cursor === undefined ? null : decodeCursor(query.cursor)
    if (cursor) requireQuestion(cursor, question)
    const offset = offsetOf(cursor)
    const gone = () => new Problem(410, 'The version that this cursor pages through is not kept any more. Leave cursor out to begin again.')
    const at = await parts.runs.at(cursor?.version)
    if (!at) throw gone()
    const found = await at.list(query, { offset, limit: limit + 1 })
    const runs = found.slice(0, limit)
    const isLast = found.length <= limit
    return {
      table_version: at.version,
      runs: runs.map(shapeRun),
      next_cursor: isLast ? null : encodeCursor({ version: at.version, after: [offset + runs.length], question }),
    }
  },
})

export const showRun = defineLakeRoute({
  path: '/v1/runs/{id}',
  summary: 'One run: what it read and wrote, with versions and counts, how long it took, which attempt it was, and its error.',
  params: z.strictObject({ id: shortText.describe('id of the run; a poll is named by the header readflow.poll-id of its records') }),
  answer: z.object({ run: answers.run }),
  handle: async ({ params: { id }, parts }) => {
    const run = await (await parts.runs.at())?.find(id)
    if (!run) throw new Problem(404, `There is no run '${id}' on record. /v1/runs lists them.`)
    return { run: shapeRun(run) }
  },
})

export const showLineage = defineLakeRoute({
  path: '/v1/lineage/{table}/{key}',
  summary: 'Where the rows of a key came from: build, versions, files, topic, partition, offset, poll and request.',
  params: z.strictObject({
    table: shortText.describe('such as gold.fact_rating, silver.books or bronze.raw'),
    key: shortText.describe('natural key or surrogate key, as the table has it; in Bronze also PARTITION/OFFSET'),
  }),
  query: z.strictObject({
    version: whole(0, 999_999_999_999).optional().describe("Gold version, or of a table of another layer that table's own"),
  }),
  answer: answers.lineage,
  handle: async ({ params, query, parts }) => ({ lineage: await parts.lineage({ ...params, version: query.version }) }),
})
