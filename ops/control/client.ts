import { ReadflowError } from '../../runtime/errors.ts'
import { type RunFile, readRunFile } from '../../runtime/run-file.ts'
import type { StageName, UpStatus } from '../../runtime/up-status.ts'

const ANSWER_MS = 10_000

export interface ControlAnswer extends Pick<UpStatus, 'stages' | 'programs'> {
  /** Whether what was asked for was not so, or asked for, before. */
  isNew: boolean
}

/** A running `up` on this data folder. Throws ReadflowError `config` where there is none that can be told to pause. */
export const findUp = (dataDir: string): { run: RunFile; control: NonNullable<RunFile['control']> } => {
  const run = readRunFile(dataDir)
  if (!run) throw new ReadflowError('config', `No up runs on ${dataDir}.`, { hint: 'Name the folder of one that runs with --data DIR.' })
  if (run.control) return { run, control: run.control }
  const [what, hint] =
    run.program === 'stack'
      ? ['A stack runs', 'It has no stages: stop the readflow consume that uses it instead.']
      : ['An up --once runs', 'It can not be paused: it stops by itself.']
  throw new ReadflowError('config', `${what} on ${dataDir}, and no up.`, { hint })
}

/** Asks the control port of a running `up`. Throws ReadflowError `stack-failed` when it is gone, `config` where it has no such stage. */
export const askUp = async (
  { run: { pid }, control: { port, token } }: ReturnType<typeof findUp>,
  request: { stage: StageName; verb: 'pause' | 'resume' } | null,
  signal: AbortSignal,
): Promise<ControlAnswer> => {
  let response: Response
  try {
    response = await fetch(`http://127.0.0.1:${port}/stages${request ? `/${request.stage}/${request.verb}` : ''}`, {
      method: request ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    })
    if (response.ok) return (await response.json()) as ControlAnswer
  } catch (cause) {
    throw new ReadflowError('stack-failed', `up (process ${pid}) stopped, or does not answer any more.`, { cause })
  }
  if (response.status === 404)
    throw new ReadflowError('config', `${request?.stage} does not run in this up.`, { hint: 'See its --stages.' })
  throw new ReadflowError('stack-failed', `up (process ${pid}) refused: HTTP ${response.status}.`)
}
