import assert from 'node:assert/strict'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openStore } from '../../../lake/store/open.ts'
import { openChildren } from '../../faults/helpers/children.ts'
import type { SinkJob } from '../../faults/helpers/job.ts'
import { until } from '../../helpers/up.ts'
import { keepDoing } from './means.ts'
import type { Fault } from './world.ts'

/** A second consumer of another group on the same lake: each discards what the other one came before with. */
export const fencedFault: Fault = {
  name: 'two consumers that write the same table',
  isLong: true,
  alerts: [['ReadflowConsumerFenced', 'silver']],
  cause: async ({ brokers, registry, lakeDir, run }) => {
    const children = openChildren('sink', { spare: 0 })
    const job: SinkJob = {
      run: 'other',
      stage: 'silver',
      ...{ brokers: brokers(), registryUrl: registry(), lakeUrl: `file:${lakeDir}` },
      entities: ['ratings', 'reviews'],
      groupId: 'other.silver',
      flush: { intervalMs: 300, maxRows: 100, maxBytes: 2 ** 20 },
      isOnce: false,
    }
    const other = await children.start(job)
    return async () => {
      await other.stop()
      await children.close()
      // A clean topic may wait for its comparison for a moment.
      await until('all to hold', async () => (await run('verify')).code === 0, 120_000)
    }
  },
}

/** Other programs that commit to a table of ours all the time, and come first nearly always. */
export const conflictsFault: Fault = {
  name: 'writers that commit to our tables all the time',
  isLong: true,
  alerts: [['ReadflowLakeConflicts', 'silver.ratings']],
  cause: async ({ lakeDir, run, must }) => {
    const store = openStore(`file:${lakeDir}`)
    const ends = ['a', 'b', 'c'].map((name) => {
      const table = openTable(store, 'silver/ratings')
      let version = 0
      return keepDoing(() => commit(table, { operation: 'STREAMING UPDATE', txns: [{ appId: `writer-${name}`, version: ++version }] }))
    })
    return async () => {
      assert.match((await run('history silver.ratings --limit 5')).stdout, /STREAMING UPDATE/)
      await must('pause optimize')
      await Promise.all(ends.map((end) => end()))
      await store.close()
      await must('resume optimize')
    }
  },
}
