import path from 'node:path'
import { parseConfig } from '../../runtime/config/config.ts'
import { errorLine, isRetriable, ReadflowError } from '../../runtime/errors.ts'
import { type ProgramContext, sleep } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { programOfStage, type StageName } from '../../runtime/stage-names.ts'
import { askUp, type FoundUp, findUp } from '../../runtime/up-control.ts'
import { stageOf } from './stage-of.ts'
import { whyUnfinished } from './why-unfinished.ts'

const LOOK_MS = 200
const words = {
  pause: { state: 'paused', done: 'is paused', already: 'was paused already' },
  resume: { state: 'running', done: 'runs again', already: 'runs, and was not paused' },
} as const

interface Doubt {
  what: string
  hint: string
}

/**
 * `readflow pause STAGE` and `resume STAGE`: returns once it is so. A paused bronze, silver or clean has flushed,
 * committed its group offsets and left its group, so that Kafka's own tools may reset them.
 */
export const stageCommand =
  (verb: 'pause' | 'resume') =>
  async ({ argv, env, signal }: ProgramContext): Promise<void> => {
    const config = parseConfig(verb, argv, env)
    if (!config) return
    const stage = stageOf(config.operands[0] ?? '')
    const deadline = AbortSignal.timeout(config.timeoutMs)
    const until = AbortSignal.any([signal, deadline])
    const up = findUp(config.dataDir)
    const { state, done, already } = words[verb]
    const group = verb === 'pause' && programOfStage[stage] === 'consume' ? `readflow.${stage}` : null
    const logFile = path.join(config.dataDir, 'logs', `${programOfStage[stage]}.log`)
    const takeBack = verb === 'pause' ? `; readflow resume ${stage} takes it back` : ''
    /** What is still to come, for when the time is over. */
    let open: Doubt = { what: `${stage} is asked to ${verb}`, hint: `It is done as soon as it can be, see ${logFile}${takeBack}.` }
    try {
      const { isNew } = await askUp(up, { stage, verb }, until)
      while (!(await isSo(up, stage, state, until))) await sleep(LOOK_MS, until)
      const onDoubt = ({ what, hint }: Doubt) => {
        open = { what: `${stage} is paused, but ${what}`, hint }
      }
      if (group) await Promise.race([untilIdle(up.run.brokers, group, { until, onDoubt }), rejection(until)])
      const line = `${stage} ${isNew ? done : already}${group ? `; its group ${group} is idle` : ''}.`
      process.stdout.write(config.isJson ? `${JSON.stringify({ ok: true, stage, state, changed: isNew, group })}\n` : `${line}\n`)
    } catch (error) {
      if (!until.aborted || (error instanceof ReadflowError && error.code === 'config')) throw error
      throw new ReadflowError('stack-failed', `${whyUnfinished(signal, config.timeoutMs)}: ${open.what}.`, { hint: open.hint })
    }
  }

/** Whether a stage is in that state. Throws ReadflowError `stack-failed` where its program has ended for good. */
const isSo = async (up: FoundUp, stage: StageName, state: string, signal: AbortSignal): Promise<boolean> => {
  const { stages, programs } = (await askUp(up, null, signal)).status
  const program = programs.find(({ name }) => name === programOfStage[stage])
  if (program?.state === 'failed')
    throw new ReadflowError('stack-failed', `${program.name} has ended for good${program.lastError ? `: ${program.lastError}` : '.'}`)
  return stages.some((each) => each.name === stage && each.state === state)
}

/** Never resolves. A client that hangs does not hold up a command past its time. */
const rejection = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

/** Waits until no member is left in the group. A broker that does not answer now is asked again. */
const untilIdle = async (
  brokers: readonly string[],
  groupId: string,
  { until, onDoubt }: { until: AbortSignal; onDoubt: (doubt: Doubt) => void },
): Promise<void> => {
  const { openKafka } = await import('../../runtime/kafka/client.ts')
  for (; ; await sleep(LOOK_MS, until)) {
    try {
      const kafka = await openKafka({ brokers, clientId: 'readflow-pause', log: createLog('pause', 'silent') })
      const members = await kafka.groupMembers(groupId).finally(kafka.close)
      if (members === 0) return
      onDoubt({
        what: `its group ${groupId} still has ${members} ${members === 1 ? 'member' : 'members'}, so that its offsets can not be reset`,
        hint: 'Stop the other readflow consume too.',
      })
    } catch (error) {
      if (!isRetriable(error)) throw error
      onDoubt({ what: `whether its group ${groupId} is idle is not known`, hint: errorLine(error) })
    }
  }
}
