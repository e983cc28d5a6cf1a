import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import path from 'node:path'
import { filePath } from '../../../lake/delta/actions.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openStore } from '../../../lake/store/open.ts'
import { until } from '../../helpers/up.ts'
import type { Fault, World } from './world.ts'

const ratingsFiles = async ({ lakeDir }: World): Promise<string[]> => {
  const store = openStore(`file:${lakeDir}`)
  const { files } = await openTable(store, 'silver/ratings').snapshot()
  await store.close()
  return [...files.values()].map((file) => path.join(lakeDir, 'silver/ratings', filePath(file.path)))
}

export const unreadableFault: Fault = {
  name: 'a file of Silver that can not be read',
  isLong: true,
  alerts: [['ReadflowBuildFailing'], ['ReadflowUpkeepFailing', 'optimize'], ['ReadflowGoldStale']],
  // What waited comes late.
  afterwards: [['ReadflowFreshnessMissed', 'ratings']],
  cause: async (world) => {
    const { run, must } = world
    // A file that no build has read yet, and that is small enough to be merged with the next ones.
    await must('pause gold')
    const before = new Set(await ratingsFiles(world))
    const file = await until('a new file', async () => (await ratingsFiles(world)).find((each) => !before.has(each)), 120_000)
    renameSync(file, `${file}.away`)
    await must('resume gold')
    return async () => {
      assert.match((await run('stages gold')).stdout, /gold +failing/)
      renameSync(`${file}.away`, file)
      await must('retry gold')
      await must('retry optimize --timeout 5m')
    }
  },
}

export const gateFault: Fault = {
  name: 'a poll that brings a tenth',
  isLong: true,
  alerts: [['ReadflowGateHeld']],
  cause: async ({ goodreads, run, must }) => {
    for (let polls = 0; polls < 6; polls++) await must('run poll')
    goodreads.newReviews = 10
    await must('run poll')
    await must('pause poll')
    return async () => {
      assert.match((await run('gate')).stdout, /brought \d+ r/)
      goodreads.newReviews = 120
      await must('resume poll')
      await must('run poll')
      // The new poll may come on record a moment later than it ends.
      await until('a build that is asked for', async () => (await run('run gold')).code === 0, 120_000)
      assert.match((await run('gate')).stdout, /nothing holds Gold/)
    }
  },
}

export const smallFilesFault: Fault = {
  name: 'small files that are not merged',
  isLong: true,
  alerts: [['ReadflowSmallFiles'], ['ReadflowStagePaused', 'optimize']],
  cause: async ({ must }) => {
    await must('pause optimize')
    return async () => {
      await must('optimize')
      await must('resume optimize')
    }
  },
}
