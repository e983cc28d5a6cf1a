import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { type ProgramContext, sleep } from '../../runtime/lifecycle.ts'
import { conditionOf } from '../../runtime/stage-lines.ts'
import type { StageName } from '../../runtime/stage-names.ts'
import { askUp, type FoundUp, findUp } from '../../runtime/up-control.ts'
import { stageOf } from './stage-of.ts'
import { whyUnfinished } from './why-unfinished.ts'

const LOOK_MS = 200

/**
 * `readflow run STAGE` and `retry [STAGE]`: has a stage run now, and returns once a run that began after that has ended, with
 * exit code 1 where it failed or was held. `retry` without a stage takes the first in the flow that has failed; what depends
 * on it follows.
 */
export const goOnCommand =
  (verb: 'run' | 'retry') =>
  async ({ argv, env, signal }: ProgramContext): Promise<number> => {
    const config = parseConfig(verb, argv, env)
    if (!config) return 0
    const [named = ''] = config.operands
    const given = named === '' && verb === 'retry' ? null : stageOf(named)
    const up = findUp(config.dataDir)
    const say = (text: string, fields: object) => void process.stdout.write(config.isJson ? `${JSON.stringify(fields)}\n` : `${text}\n`)
    const stage = given ?? (await firstFailed(up, signal))
    if (stage === null) {
      say('No stage has failed.', { ok: true, stage: null, outcome: null, detail: 'no stage has failed' })
      return 0
    }
    const until = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMs)])
    try {
      const { outcome, detail } = await ask(up, { stage, verb }, until)
      say(`${stage} ${outcome === 'completed' ? 'has run' : outcome}: ${detail}`, { ok: outcome === 'completed', stage, outcome, detail })
      return outcome === 'completed' ? 0 : 1
    } catch (error) {
      if (!until.aborted || error instanceof ReadflowError) throw error
      throw new ReadflowError('stack-failed', `${whyUnfinished(signal, config.timeoutMs)}: ${stage} was told to run.`, {
        hint: `It goes on; see readflow stages ${stage}.`,
      })
    }
  }

const firstFailed = async (up: FoundUp, signal: AbortSignal): Promise<StageName | null> => {
  const { stages, programs } = (await askUp(up, null, signal)).status
  const hasFailed = (stage: (typeof stages)[number]) => ['failed', 'failing', 'held'].includes(conditionOf(stage, programs, Date.now()))
  return stages.find(hasFailed)?.name ?? null
}

/** Tells a stage, and waits for the end of the first run that began later; of one whose run was under way, for the next. */
const ask = async (up: FoundUp, request: { stage: StageName; verb: 'run' | 'retry' }, until: AbortSignal) => {
  const stageIn = (answer: Awaited<ReturnType<typeof askUp>>) => answer.status.stages.find(({ name }) => name === request.stage)
  const before = stageIn(await askUp(up, null, until))
  if (before && (before.state === 'paused' || before.state === 'pausing'))
    throw new ReadflowError('config', `${request.stage} is paused.`, { hint: `Let it run with: readflow resume ${request.stage}.` })
  const askedMs = Date.now()
  for (let isTold = false; ; await sleep(LOOK_MS, until)) {
    // What is running now has begun before: it is told once that is over.
    const now = stageIn(await askUp(up, null, until))
    if (!isTold && !now?.runs?.isRunning) {
      await askUp(up, request, until)
      isTold = true
    }
    const last = now?.runs?.last
    if (last && Date.parse(last.startedAt) >= askedMs) return last
  }
}
