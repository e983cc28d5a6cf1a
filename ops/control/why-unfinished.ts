/** Why a command that waits for something has not seen it: it was told to stop, or its time is over. */
export const whyUnfinished = (signal: AbortSignal, timeoutMs: number): string =>
  signal.aborted ? 'Told to stop' : `Not done within ${timeoutMs / 1000} s`
