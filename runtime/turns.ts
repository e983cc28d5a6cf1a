export type Turns = <T>(work: () => Promise<T>) => Promise<T>

/**
 * Runs one piece of work at a time, in the order of asking, also after one that failed. For what takes much memory: it is
 * then held once, and not once for each who asks.
 */
export const createTurns = (): Turns => {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
}
