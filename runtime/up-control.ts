import { ReadflowError } from './errors.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import type { StageName } from './stage-names.ts'
import type { StageVerb, UpStatus } from './up-status.ts'

const ANSWER_MS = 10_000

export interface ControlAnswer {
  status: UpStatus
  /** Whether what was asked for was not so, or asked for, before. */
  isNew: boolean
}

/** A running `up`, and where it is told things. */
export interface FoundUp {
  run: RunFile
  control: NonNullable<RunFile['control']>
}

/** A running `up` on this data folder. Throws ReadflowError `config` where there is none that can be told anything. */
export const findUp = (dataDir: string): FoundUp => {
  const run = readRunFile(dataDir)
  if (!run) throw new ReadflowError('config', `No up runs on ${dataDir}.`, { hint: 'Name the folder of one that runs with --data DIR.' })
  if (run.control) return { run, control: run.control }
  const [what, hint] =
    run.program === 'stack'
      ? ['A stack runs', 'It has no stages: stop the readflow consume that uses it instead.']
      : ['An up --once runs', 'It can not be told anything: it stops by itself.']
  throw new ReadflowError('config', `${what} on ${dataDir}, and no up.`, { hint })
}

/** Asks the control port of a running `up`; with no request, how it stands. Throws ReadflowError `stack-failed` when it is gone, `config` where it has no such stage. */
export const askUp = async (
  up: FoundUp,
  request: { stage: StageName; verb: StageVerb } | null,
  signal: AbortSignal,
): Promise<ControlAnswer> =>
  send<ControlAnswer>(up, {
    route: request ? `stages/${request.stage}/${request.verb}` : 'status',
    method: request ? 'POST' : 'GET',
    unknown: { what: `${request?.stage} does not run in this up.`, hint: 'See its --stages.' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  })

/**
 * Has a running `up` end one of its programs or services, however hung, and start it again; returns once it runs. Null, or why it
 * does not run. Throws ReadflowError `stack-failed` when `up` is gone, `config` where it runs no such program.
 */
export const restartBy = async (up: FoundUp, name: string, signal: AbortSignal): Promise<string | null> => {
  const unknown = { what: `${name} is not run by this up.`, hint: 'Restart it where it runs.' }
  const { failure } = await send<{ failure: string | null }>(up, { route: `programs/${name}/restart`, method: 'POST', unknown, signal })
  return failure
}

const send = async <Answer>(
  { run: { pid }, control: { port, token } }: FoundUp,
  { route, method, unknown, signal }: { route: string; method: string; unknown: { what: string; hint: string }; signal: AbortSignal },
): Promise<Answer> => {
  let response: Response
  try {
    response = await fetch(`http://127.0.0.1:${port}/${route}`, { method, headers: { authorization: `Bearer ${token}` }, signal })
    if (response.ok) return (await response.json()) as Answer
  } catch (cause) {
    const isSilent = method === 'POST' && cause instanceof Error && cause.name === 'TimeoutError'
    throw new ReadflowError('stack-failed', `up (process ${pid}) stopped, or does not answer any more.`, {
      cause,
      ...(isSilent ? { hint: 'One that only hangs does what it was told once it goes on: readflow stages shows it.' } : {}),
    })
  }
  if (response.status === 404) throw new ReadflowError('config', unknown.what, { hint: unknown.hint })
  throw new ReadflowError('stack-failed', `up (process ${pid}) refused: HTTP ${response.status}.`)
}
