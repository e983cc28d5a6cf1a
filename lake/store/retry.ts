import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'

export interface RetryOptions {
  isTransient: (error: unknown) => boolean
  /** How long it is tried again; the attempt that is under way then is the last. */
  patienceMs: number
}

const FIRST_DELAY_MS = 50
const MAX_DELAY_MS = 3000

/** Does it again while it fails transiently, with growing and jittered delays; rejects with the last failure. */
export const withRetries = <T>(work: () => Promise<T>, { isTransient, patienceMs }: RetryOptions): Promise<T> => {
  const giveUpMs = performance.now() + patienceMs
  return retry(
    handleWhen((error) => isTransient(error) && performance.now() < giveUpMs),
    {
      maxAttempts: Number.MAX_SAFE_INTEGER,
      backoff: new ExponentialBackoff({ initialDelay: FIRST_DELAY_MS, maxDelay: MAX_DELAY_MS }),
    },
  ).execute(work)
}
