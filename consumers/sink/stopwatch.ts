/** The steps of a flush: record batches to columns; dead letters acknowledged; Parquet in the store; the table's log entry. */
export const flushSteps = ['decode', 'dead_letters', 'encode', 'commit'] as const
export type FlushStep = (typeof flushSteps)[number]

/** Does a step's work and adds its time, which may come in pieces. */
export type TimeStep = <T>(step: FlushStep, work: () => Promise<T>) => Promise<T>

export const createStopwatch = (nowMs: () => number = () => performance.now()) => {
  const stepsMs: Partial<Record<FlushStep, number>> = {}
  const time: TimeStep = async (step, work) => {
    const startedMs = nowMs()
    try {
      return await work()
    } finally {
      stepsMs[step] = (stepsMs[step] ?? 0) + nowMs() - startedMs
    }
  }
  return { time, stepsMs }
}
