import { Router } from 'express'
import { z } from 'zod'
import type { Run, RunKind } from '../../lineage/runs/run.ts'
import type { StageName } from '../../runtime/stage-names.ts'
import type { StageAskMessage, UpStatus } from '../../runtime/up-status.ts'
import type { RouteModule } from '../http/module.ts'
import { shortText } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters } from '../http/route.ts'
import type { RunsReader } from './runs.ts'

const params = z.strictObject({ id: shortText.describe('id of the failed run') })
const nothing = z.strictObject({})
const answer = z.object({ run_id: z.string(), job: z.string(), stage: z.enum(['poll', 'gold']) })

/** The stages that wait after a failure, by the kind of their runs. */
const stageOf: Partial<Record<RunKind, 'poll' | 'gold'>> = { poll: 'poll', build: 'gold' }

/**
 * Tries a failed run again now, in the place of when its stage would by itself. `tell` reaches the `up` that started this
 * process; null where none did. `isShelf` knows the shelves that people added.
 */
export const retryRoutes = ({
  runs,
  upStatus,
  tell,
  isShelf,
}: {
  runs: RunsReader
  upStatus: () => UpStatus | null
  tell: ((message: StageAskMessage) => unknown) | null
  isShelf: (id: string) => Promise<boolean>
}): RouteModule => {
  const find = async (id: string): Promise<Run> => {
    const at = await runs.at()
    const run = await at?.find(id)
    if (!at || !run) throw new Problem(404, `There is no run '${id}' on record. /v1/runs lists them.`)
    if (run.state !== 'failed')
      throw new Problem(409, `The run ${run.state === 'started' ? 'has not ended' : `is ${run.state}`}: only a failed one is tried again.`)
    const since = (await at.list({ kind: run.kind }, { offset: 0, limit: MOST_SINCE })).find(({ job }) => job === run.job)
    if (since && since.runId !== run.runId)
      throw new Problem(409, `It was tried again since: run ${since.runId} is ${since.state === 'started' ? 'running' : since.state}.`)
    return run
  }
  const requireRunning = (stage: StageName) => {
    const state = upStatus()?.stages.find(({ name }) => name === stage)?.state
    if (state === 'paused' || state === 'pausing') throw new Problem(409, `The stage is paused. Let it run with: readflow resume ${stage}.`)
    if (state !== 'running') throw new Problem(503, 'Its program is not up; it is tried again as soon as it is.', wait)
  }

  const router = Router()
  router.post('/v1/runs/:id/retry', async (request, response) => {
    parseParameters(nothing, request.query)
    const { id } = parseParameters(params, request.params)
    const run = await find(id)
    const stage = stageOf[run.kind]
    if (!stage) throw new Problem(409, `Of kind ${run.kind} none is tried again from here. Run it by hand: readflow ${run.kind} --help.`)
    if (run.job.startsWith('backfill ')) throw new Problem(409, 'It is a backfill, which goes on by itself: readflow backfill --status.')
    if (stage === 'poll' && (await isShelf(run.job.replace(/^poll /, ''))))
      throw new Problem(409, 'It is a shelf that was added here, which is read again by itself. Send it again to have it read now.')
    if (!tell) throw new Problem(503, 'This API was started by itself: only that of readflow up can tell a stage to go on.')
    requireRunning(stage)
    tell({ type: 'stage-ask', stage, verb: 'retry' })
    response.status(202).json({ run_id: run.runId, job: run.job, stage })
  })
  return {
    router,
    operations: [
      {
        method: 'post',
        path: '/v1/runs/{id}/retry',
        summary:
          'Tries a failed poll or build again now: its stage would wait for longer after each failure. /v1/runs has the next attempt.',
        params,
        query: nothing,
        status: 202,
        answer: { 'application/json': answer },
        errors: [404, 409, 503],
      },
    ],
  }
}

/** As many runs of a kind are looked at for one that came after. */
const MOST_SINCE = 50
const wait = { headers: { 'Retry-After': '5' } }
