import assert from 'node:assert/strict'
import { hang, killed } from './means.ts'
import type { Fault } from './world.ts'

/** What can be wrong with consumers. */
export const consumerFaults: readonly Fault[] = [
  {
    name: 'a consumer that hangs',
    alerts: [
      ['ReadflowConsumerLag', 'readflow.silver'],
      ['ReadflowConsumerStuck', 'readflow.silver'],
      ['ReadflowTargetDown', 'consume'],
    ],
    cause: async (world) => {
      hang(await world.pidOf('consumers/main.ts'))
      return () => killed(world, 'consumers/main.ts')
    },
  },
  {
    name: 'a registry that hangs while a group that was reset is replayed',
    alerts: [['ReadflowRegistryAway'], ['ReadflowReplayStuck', 'ratings']],
    cause: async (world) => {
      const { run, pidOf } = world
      assert.equal((await run('pause silver')).code, 0)
      const reset = 'consumer-groups --reset-offsets --group readflow.silver --topic goodreads.ratings --to-earliest --execute'
      assert.equal((await run(`kafka-tool --data ${world.dataDir} ${reset}`)).code, 0)
      const goOn = hang(await pidOf('-runner.jar'))
      // One that starts has no schema in memory.
      await killed(world, 'consumers/main.ts')
      assert.equal((await run('resume silver')).code, 0)
      return async () => goOn()
    },
  },
]
