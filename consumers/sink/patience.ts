import { errorLine, isRetriable } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'

const HEARTBEAT_WHILE_BUSY_MS = 3000
const RETRY_FIRST_MS = 200
const RETRY_CAP_MS = 10_000

/** How a fault is waited out. */
export interface Patience {
  log: Log
  signal: AbortSignal
  /** Waits so long, or until somebody says to go on; rejects where `signal` is aborted. */
  wait?: (delayMs: number, signal: AbortSignal) => Promise<unknown>
  onFault?: (error: unknown, retryInMs: number) => void
  /** Hears of each fault that is waited out, and with null that it is over, one way or another. */
  waiting?: (error: unknown) => void
}

/** Repeats what a fault stopped, for as long as it lasts and until `signal`: a fault is waited out and loses nothing. */
export const retrying = async <T>(
  action: () => Promise<T>,
  { log, signal, wait = sleep, onFault, waiting = () => undefined }: Patience,
): Promise<T> => {
  let hasWaited = false
  try {
    for (let delayMs = RETRY_FIRST_MS; ; delayMs = Math.min(delayMs * 2, RETRY_CAP_MS)) {
      try {
        return await action()
      } catch (error) {
        if (!isRetriable(error) || signal.aborted) throw error
        log.warn({ error: errorLine(error), retry_in_ms: delayMs }, 'waiting')
        hasWaited = true
        waiting(error)
        onFault?.(error, delayMs)
        await wait(delayMs * (0.5 + Math.random() / 2), signal).catch(() => Promise.reject(error))
      }
    }
  } finally {
    if (hasWaited) waiting(null)
  }
}

/** Keeps the group membership alive while something takes long. */
export const beating = async (work: Promise<void>, heartbeat: () => Promise<void>) => {
  let isDone = false
  const finished = work.finally(() => {
    isDone = true
  })
  while (!isDone) {
    await Promise.race([finished, sleep(HEARTBEAT_WHILE_BUSY_MS)])
    if (!isDone) await heartbeat()
  }
  await finished
}
