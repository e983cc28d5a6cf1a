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
  if (code !== 0) {
    onStep(name, 'failed', lastError ?? '')
    throw new ReadflowError('stack-failed', `${name} ended with ${killedBy ?? `exit code ${code}`}${lastError ? `: ${lastError}` : '.'}`)
  }
  onStep(name, 'done')
  return JSON.parse(program.lastLine() ?? '{}') as Record<string, unknown>
}

/** One poll, every stage drained, Gold built: the summary of `up --once`. */
export const runOnce = async (options: OnceOptions): Promise<Record<string, unknown>> => {
  const polled = await runToEnd('poll', options)
  const consumed = await runToEnd('consume', options)
  const built = await runToEnd('compact', options)
  return {
    ok: true,
    seconds: Math.round((Date.now() - options.startedMs) / 100) / 10,
    polled: polled['polled'],
    bronze: consumed['bronze'],
    silver: consumed['silver'],
    repeats: consumed['repeats'],
    deadLetters: consumed['deadLetters'],
    gold: built['gold'],
  }
}
