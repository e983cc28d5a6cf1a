import { errorLine, ReadflowError } from '../../../runtime/errors.ts'
import type { Log } from '../../../runtime/log.ts'

/** So many requests may fail in a row before the source counts as broken. */
const MAX_IN_A_ROW = 5

/**
 * Decides which failures end a poll: a refusal at once, and several failures in a row, because then it is the
 * source and not one answer. Anything else is skipped with one line and asked for again at a later poll.
 */
export const createFailures = ({ log, hasWorkedBefore }: { log: Log; hasWorkedBefore: boolean }) => {
  // A source that once answered as it should does so again: a person need not change its address.
  const verdict = (error: unknown) =>
    hasWorkedBefore && error instanceof ReadflowError && error.code === 'source-invalid'
      ? new ReadflowError('source-unavailable', error.message, { cause: error })
      : error
  let inARow = 0
  let successes = 0
  let first: unknown
  return {
    succeeded: (): void => {
      successes++
      inARow = 0
    },
    /** Counts a failure. Throws it where the poll can not go on. */
    failed: (error: unknown, { method, id }: { method: string; id?: string }): void => {
      const isOfOneAnswer = error instanceof ReadflowError && (error.code === 'source-invalid' || error.code === 'source-unavailable')
      if (!isOfOneAnswer || ++inARow >= MAX_IN_A_ROW) throw verdict(error)
      first ??= error
      log.warn({ method, id, error: errorLine(error) }, 'an answer was skipped; it is asked for again at a later poll')
    },
    /** Throws the first failure of a poll in which nothing succeeded. */
    check: (): void => {
      if (successes === 0 && first !== undefined) throw verdict(first)
    },
  }
}
