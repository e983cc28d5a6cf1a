import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import { within } from '../../runtime/within.ts'

/** What one look at the set-up came to. */
export interface Check {
  name: string
  level: 'ok' | 'warn' | 'fail'
  what: string
  /** What to do; null where all is well. */
  todo: string | null
}

export const ok = (name: string, what: string): Check => ({ name, level: 'ok', what, todo: null })
export const warn = (name: string, what: string, todo: string): Check => ({ name, level: 'warn', what, todo })
export const fail = (name: string, what: string, todo: string): Check => ({ name, level: 'fail', what, todo })

const DEADLINE_MS = 20_000

/** Looks, and takes what keeps it from looking for a failure. Never rejects, and never hangs. */
export const looked = async (name: string, look: () => Promise<Check[]> | Check[]): Promise<Check[]> => {
  try {
    return await within(Promise.resolve().then(look), DEADLINE_MS)
  } catch (error) {
    const hint = error instanceof ReadflowError ? error.hint : undefined
    const what = error instanceof ReadflowError ? error.message : errorLine(error)
    return [fail(name, what, hint ?? 'Mend that, and look again.')]
  }
}
