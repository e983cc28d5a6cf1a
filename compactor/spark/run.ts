import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ReadflowError } from '../../runtime/errors.ts'

/** A line of `driver.py`. */
type Told =
  | { started: string; master: string }
  | { model: string; seconds: number }
  | { failed: 'pyspark' | 'java' | 'start' | 'model'; message: string; model?: string }

export interface RunSparkOptions {
  /** Python's command or path. */
  python: string
  master: string
  /** The plan as `plan.ts` makes it, as JSON in a file. */
  planFile: string
  /** Called for each model that is done. */
  onModel?: (model: { model: string; seconds: number }) => void
  signal?: AbortSignal | undefined
}

const START_WITHIN_MS = 180_000
const STOP_WITHIN_MS = 5_000
const KEPT_LOG = 64 * 1024
const driver = fileURLToPath(new URL('driver.py', import.meta.url))

/**
 * Runs a plan on Spark to its end, in a process group of its own that does not outlive this process.
 * Rejects with ReadflowError `missing-tool` (Python, pyspark, Java) or `build-failed`, or with the signal's reason.
 */
export const runSpark = async ({ python, master, planFile, onModel, signal }: RunSparkOptions): Promise<void> => {
  signal?.throwIfAborted()
  const child = spawn(python, ['-u', driver, planFile], { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  // It is there to be closed; the driver never reads from it, and may be gone before we write.
  child.stdin.on('error', () => undefined)
  const ended = new Promise<{ code: number | null; by: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, by) => resolve({ code, by }))
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-KEPT_LOG)
  })
  const end = () => {
    endGroup(child.pid, 'SIGTERM')
    setTimeout(() => endGroup(child.pid, 'SIGKILL'), STOP_WITHIN_MS).unref()
  }
  let isLate = false
  const starting = setTimeout(() => {
    isLate = true
    end()
  }, START_WITHIN_MS)
  signal?.addEventListener('abort', end, { once: true })
  let failure: Extract<Told, { failed: string }> | undefined
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = toldOf(line)
    if (told === null) return
    if ('failed' in told) failure = told
    else if ('started' in told) clearTimeout(starting)
    else onModel?.(told)
  })
  try {
    const { code, by } = await ended
    signal?.throwIfAborted()
    if (failure) throw failureOf(failure, { python, master })
    if (isLate) throw new ReadflowError('build-failed', `Spark at ${master} did not start within ${START_WITHIN_MS / 1000} s`)
    if (code !== 0) throw new ReadflowError('build-failed', `Spark ended with ${by ?? `exit code ${code}`}: ${usefulLine(log)}`)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new ReadflowError('missing-tool', `There is no Python to run Spark with: ${python}.`, {
      cause,
      hint: 'Install Python 3.9 or newer, or say where it is by READFLOW_PYTHON.',
    })
  } finally {
    clearTimeout(starting)
    signal?.removeEventListener('abort', end)
    // What it started may live on for a moment, and no longer.
    endGroup(child.pid, 'SIGKILL')
  }
}

const endGroup = (pid: number | undefined, kind: NodeJS.Signals) => {
  if (pid === undefined) return
  try {
    process.kill(-pid, kind)
  } catch {
    // It is gone.
  }
}

const toldOf = (line: string): Told | null => {
  try {
    return JSON.parse(line) as Told
  } catch {
    return null // a library that prints
  }
}

const failureOf = (
  { failed, message, model }: Extract<Told, { failed: string }>,
  { python, master }: { python: string; master: string },
) => {
  switch (failed) {
    case 'pyspark':
      return new ReadflowError('missing-tool', `${message}.`, { hint: `Install it with: ${python} -m pip install pyspark==4.0.1` })
    case 'java':
      return new ReadflowError('missing-tool', `${message}.`, { hint: 'Install it, or say where it is by JAVA_HOME.' })
    case 'start':
      return new ReadflowError('build-failed', `Spark at ${master} did not start: ${message}`)
    default:
      return new ReadflowError('build-failed', `model ${model} on Spark: ${message}`)
  }
}

/** The line of a log that says most about why it ended. */
const usefulLine = (log: string): string => {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  return (
    lines.findLast((line) => /Error|Exception|ERROR/.test(line) && !/^\s*at /.test(line))?.trim() ??
    lines.at(-1)?.trim() ??
    'it said nothing'
  )
}
