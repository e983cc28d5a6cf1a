import { z } from 'zod'
import { decodeCursor, encodeCursor, offsetOf, questionOf, requireQuestion } from '../http/cursor.ts'
import { oneOf, shortText, wholeOr } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { defineLakeRoute } from '../http/route.ts'
import { shapeCheck, shapeFound, shapeSummary, verdicts } from '../pipeline/checks.ts'
import { shapeProfile, shapeProfileHead } from '../pipeline/profiles.ts'
import * as answers from './lake-answers.ts'

export const listChecks = defineLakeRoute({
  path: '/v1/checks',
  summary: 'What the checks of the newest build found, what fails first, each with its last evaluations. `summary` is of all of them.',
  query: z.strictObject({
    verdict: oneOf(verdicts).optional().describe('how it was judged'),
    table: shortText.optional().describe('such as gold.fact_rating'),
  }),
  answer: answers.checks,
  handle: async ({ query: { verdict, table }, parts }) => {
    const now = await parts.checks.now()
    const wanted = now.checks.filter(({ newest }) => (!verdict || newest.verdict === verdict) && (!table || newest.table === table))
    return { table_version: now.version, summary: shapeSummary(now), checks: wanted.map(shapeCheck) }
  },
})

export const showCheck = defineLakeRoute({
  path: '/v1/checks/{id}',
  summary: 'One check with its history, newest first. A cursor goes on in the version of ops.checks that it began in.',
  params: z.strictObject({ id: shortText.describe('id of the check, such as fact_rating.rating.range') }),
  query: z.strictObject({
    limit: wholeOr(1, 200, 50).describe('evaluations on a page'),
    cursor: z.string().max(500).optional().describe('next_cursor of the page before'),
  }),
  answer: answers.check,
  handle: async ({ params: { id }, query: { limit, cursor: text }, parts }) => {
    const question = questionOf({ route: 'checks', id })
    const cursor = text === undefined ? null : decodeCursor(text)
    if (cursor) requireQuestion(cursor, question)
    const offset = offsetOf(cursor)
    const at = await parts.checks.history(id, { version: cursor?.version, offset, limit: limit + 1 })
    if (!at) throw new Problem(410, 'The version that this cursor pages through is not kept any more. Leave cursor out to begin again.')
    const [first] = at.found
    if (!first) throw new Problem(404, `There is no check '${id}' on record. /v1/checks lists them.`)
    const page = at.found.slice(0, limit)
    return {
      table_version: at.version,
      ...{ id, table: first.table, column: first.column },
      history: page.map(shapeFound),
      next_cursor: at.found.length <= limit ? null : encodeCursor({ version: at.version, after: [offset + page.length], question }),
    }
  },
})

export const listProfiles = defineLakeRoute({
  path: '/v1/profiles',
  summary: 'The tables of Gold whose columns are profiled, as of the newest build that was.',
  answer: answers.profiles,
  handle: async ({ parts }) => {
    const { version, profiles } = await parts.profiles.now()
    return { table_version: version, profiles: profiles.map(shapeProfileHead) }
  },
})

export const showProfile = defineLakeRoute({
  path: '/v1/profiles/{table}',
  summary: 'What is in each column of a Gold table: nulls, distinct values, least and greatest.',
  params: z.strictObject({ table: shortText.describe('such as gold.dim_book') }),
  answer: answers.profile,
  handle: async ({ params: { table }, parts }) => {
    const { version, profiles } = await parts.profiles.now()
    const profile = profiles.find((each) => each.table === table)
    if (!profile) throw new Problem(404, `There is no profile of '${table}' on record. /v1/profiles lists them.`)
    return { table_version: version, profile: shapeProfile(profile) }
  },
})
