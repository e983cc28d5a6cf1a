import { errorLine, needsPerson, ReadflowError } from './errors.ts'

export type Release = () => unknown | Promise<unknown>

/** A stack of releasers: last in, first out; every one runs, and the first error is rethrown. */
export const createScope = () => {
  const releasers: Release[] = []
  let closing: Promise<void> | undefined

  const run = async () => {
    let first: { error: unknown } | undefined
    for (let release = releasers.pop(); release; release = releasers.pop()) {
      try {
        await release()
      } catch (error) {
        first ??= { error }
      }
    }
    if (first) throw first.error
  }

  return {
    /** Registers what undoes the step just taken. */
    defer: (release: Release) => void releasers.push(release),
    /** Releases everything once, however often it is called. */
    close: () => (closing ??= run()),
  }
}

export interface ProgramContext {
  argv: string[]
  env: NodeJS.ProcessEnv
  /** Aborted by SIGINT, SIGTERM, or the death of the process that started us. */
  signal: AbortSignal
  defer: (release: Release) => void
}

const STOP_DEADLINE_MS = 30_000

/** What a shell gives for a program that a signal ended. */
const stoppedCodes = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Runs one program to its end: passes it its context, turns stop signals into `signal`, releases what it
 * deferred in reverse order under one deadline, and exits 0 for success, 2 where a person must change
 * something first (configuration, source, schema), else 1. `main` may resolve with another code. One that a stop kept from its end
 * exits as a signal would have it, 130 or 143, unless it `isService`: running until it is told to stop is its task, so it exits 0.
 * With `failureCode`, whatever keeps it from its end, a stop as well, exits with that: for a command whose exit code is its answer.
 */
export const runProgram = async (
  name: string,
  main: (context: ProgramContext) => Promise<number> | Promise<void>,
  { failureCode, isService = false }: { failureCode?: number; isService?: boolean } = {},
) => {
  const controller = new AbortController()
  const scope = createScope()
  let stoppedCode: number = stoppedCodes.SIGTERM
  const stop = (by?: NodeJS.Signals) => {
    if (controller.signal.aborted) return
    if (by === 'SIGINT') stoppedCode = stoppedCodes.SIGINT
    controller.abort(new ReadflowError('stopped', `${name} was told to stop`))
    setTimeout(() => {
      process.stderr.write(`${name}: did not stop within ${STOP_DEADLINE_MS / 1000} s and was ended\n`)
      process.exit(1)
    }, STOP_DEADLINE_MS).unref()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // A child of `up` has an IPC channel: when its parent dies, however it dies, the channel closes.
  process.on('disconnect', () => stop())

  // A promise that nobody waits for, or a listener that throws, is a defect: one line, and out.
  const die = (error: unknown) => {
    process.stderr.write(`${name}: ${errorLine(error)}\n`)
    process.exit(failureCode ?? 1)
  }
  // A reader that has enough, such as `head`, is no fault: the work goes on, and its lines go nowhere.
  const onUnread = (error: NodeJS.ErrnoException) => void (error.code !== 'EPIPE' && die(error))
  process.stdout.on('error', onUnread)
  process.stderr.on('error', onUnread)
  process.on('unhandledRejection', die)
  process.on('uncaughtException', die)

  let code = 0
  const report = (error: unknown) => {
    if (controller.signal.aborted && isStop(error, controller.signal)) {
      code = failureCode ?? (isService ? code : stoppedCode)
      return
    }
    code = failureCode ?? (needsPerson(error) ? 2 : 1)
    process.stderr.write(`${name}: ${errorLine(error)}\n`)
    if (!(error instanceof ReadflowError) && process.env['READFLOW_DEBUG']) console.error(error)
  }
  try {
    code = (await main({ argv: process.argv.slice(2), env: process.env, signal: controller.signal, defer: scope.defer })) ?? 0
  } catch (error) {
    report(error)
  }
  try {
    await scope.close()
  } catch (error) {
    report(error)
  }
  process.exit(code)
}

/** Runs a program that runs until it is told to stop: that is no fault, and exits 0. */
export const runService = (name: string, main: Parameters<typeof runProgram>[1]) => runProgram(name, main, { isService: true })

const isStop = (error: unknown, signal: AbortSignal) =>
  error === signal.reason || (error instanceof Error && (error.name === 'AbortError' || error.cause === signal.reason))

/** Resolves after `delayMs`, or rejects with the signal's reason when it is aborted first. */
export const sleep = (delayMs: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
