import { errorLine } from './errors.ts'
import { sleep } from './lifecycle.ts'

/**
 * Looks again and again, `intervalMs` after each look, until `signal` aborts or `isWanted` says no. A fault stops nothing: `complain`
 * hears of it in one line, once as long as it stays the same.
 */
export const follow = async ({
  look,
  complain,
  intervalMs,
  signal,
  isWanted = () => true,
}: {
  look: () => Promise<void>
  complain: (fault: string) => void
  intervalMs: number
  signal: AbortSignal
  isWanted?: () => boolean
}): Promise<void> => {
  let lastFault = ''
  while (!signal.aborted && isWanted()) {
    try {
      await look()
      lastFault = ''
    } catch (error) {
      const fault = errorLine(error)
      if (fault !== lastFault) complain(fault)
      lastFault = fault
    }
    await sleep(intervalMs, signal).catch(() => undefined)
  }
}
