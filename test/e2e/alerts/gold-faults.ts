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
    const { run } = world
    // A file that no build has read yet, and that is small enough to be merged with the next ones.
    assert.equal((await run('pause gold')).code, 0)
    const before = new Set(await ratingsFiles(world))
    const file = await until('a new file', async () => (await ratingsFiles(world)).find((each) => !before.has(each)), 120_000)
    renameSync(file, `${file}.away`)
    assert.equal((await run('resume gold')).code, 0)
    return async () => {
      assert.match((await run('stages gold')).stdout, /gold +failing/)
      renameSync(`${file}.away`, file)
      assert.equal((await run('retry gold')).code, 0)
      const retried = await run('retry optimize --timeout 5m')
      assert.equal(retried.code, 0, retried.stdout + retried.stderr)
    }
  },
}

export const gateFault: Fault = {
  name: 'a poll that brings a tenth',
  alerts: [['ReadflowGateHeld']],
  cause: async ({ goodreads, run }) => {
    for (let polls = 0; polls < 6; polls++) assert.equal((await run('run poll')).code, 0)
    goodreads.newReviews = 10
    assert.equal((await run('run poll')).code, 0)
    assert.equal((await run('pause poll')).code, 0)
    return async () => {
      assert.match((await run('gate')).stdout, /brought \d+ r/)
      goodreads.newReviews = 120
      assert.equal((await run('resume poll')).code, 0)
      assert.equal((await run('run poll')).code, 0)
      const built = await run('run gold')
      assert.equal(built.code, 0, built.stdout + built.stderr)
      assert.match((await run('gate')).stdout, /[Nn]othing is held/)
    }
  },
}

export const smallFilesFault: Fault = {
  name: 'small files that are not merged',
  isLong: true,
  alerts: [['ReadflowSmallFiles'], ['ReadflowStagePaused', 'optimize']],
  cause: async ({ run }) => {
    assert.equal((await run('pause optimize')).code, 0)
    return async () => {
      assert.equal((await run('optimize')).code, 0)
      assert.equal((await run('resume optimize')).code, 0)
    }
  },
}
