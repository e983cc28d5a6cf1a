/** Wakes who waits for something by name; one ring is enough for all that came before it. */
export const createBell = (names: readonly string[]) => {
  const waiting = new Map(names.map((name) => [name, new Set<() => void>()]))
  return {
    ring: (name: string) => {
      for (const wake of waiting.get(name) ?? []) wake()
    },
    /** Resolves with the next ring, after `atMostMs`, or when `signal` is aborted. */
    next: (name: string, atMostMs: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          waiting.get(name)?.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, atMostMs)
        signal.addEventListener('abort', wake, { once: true })
        if (signal.aborted) wake()
        else waiting.get(name)?.add(wake)
      }),
  }
}
