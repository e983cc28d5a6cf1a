import assert from 'node:assert/strict'
import { ask, keepDoing, starve } from './means.ts'
import type { Fault } from './world.ts'

const RUNAWAY = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11'

/** What can be wrong with the API. */
export const apiFaults: readonly Fault[] = [
  {
    name: 'SQL that runs away',
    alerts: [['ReadflowSqlKills', 'timeout']],
    cause: async ({ url, logOf }) => {
      const body = JSON.stringify({ sql: RUNAWAY })
      const run = () => ask(`${url()}/v1/sql?timeout_s=1`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const ends = [1, 2, 3].map(() => keepDoing(run))
      return async () => {
        await Promise.all(ends.map((end) => end()))
        assert.match(logOf('serve'), /"path":"\/v1\/sql","status":408,"error":"The query was stopped: it took longer/)
      }
    },
  },
  {
    name: 'a machine that has more to do than it can',
    alerts: [['ReadflowEventLoopLag', 'serve']],
    cause: async ({ pidOf }) => starve(await pidOf('api/main.ts'), { stoppedMs: 650, runningMs: 200 }),
  },
]
