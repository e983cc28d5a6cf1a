import { isRetriable } from '../runtime/errors.ts'

const FIRST_MS = 1000
const CAP_MS = 60_000

export interface KeepStagesOptions<Name extends string, T> {
  names: readonly Name[]
  /** Runs a stage to its end; `isWell` is to be called each time that it did its work. */
  run: (name: Name, until: AbortSignal, isWell: () => void) => Promise<T>
  onFailure: (name: Name, error: unknown, retryInMs: number) => void
  /** A stage that had failed did its work again. */
  onRecovery: (name: Name) => void
  /** Waits so long, or until somebody says to go on; rejects where the signal is aborted. */
  wait: (name: Name, delayMs: number, signal: AbortSignal) => Promise<unknown>
}

/**
 * Runs stages of one process so that one that fails stops no other: it is begun anew, after a wait that doubles up to a
 * minute. Where none is left that does its work, the process is at fault, or what all of them need: that rejects with the
 * last failure, so that the process begins anew.
 */
export const createKeeper = <Name extends string, T>({ names, run, onFailure, onRecovery, wait }: KeepStagesOptions<Name, T>) => {
  const failures = new Map<Name, number>()
  const noteWell = (name: Name) => {
    if (failures.delete(name)) onRecovery(name)
  }
  return async (name: Name, until: AbortSignal): Promise<T> => {
    for (;;) {
      try {
        return await run(name, until, () => noteWell(name))
      } catch (error) {
        const times = (failures.get(name) ?? 0) + 1
        failures.set(name, times)
        // What may pass is waited out within the stage; here it comes only as it is told to stop.
        if (until.aborted || isRetriable(error) || names.every((each) => failures.has(each))) throw error
        const retryInMs = Math.min(CAP_MS, FIRST_MS * 2 ** (times - 1))
        onFailure(name, error, retryInMs)
        await wait(name, retryInMs, until)
      }
    }
  }
}
