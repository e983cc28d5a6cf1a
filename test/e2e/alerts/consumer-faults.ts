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
      const { pidOf, must } = world
      await must('pause silver')
      const reset = 'consumer-groups --reset-offsets --group readflow.silver --topic goodreads.ratings --to-earliest --execute'
      await must(`kafka-tool --data ${world.dataDir} ${reset}`)
      const registry = await pidOf('-runner.jar')
      hang(registry)
      // One that starts has no schema in memory.
      await killed(world, 'consumers/main.ts')
      await must('resume silver')
      // `up` starts it again.
      return async () => process.kill(registry, 'SIGKILL')
    },
  },
]
