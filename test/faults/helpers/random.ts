/** The seed of this run: from the environment, to repeat one, else new; every fault test prints it. */
export const seedOfRun = (): number => Number(process.env['READFLOW_FAULTS_SEED'] ?? Math.floor(Math.random() * 1e9))

/** Numbers from a seed (mulberry32). */
export const createRandom = (seed: number) => {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { next, below, pick: <T>(list: readonly T[]): T => list[below(list.length)] as T }
}

export type Random = ReturnType<typeof createRandom>
