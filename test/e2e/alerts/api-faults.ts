import { ask, keepDoing, starve } from './means.ts'
import type { Fault } from './world.ts'

const RUNAWAY = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11'

/** What can be wrong with the API. */
export const apiFaults: readonly Fault[] = [
  {
    name: 'SQL that runs away',
    alerts: [['ReadflowSqlKills', 'timeout']],
    cause: async ({ url }) => {
      const body = JSON.stringify({ sql: RUNAWAY })
      const run = () => ask(`${url()}/v1/sql?timeout_s=1`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const ends = [1, 2, 3].map(() => keepDoing(run))
      return () => Promise.all(ends.map((end) => end()))
    },
  },
  {
    name: 'a machine that has more to do than it can',
    alerts: [['ReadflowEventLoopLag', 'serve']],
    cause: async ({ pidOf }) => starve(await pidOf('api/main.ts'), { stoppedMs: 650, runningMs: 200 }),
  },
  {
    name: 'answers that take long',
    alerts: [['ReadflowApiSlow']],
    cause: async ({ pidOf, url }) => {
      const fed = starve(await pidOf('api/main.ts'), { stoppedMs: 1700, runningMs: 500 })
      const asked = keepDoing(() => ask(`${url()}/v1/books`))
      return () => Promise.all([fed(), asked()])
    },
  },
]
