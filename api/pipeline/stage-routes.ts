import { Router } from 'express'
import { z } from 'zod'
import { type LogLine, stageLogLines } from '../../runtime/log-lines.ts'
import { createRedactor } from '../../runtime/redact-text.ts'
import { conditionOf } from '../../runtime/stage-lines.ts'
import { type StageName, stageNames } from '../../runtime/stage-names.ts'
import { type StageAskMessage, type StageStatus, stageVerbs, type UpStatus } from '../../runtime/up-status.ts'
import type { RouteModule } from '../http/module.ts'
import { oneOf, whole } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters } from '../http/route.ts'

const nothing = z.strictObject({})
const stageParam = oneOf(stageNames).describe('the stage')
const one = z.strictObject({ stage: stageParam })
const asked = z.strictObject({
  stage: stageParam,
  verb: oneOf(stageVerbs).describe('run: now, in the place of when its time comes; retry: that, and what depends on it follows'),
})
const someLines = z.strictObject({ lines: whole(0, 200).default(3).describe('newest log lines of each stage') })
const manyLines = z.strictObject({ lines: whole(0, 200).default(50).describe('newest log lines') })

const line = z.object({ at: z.string().nullable(), level: z.string(), text: z.string(), fields: z.record(z.string(), z.unknown()) })
const stageAnswer = z.object({
  stage: z.enum(stageNames),
  state: z
    .string()
    .describe(
      'starting, waiting (for its time), running, overdue (its time came more than a minute ago), pausing, paused, failing, held or failed (its program ended for good)',
    ),
  schedule: z.string().nullable(),
  last_run: z
    .object({ started_at: z.string(), ended_at: z.string(), outcome: z.enum(['completed', 'failed', 'held']), detail: z.string() })
    .nullable(),
  next_run_at: z.string().nullable().describe('null where it runs now, or never again by itself'),
  attempt: z.int().describe('1, and one more for each failure in a row'),
  log: z.array(line),
})
const listAnswer = z.object({ stages: z.array(stageAnswer), detail: z.string().nullable().describe('why there are none') })
const askAnswer = z.object({ stage: z.enum(stageNames), verb: z.enum(stageVerbs) })
const json = (schema: z.ZodType) => ({ 'application/json': schema })

const ALONE = 'This API was started by itself: only that of readflow up knows of stages.'

export interface StageRoutesOptions {
  upStatus: () => UpStatus | null
  /** Reaches the `up` that started this process; null where none did. */
  tell: ((message: StageAskMessage) => unknown) | null
  /** Where the logs of the programs are. */
  logDir: string
  env: NodeJS.ProcessEnv
}

/** `/v1/stages`: when each stage runs, how it went, the end of its log; and run, retry, pause and resume. */
export const stageRoutes = ({ upStatus, tell, logDir, env }: StageRoutesOptions): RouteModule => {
  const router = Router()
  const redact = createRedactor(env)

  const shown = async (stage: StageStatus, programs: UpStatus['programs'], lines: number): Promise<z.output<typeof stageAnswer>> => {
    const { name, runs } = stage
    const log: LogLine[] = lines === 0 ? [] : await stageLogLines({ logDir, stage: name, limit: lines }, redact)
    const last = runs?.last
    return {
      stage: name,
      state: conditionOf(stage, programs, Date.now()),
      schedule: runs?.schedule ?? null,
      last_run: last ? { started_at: last.startedAt, ended_at: last.endedAt, outcome: last.outcome, detail: last.detail } : null,
      next_run_at: runs?.nextAt ?? null,
      attempt: runs?.attempt ?? 1,
      log: log.map((each) => ({ ...each, fields: { ...each.fields } })),
    }
  }

  const requireStage = (name: StageName): { up: UpStatus; stage: StageStatus } => {
    const up = upStatus()
    if (!up) throw new Problem(503, ALONE)
    const stage = up.stages.find((each) => each.name === name)
    if (!stage) throw new Problem(404, `The stage ${name} does not run here. /v1/stages lists those that do.`)
    return { up, stage }
  }

  router.get('/v1/stages', async (request, response) => {
    const { lines } = parseParameters(someLines, request.query)
    const up = upStatus()
    const stages = up ? await Promise.all(up.stages.map((stage) => shown(stage, up.programs, lines))) : []
    response.json({ stages, detail: up ? null : ALONE })
  })
  router.get('/v1/stages/:stage', async (request, response) => {
    const { stage: name } = parseParameters(one, request.params)
    const { lines } = parseParameters(manyLines, request.query)
    const { up, stage } = requireStage(name)
    response.json(await shown(stage, up.programs, lines))
  })
  router.post('/v1/stages/:stage/:verb', (request, response) => {
    parseParameters(nothing, request.query)
    const { stage: name, verb } = parseParameters(asked, request.params)
    const { stage } = requireStage(name)
    if (!tell) throw new Problem(503, ALONE)
    const isPaused = stage.state === 'paused' || stage.state === 'pausing'
    if (isPaused && (verb === 'run' || verb === 'retry'))
      throw new Problem(409, `The stage is paused. Let it run with: readflow resume ${name}.`)
    tell({ type: 'stage-ask', stage: name, verb })
    response.status(202).json({ stage: name, verb })
  })

  return {
    router,
    operations: [
      {
        method: 'get',
        path: '/v1/stages',
        summary: 'Each stage of the flow: schedule, last and next run, attempt, and the end of its log.',
        query: someLines,
        answer: json(listAnswer),
      },
      {
        method: 'get',
        path: '/v1/stages/{stage}',
        summary: 'One stage, with more of its log.',
        params: one,
        query: manyLines,
        answer: json(stageAnswer),
        errors: [404, 503],
      },
      {
        method: 'post',
        path: '/v1/stages/{stage}/{verb}',
        summary: 'Has a stage run now, tried again with what depends on it, paused or resumed. /v1/stages tells what became of it.',
        params: asked,
        query: nothing,
        status: 202,
        answer: json(askAnswer),
        errors: [404, 409, 503],
      },
    ],
  }
}
