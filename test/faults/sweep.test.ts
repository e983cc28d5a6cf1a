import { after, before, test } from 'node:test'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { stackSkip } from '../helpers/stack.ts'
import { checkStage, newestRows } from './helpers/checks.ts'
import { openChildren } from './helpers/children.ts'
import { checkDeadLetters } from './helpers/dead-letters.ts'
import { copyObjects, type Place, placeSkip, places } from './helpers/lakes.ts'
import { mergeFiles } from './helpers/merge-files.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { createPlanner } from './helpers/records.ts'
import { isWhole } from './helpers/report.ts'
import { sweep } from './helpers/sweep.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = await stackSkip()
const seed = seedOfRun()
let world: World
let children: ReturnType<typeof openChildren>
let upkeep: ReturnType<typeof openChildren>
const stages = ['bronze', 'silver'] as const
type Stage = (typeof stages)[number]
const jobOf = (run: string, stage: Stage, place: Place = 'folder') => world.job({ run, stage, lakeUrl: world.lakeUrl(run, place) })
/** A lake that holds the first third of the records, and checkpoints every other version. */
const THIRD = 'a-third'
const WHOLE = 'whole'

/** A job whose lake holds what another holds. */
const copied = async (from: string, ...of: Parameters<typeof jobOf>) => {
  const job = jobOf(...of)
  await copyObjects(world.lakeUrl(from), job.lakeUrl, `${job.stage}/`)
  return job
}

before(async () => {
  if (skip) return
  world = await openWorld({ hasMinio: true })
  children = openChildren('sink')
  upkeep = openChildren('upkeep', { spare: 1 })
  const { plans } = createPlanner(world.encoders, createRandom(seed))
  const aborted = createPlanner(world.encoders, createRandom(seed + 1))
  const store = openStore(world.lakeUrl(THIRD))
  for (let round = 0; round < 3; round++) {
    await world.publish(plans('ratings', 100))
    await world.publishAborted(aborted.plans('ratings', 3))
    await world.publish(plans('books', 60))
    if (round > 0) continue
    for (const stage of stages) {
      await world.drain(jobOf(THIRD, stage))
      for (const entity of ['ratings', 'books'])
        await commit(openTable(store, `${stage}/${entity}`), {
          operation: 'SET TBLPROPERTIES',
          configuration: { 'delta.checkpointInterval': '2' },
        })
    }
  }
  for (const stage of stages) await world.drain(jobOf(WHOLE, stage))
})
after(async () => {
  await children?.close()
  await upkeep?.close()
  await world?.close()
})

const all = places.flatMap((place) => stages.map((stage) => ({ place, stage })))
// Of MinIO, one stage fits into `npm test`.
const chosen = isWhole ? all : [...all.slice(0, 2), all[2 + createRandom(seed).below(2)]!]
for (const { place, stage } of chosen) {
  const isSkipped = skip || placeSkip(place)
  const ways = {
    'appending to a new': { from: null, sample: { folder: 2, MinIO: 1 } },
    'appending with checkpoints to a': { from: THIRD, sample: { folder: 2, MinIO: 1 } },
  }
  for (const [way, { from, sample }] of Object.entries(ways))
    test(`killed at any point of ${way} ${stage} table on ${place}, it goes on as if nothing had been`, { skip: isSkipped }, async (t) => {
      const reference = await newestRows(jobOf(WHOLE, stage))
      await sweep({
        t,
        world,
        children,
        title: `${way} ${stage} on ${place}`,
        seed,
        sample: sample[place],
        prepare: async (run) => (from === null ? jobOf(run, stage, place) : copied(from, run, stage, place)),
        check: (job) => checkStage(world, job, { reference }),
      })
    })

  test(`killed at any point of merging files of ${stage} on ${place}, no version of the table changes its rows`, {
    skip: isSkipped,
  }, async (t) => {
    const reference = await newestRows(jobOf(WHOLE, stage))
    await sweep({
      t,
      world,
      children: upkeep,
      title: `merging files of ${stage} on ${place}`,
      seed,
      sample: { folder: 2, MinIO: 1 }[place],
      prepare: (run) => copied(WHOLE, run, stage, place),
      recover: async (job) => {
        const store = openStore(job.lakeUrl)
        await mergeFiles(store, job)
        await store.close()
        await world.drain(job)
      },
      check: async (job) => {
        await world.drain(job)
        await checkStage(world, job, { reference })
      },
    })
  })
}

test('whatever was killed, each rejected record has its dead letter with its own key and bytes', { skip }, async () => {
  // The others begin where some are sent already.
  await checkDeadLetters(world, (run) => run.startsWith('appending-to-a-new') || run === WHOLE)
})
