import { errorLine } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'

/** What a question to the lake was answered last; null before the first answer. `fault` says why that is not of now. */
export interface LastKnown<T> {
  value: T | null
  fault: string | null
}

const WAIT_MS = 2000

/**
 * A question to the lake, for who would rather have the last answer than none while the lake is away: asked anew each time, at
 * once by those who come meanwhile, and waited for `waitMs` where an answer is known. Never rejects.
 */
export const lastKnown = <T>(ask: () => Promise<T>, waitMs = WAIT_MS): (() => Promise<LastKnown<T>>) => {
  let value: T | null = null
  let hasAnswered = false
  let asking: Promise<string | null> | null = null
  const askOnce = async (): Promise<string | null> => {
    try {
      value = await ask()
      hasAnswered = true
      return null
    } catch (error) {
      return errorLine(error)
    } finally {
      asking = null
    }
  }
  return async () => {
    asking ??= askOnce()
    if (!hasAnswered) return { fault: await asking, value }
    const enough = new AbortController()
    const late = sleep(waitMs, enough.signal).then(
      () => `no answer within ${waitMs / 1000} s`,
      () => null,
    )
    const fault = await Promise.race([asking, late])
    enough.abort()
    return { value, fault }
  }
}
