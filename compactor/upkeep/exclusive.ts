/** Runs what it is given one after the other, in the order in which it was asked. */
export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>

/** For what must not be done at once in this process, such as two jobs that each take much memory. */
export const createExclusive = (): Exclusive => {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine
    return mine
  }
}
