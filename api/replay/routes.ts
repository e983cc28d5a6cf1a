import express, { Router } from 'express'
import { z } from 'zod'
import { listReplays } from '../../lake/replays.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { entityNames, topicNames } from '../../schemas/catalogue.ts'
import type { RouteModule } from '../http/module.ts'
import type { Operation } from '../http/openapi.ts'
import { oneOf } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseBody, parseParameters } from '../http/route.ts'
import type { ReplayJob, ReplayJobs } from './jobs.ts'

/** The tables that can be replayed. */
const tables = [...entityNames.map((name) => `silver.${name}`), ...topicNames.map((name) => `bronze.${name}`)]
const table = oneOf(tables as [string, ...string[]]).describe('the table; Gold follows Silver by itself')
const end = z.string().trim().min(1, 'must not be empty').max(40, 'must not be longer than 40 characters')
const replayBody = z.strictObject({
  table,
  from: end.default('earliest').describe('earliest, an offset (of one partition), or a time in UTC'),
  to: end.default('latest').describe('where it ends, exclusive, written as from'),
  partitions: z.array(z.int().min(0)).min(1).max(1000).optional().describe('only these; all without it'),
  dry_run: z.boolean().default(false).describe('show the difference, and change nothing'),
})
const WANTED = 'what to replay'
const rollbackBody = z.strictObject({ table })
const one = z.strictObject({ id: z.string().describe('the job, as POST /v1/replays gives it') })
const ofTable = z.strictObject({ table })
const nothing = z.strictObject({})

const jobAnswer = z.object({
  id: z.string(),
  verb: z.enum(['replay', 'rollback']),
  table: z.string(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  partitions: z.array(z.int()).nullable(),
  dry_run: z.boolean(),
  state: z.enum(['running', 'done', 'failed']),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  progress: z.object({ done: z.int(), all: z.int() }).nullable().describe('offsets that are derived, of so many'),
  result: z.looseObject({}).nullable().describe('what the command told: added, removed, changed, samples, deadLetters, version'),
  detail: z.string().nullable().describe('why it failed'),
})
const kept = z.object({
  ...{ id: z.string(), table: z.string(), request: z.string(), state: z.enum(['open', 'swapped', 'unchanged', 'aborted']) },
  ...{ started_at: z.string(), updated_at: z.string(), version: z.int().nullable(), records: z.int() },
})
const listAnswer = z.object({
  tables: z.array(z.string()).describe('those that can be replayed'),
  jobs: z.array(jobAnswer).describe('what was asked for here, newest first'),
  replays: z.array(kept).describe('all that the lake knows of, newest first'),
})
const offsetAnswer = z.object({ offset: z.int(), at: z.string().nullable() })
const boundsAnswer = z.object({
  table: z.string(),
  topic: z.string(),
  partitions: z.array(
    z.object({
      partition: z.int(),
      earliest: offsetAnswer,
      latest: offsetAnswer.describe('offset: exclusive; at: of the last record'),
      kafka_from: z.int().describe('what lies before comes from Bronze'),
    }),
  ),
})

const shown = ({ isDryRun, startedAt, endedAt, partitions, result, ...job }: ReplayJob): z.output<typeof jobAnswer> => ({
  ...job,
  partitions: partitions === null ? null : [...partitions],
  dry_run: isDryRun,
  started_at: startedAt,
  ended_at: endedAt,
  result: result as Record<string, unknown> | null,
})

/** `/v1/replays`: what `readflow replay` and `readflow rollback` do, begun and watched from here. */
export const replayRoutes = ({ store, jobs }: { store: ObjectStore; jobs: ReplayJobs }): RouteModule => {
  const router = Router()
  const json = express.json({ limit: '16kb' })
  const requireJob = (params: unknown): ReplayJob => {
    const { id } = parseParameters(one, params as Record<string, unknown>)
    const job = jobs.get(id)
    if (!job) throw new Problem(404, `There is no job ${id.slice(0, 40)} here. /v1/replays lists them.`)
    return job
  }

  router.get('/v1/replays', async (request, response) => {
    parseParameters(nothing, request.query)
    const replays = (await listReplays<{ records?: number }>(store)).map((entry) => ({
      ...{ id: entry.id, table: entry.table, request: entry.request, state: entry.state },
      ...{ started_at: entry.startedAt, updated_at: entry.updatedAt, version: entry.version, records: entry.work?.records ?? 0 },
    }))
    response.json({ tables, jobs: jobs.list().map(shown), replays } satisfies z.output<typeof listAnswer>)
  })
  router.get('/v1/replays/bounds', async (request, response) => {
    const { table } = parseParameters(ofTable, request.query)
    const told = (await jobs.bounds(table)) as {
      table: string
      topic: string
      partitions: { partition: number; earliest: object; latest: object; kafkaFrom: number }[]
    }
    const partitions = told.partitions.map(({ kafkaFrom, ...each }) => ({ ...each, kafka_from: kafkaFrom }))
    response.json({ table: told.table, topic: told.topic, partitions })
  })
  router.get('/v1/replays/jobs/:id', (request, response) => {
    parseParameters(nothing, request.query)
    response.json(shown(requireJob(request.params)))
  })
  router.post('/v1/replays', json, (request, response) => {
    parseParameters(nothing, request.query)
    const { dry_run: isDryRun, partitions = null, ...wanted } = parseBody(replayBody, request.body, WANTED)
    response.status(202).json(shown(jobs.start({ verb: 'replay', ...wanted, partitions, isDryRun })))
  })
  router.post('/v1/replays/rollback', json, (request, response) => {
    parseParameters(nothing, request.query)
    const { table } = parseBody(rollbackBody, request.body, WANTED)
    response.status(202).json(shown(jobs.start({ verb: 'rollback', table, from: null, to: null, partitions: null, isDryRun: false })))
  })
  router.post('/v1/replays/jobs/:id/stop', (request, response) => {
    parseParameters(nothing, request.query)
    const job = requireJob(request.params)
    jobs.stop(job.id)
    response.status(202).json(shown(job))
  })

  const of = (schema: z.ZodType) => ({ 'application/json': schema })
  const operations: Operation[] = [
    { method: 'get', path: '/v1/replays', summary: 'Replays under way and before, with their difference.', answer: of(listAnswer) },
    {
      method: 'get',
      path: '/v1/replays/bounds',
      summary: 'From where to where each partition of a table can be replayed.',
      ...{ query: ofTable, answer: of(boundsAnswer), errors: [422, 503] },
    },
    {
      method: 'get',
      path: '/v1/replays/jobs/{id}',
      summary: 'How far a replay is that was begun here, and its difference.',
      ...{ params: one, answer: of(jobAnswer), errors: [404] },
    },
    {
      method: 'post',
      path: '/v1/replays',
      summary: 'Derives a range of a table again and swaps it in where it differs; with dry_run it only shows how.',
      ...{ body: of(replayBody), status: 202, answer: of(jobAnswer), errors: [409] },
    },
    {
      method: 'post',
      path: '/v1/replays/rollback',
      summary: 'Takes the last replay of a table back.',
      ...{ body: of(rollbackBody), status: 202, answer: of(jobAnswer), errors: [409] },
    },
    {
      method: 'post',
      path: '/v1/replays/jobs/{id}/stop',
      summary: 'Has a replay stop; the same request goes on where it was.',
      ...{ params: one, status: 202, answer: of(jobAnswer), errors: [404] },
    },
  ]
  return { router, operations }
}
