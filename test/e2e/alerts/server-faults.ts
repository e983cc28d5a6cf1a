import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { ask, hang, keepDoing } from './means.ts'
import type { Fault } from './world.ts'

/** What can be wrong with the servers that programs need. */
export const serverFaults: readonly Fault[] = [
  {
    name: 'a lake that is away',
    alerts: [['ReadflowStoreAway']],
    cause: async ({ lakeDir, run }) => {
      renameSync(lakeDir, `${lakeDir}.away`)
      return async () => {
        const { code, stdout } = await run('doctor')
        renameSync(`${lakeDir}.away`, lakeDir)
        assert.equal(code, 1)
        assert.match(stdout, /lake/)
      }
    },
  },
  {
    name: 'brokers that hang, so that the API answers late and with errors',
    alerts: [['ReadflowBrokerAway'], ['ReadflowApiErrors'], ['ReadflowApiSlow']],
    cause: async ({ pidOf, url, run, logOf }) => {
      const goOn = hang(await pidOf('kafka.Kafka'))
      const ends = [1, 2].map(() => keepDoing(() => ask(`${url()}/v1/topics`)))
      return async () => {
        const { code, stdout } = await run('doctor')
        goOn()
        await Promise.all(ends.map((end) => end()))
        assert.equal(code, 1)
        assert.match(stdout, /Kafka/)
        assert.match(logOf('serve'), /"path":"\/v1\/topics","status":503/)
      }
    },
  },
]
