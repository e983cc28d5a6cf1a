import type { BuildResult } from './build.ts'

export interface ScheduleOptions {
  build: () => Promise<BuildResult>
  /** Time between the end of a build and the next look for new Silver versions. */
  intervalMs: number
  sleep: (delayMs: number) => Promise<unknown>
  /** A number from 0 to 1, for the jitter of retries. */
  random: () => number
  onStart?: () => void
  onResult: (result: BuildResult, nextInMs: number) => void
  onFailure: (error: unknown, retryInMs: number) => void
  signal: AbortSignal
}

const MAX_RETRY_MS = 5 * 60_000

/** Builds again and again until the signal is aborted. A failed build is reported and tried again, ever more slowly. */
export const runBuilds = async (options: ScheduleOptions): Promise<void> => {
  const { build, intervalMs, sleep, random, onStart, onResult, onFailure, signal } = options
  let failures = 0
  while (!signal.aborted) {
    let delayMs = intervalMs
    try {
      onStart?.()
      onResult(await build(), delayMs)
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      failures++
      // Full jitter over an exponential, never shorter than the usual interval.
      delayMs = intervalMs + Math.round(random() * Math.min(MAX_RETRY_MS, intervalMs * 2 ** failures))
      onFailure(error, delayMs)
    }
    await sleep(delayMs).catch((error) => {
      if (!signal.aborted) throw error
    })
  }
}
