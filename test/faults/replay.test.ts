import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { stackSkip } from '../helpers/stack.ts'
import { checkStage, newestRows, type Rows, readVersions } from './helpers/checks.ts'
import { openChildren } from './helpers/children.ts'
import { markOf, withoutMark } from './helpers/compose.ts'
import type { SinkJob } from './helpers/job.ts'
import { copyObjects, type Place, placeSkip, places } from './helpers/lakes.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { createPlanner } from './helpers/records.ts'
import { report } from './helpers/report.ts'
import { sweep } from './helpers/sweep.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = await stackSkip()
const seed = seedOfRun()
let world: World
let children: ReturnType<typeof openChildren>
const TOPIC = 'goodreads.ratings'
const stages = ['bronze', 'silver'] as const
type Stage = (typeof stages)[number]
const jobOf = (run: string, stage: Stage, place: Place = 'folder') =>
  world.job({ run, stage, lakeUrl: world.lakeUrl(run, place), entities: ['ratings'] })

before(async () => {
  if (skip) return
  world = await openWorld({ hasMinio: true })
  children = openChildren('sink')
  const { plans } = createPlanner(world.encoders, createRandom(seed))
  const aborted = createPlanner(world.encoders, createRandom(seed + 1))
  for (let round = 0; round < 2; round++) {
    await world.publish(plans('ratings', 120))
    await world.publishAborted(aborted.plans('ratings', 3))
  }
  await world.publish(plans('ratings', 40))
  for (const stage of stages) await world.drain({ ...jobOf('before', stage), mark: 'old' })
})
after(async () => {
  await children?.close()
  await world?.close()
})

/** A lake that holds everything, as the first derivation left it, and a group of its own. */
const copied = async (...of: Parameters<typeof jobOf>): Promise<SinkJob> => {
  const job = jobOf(...of)
  await copyObjects(world.lakeUrl('before'), job.lakeUrl, `${job.stage}/`)
  return { ...job, mark: 'new' }
}
/**
 * At every version the range is derived as a whole before, or as a whole again; the rest stays as it was. A crash right
 * after the swap may start it over: then the same comes again.
 */
const checkSwap = async ({ lakeUrl, stage }: SinkJob, replayed: Record<number, number>) => {
  let last: string | undefined
  for (const { snapshot, rows } of await readVersions(lakeUrl, `${stage}/ratings`)) {
    const seen = new Set<string | undefined>()
    for (const [partition, ofPartition] of rows) {
      const from = replayed[partition] ?? Number.POSITIVE_INFINITY
      for (const [offset, text] of ofPartition)
        if (offset >= from) seen.add(markOf(text))
        else assert.equal(markOf(text), 'old', `version ${snapshot.version}: ${partition}/${offset} is not in the range`)
    }
    assert.ok(seen.size <= 1, `version ${snapshot.version} mixes both derivations`)
    const [mark] = seen
    assert.ok(!(last === 'new' && mark === 'old'), `version ${snapshot.version} goes back to the old rows`)
    last = mark ?? last
  }
  assert.equal(last, 'new', 'the range was derived again')
}

for (const stage of stages) {
  for (const place of places)
    test(`killed at any point of a replay of ${stage} on ${place}, it ends as without`, { skip: skip || placeSkip(place) }, async (t) => {
      const reference: Map<string, Rows> = await newestRows(jobOf('before', stage))
      const range = { 0: 40, 1: 0 }
      await sweep({
        t,
        world,
        children,
        title: `replaying ${stage} on ${place}`,
        seed,
        sample: { folder: 2, MinIO: 1 }[place],
        prepare: async (run) => {
          const job = await copied(run, stage, place)
          await world.reset(job.groupId, TOPIC, range)
          return job
        },
        check: async (job) => {
          await checkStage(world, job, { reference, content: withoutMark })
          await checkSwap(job, range)
        },
      })
    })

  test(`${stage}: a replay of one partition leaves the others as they are; two in a row end the same`, { skip }, async () => {
    const reference: Map<string, Rows> = await newestRows(jobOf('before', stage))
    const job = await copied(`${stage}-twice`, stage)
    for (const range of [{ 1: 30 }, { 1: 10 }]) {
      await world.reset(job.groupId, TOPIC, range)
      await world.drain(job)
      await checkStage(world, job, { reference, content: withoutMark })
    }
    for (const [offset, text] of (await newestRows(job)).get(`${stage}/ratings`)?.get(1) ?? [])
      assert.equal(markOf(text), offset >= 10 ? 'new' : 'old')
    for (const text of (await newestRows(job)).get(`${stage}/ratings`)?.get(0)?.values() ?? []) assert.equal(markOf(text), 'old')
    report({ fault: `${stage}: one partition replayed twice`, tried: 1, held: 1, seed })
  })
}
