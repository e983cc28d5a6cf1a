import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'

export interface RetryOptions {
  isTransient: (error: unknown) => boolean
  /** How long it is tried again; the attempt that is under way then is the last. */
  patienceMs: number
  /** Ends the patience. */
  signal?: AbortSignal | undefined
  /** Hears that it is to be done again. */
  onRetry?: (() => void) | undefined
}

const FIRST_DELAY_MS = 50
const MAX_DELAY_MS = 3000

/** Does it again while it fails transiently, with growing and jittered delays; rejects with the last failure. */
export const withRetries = <T>(work: () => Promise<T>, { isTransient, patienceMs, signal, onRetry }: RetryOptions): Promise<T> => {
  const giveUpMs = performance.now() + patienceMs
  const policy = retry(
    handleWhen((error) => isTransient(error) && performance.now() < giveUpMs && !signal?.aborted),
    {
      maxAttempts: Number.MAX_SAFE_INTEGER,
      backoff: new ExponentialBackoff({ initialDelay: FIRST_DELAY_MS, maxDelay: MAX_DELAY_MS }),
    },
  )
  if (onRetry) policy.onRetry(onRetry)
  return policy.execute(work)
}

/**
 * Lets work run on for `graceMs` after the signal, then rejects what is still waited for with `late()`. One listener and
 * one timer serve all of it: a race with a promise that lasts as long as the program would keep each of its losers.
 */
export const withDeadline = ({ signal, graceMs, late }: { signal: AbortSignal; graceMs: number; late: () => Error }) => {
  const waiting = new Set<(error: Error) => void>()
  let isLate = false
  const expire = () => {
    isLate = true
    for (const reject of waiting) reject(late())
  }
  const onAbort = () => void setTimeout(expire, graceMs).unref()
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })

  return <T>(work: () => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (isLate) return reject(late())
      waiting.add(reject)
      work()
        .then(resolve, reject)
        .finally(() => waiting.delete(reject))
    })
}
