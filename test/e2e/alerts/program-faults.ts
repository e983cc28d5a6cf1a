import assert from 'node:assert/strict'
import { until } from '../../helpers/up.ts'
import { hang, killed } from './means.ts'
import type { Fault } from './world.ts'

/** What can be wrong with programs as such. */
export const programFaults: readonly Fault[] = [
  {
    name: 'a program that hangs',
    isAlways: true,
    alerts: [['ReadflowTargetDown', 'compact']],
    cause: async ({ pidOf, told }) => {
      const goOn = hang(await pidOf('compactor/main.ts'))
      return async () => {
        try {
          await until('the message', async () => told('ReadflowTargetDown', 'compact', 'firing') === 1)
        } finally {
          goOn()
        }
      }
    },
    after: async ({ told }) => {
      await until('the message that it is over', async () => told('ReadflowTargetDown', 'compact', 'resolved') === 1)
      assert.equal(told('ReadflowTargetDown', 'compact', 'firing'), 1)
    },
  },
  {
    name: 'a program that is killed again and again',
    alerts: [['ReadflowProgramRestarts', 'poll']],
    cause: async (world) => {
      for (let kills = 0; kills < 5 && !(await world.isFiring('ReadflowProgramRestarts', 'poll')); kills++)
        await killed(world, 'producers/main.ts')
      return async () => undefined
    },
  },
  {
    name: 'records that are no records',
    isAlways: true,
    alerts: [['ReadflowDeadLetters', 'ratings']],
    cause: async ({ publish, run, isFiring, must }) => {
      const value = Buffer.from('not Avro')
      // Beside them the ratings of just before count too: as many as it takes for a share of them.
      const letters = Array.from({ length: 100 }, (_, n) => ({ topic: 'goodreads.ratings', key: Buffer.from(`${n}`), value }))
      const hasFired = async () => {
        await publish(letters)
        return isFiring('ReadflowDeadLetters', 'ratings')
      }
      await until('ReadflowDeadLetters to fire', hasFired, 120_000)
      return async () => {
        assert.match((await run('dlq list')).stdout, /ratings/)
        await must('dlq redrive --all --dry-run')
      }
    },
  },
  {
    name: 'a stage that is left paused',
    alerts: [['ReadflowStagePaused', 'clean']],
    cause: async ({ run, must }) => {
      await must('pause clean')
      return async () => {
        assert.match((await run('stages')).stdout, /clean +paused/)
        await must('resume clean')
      }
    },
  },
]
