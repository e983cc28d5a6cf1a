import { errorLine } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'

const FIRST_MS = 500
const CAP_MS = 15_000
/** A run this long was a good one: the next failure counts as the first again. */
const STEADY_MS = 60_000
/** What a timer can take: some weeks. */
const NEVER_MS = 2 ** 31 - 1

export interface Attempt {
  exited: Promise<{ lastError: string | null; isFinal?: boolean }>
  /** Where it takes a while after its start before it works: resolves then. */
  begun?: Promise<void>
  /** Asks it to end, and ends it by force after `graceMs`. */
  stop: (graceMs?: number) => Promise<void>
}

export interface KeepRunningOptions {
  /** `signal` is aborted where it is to be given up before it runs. */
  start: (signal: AbortSignal) => Attempt | Promise<Attempt>
  onState: (state: 'starting' | 'running' | 'restarting' | 'failed' | 'stopped', lastError: string | null, restarts: number) => void
}

/**
 * Keeps something running: started again when it ends, after a wait that doubles up to a cap. One whose end is final waits
 * for `startNow`, which ends every wait. `stop` ends it for good. A start that throws counts like an end.
 */
export const keepRunning = ({ start, onState }: KeepRunningOptions) => {
  const controller = new AbortController()
  const { signal } = controller
  /** Null while it starts. */
  let current: (Attempt & { isGivenUp?: true }) | null = null
  let starting = new AbortController()
  let restarts = 0
  let early = new AbortController()
  /** The restart that was asked for, until it runs or it is known why it does not. */
  let asked: PromiseWithResolvers<string | null> | null = null

  const settle = (failure: string | null) => {
    asked?.resolve(failure)
    asked = null
  }

  const waitFor = async (delayMs: number) => {
    early = new AbortController()
    await sleep(delayMs, AbortSignal.any([signal, early.signal])).catch(() => undefined)
  }

  const attempt = async (): Promise<{ lastError: string | null; isFinal?: boolean }> => {
    current = null
    starting = new AbortController()
    const given = AbortSignal.any([signal, starting.signal])
    try {
      onState('starting', null, restarts)
      current = await start(given)
      if (signal.aborted) await current.stop()
      else onState('running', null, restarts)
      const end = await Promise.race([current.exited, current.begun ?? Promise.resolve()])
      // One that was ended to be started anew says nothing of that start.
      if (!current.isGivenUp) settle(end ? (end.lastError ?? 'it ended as it began') : null)
      return await current.exited
    } catch (error) {
      // Somebody has asked for another start.
      if (starting.signal.aborted && !signal.aborted) return { lastError: null }
      const lastError = errorLine(error)
      settle(lastError)
      return { lastError }
    }
  }

  const loop = async () => {
    for (let delayMs = FIRST_MS; !signal.aborted; ) {
      const beganMs = Date.now()
      const { lastError, isFinal } = await attempt()
      if (signal.aborted) break
      if (isFinal && !asked) {
        onState('failed', lastError, restarts)
        await waitFor(NEVER_MS)
        delayMs = FIRST_MS
        continue
      }
      if (Date.now() - beganMs > STEADY_MS) delayMs = FIRST_MS
      restarts++
      onState('restarting', lastError, restarts)
      if (asked) continue
      await waitFor(delayMs)
      delayMs = Math.min(delayMs * 2, CAP_MS)
    }
    onState('stopped', null, restarts)
  }
  const finished = loop()

  return {
    /** Where it waits to be started again, that is now. */
    startNow: () => early.abort(),
    /** Ends what runs, by force after `graceMs`, and starts it again at once. Resolves to null when that works, else to why it does not. */
    restart: (graceMs: number): Promise<string | null> => {
      asked ??= Promise.withResolvers<string | null>()
      early.abort()
      if (current) {
        current.isGivenUp = true
        void current.stop(graceMs)
      } else starting.abort()
      return asked.promise
    },
    stop: async () => {
      controller.abort()
      await current?.stop()
      await finished
    },
  }
}

export type Kept = ReturnType<typeof keepRunning>
