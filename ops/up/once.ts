import { ReadflowError } from '../../runtime/errors.ts'
import type { ProgramName, RunningProgram } from './child.ts'

interface OnceOptions {
  run: (name: ProgramName, args: string[]) => RunningProgram
  onStep: (name: string, state: 'running' | 'done' | 'failed', detail?: string) => void
  signal: AbortSignal
  startedMs: number
}

/** Runs one program to its end and returns the summary that it prints last. */
const runToEnd = async (name: ProgramName, { run, onStep, signal }: OnceOptions): Promise<Record<string, unknown>> => {
  signal.throwIfAborted()
  onStep(name, 'running')
  const program = run(name, ['--once'])
  const onAbort = () => void program.stop()
  signal.addEventListener('abort', onAbort, { once: true })
  const { code, signal: killedBy, lastError } = await program.exited
  signal.removeEventListener('abort', onAbort)
  signal.throwIfAborted()
  const lastLine = program.lastLine() ?? ''
  const summary: Record<string, unknown> = lastLine.startsWith('{') ? JSON.parse(lastLine) : {}
  onStep(name, code === 0 ? 'done' : 'failed', code === 0 ? '' : (lastError ?? ''))
  if (code === 0) return summary
  // It did its work, and the gate keeps what came of it.
  if (summary['held'] !== undefined) return { ...summary, reason: lastError }
  throw new ReadflowError('stack-failed', `${name} ended with ${killedBy ?? `exit code ${code}`}${lastError ? `: ${lastError}` : '.'}`)
}

/** One poll, every stage drained, Gold built: the summary of `up --once`. It is not `ok` where the gate holds Gold. */
export const runOnce = async (options: OnceOptions): Promise<Record<string, unknown>> => {
  const polled = await runToEnd('poll', options)
  const consumed = await runToEnd('consume', options)
  const built = await runToEnd('compact', options)
  const { held, reason } = built
  return {
    ok: held === undefined,
    seconds: Math.round((Date.now() - options.startedMs) / 100) / 10,
    polled: polled['polled'],
    bronze: consumed['bronze'],
    silver: consumed['silver'],
    repeats: consumed['repeats'],
    deadLetters: consumed['deadLetters'],
    gold: built['gold'],
    ...(held === undefined ? {} : { held, reason }),
  }
}
