import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { dlqTopic } from '../../schemas/catalogue.ts'
import { stackSkip } from '../helpers/stack.ts'
import { checkStage, newestRows, type Rows } from './helpers/checks.ts'
import { openChildren } from './helpers/children.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { readTopic } from './helpers/read-topic.ts'
import { createPlanner } from './helpers/records.ts'
import { sweep } from './helpers/sweep.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = await stackSkip()
const seed = seedOfRun()
let world: World
let children: ReturnType<typeof openChildren>
const lakeUrl = (run: string) => `file:${path.join(world.stack.dataDir, 'lakes', run)}`

before(async () => {
  if (skip) return
  world = await openWorld()
  children = openChildren('sink')
  const { plans } = createPlanner(world.encoders, createRandom(seed))
  const aborted = createPlanner(world.encoders, createRandom(seed + 1))
  for (let round = 0; round < 3; round++) {
    await world.publish(plans('ratings', 100))
    await world.publishAborted(aborted.plans('ratings', 3))
    await world.publish(plans('books', 60))
  }
})
after(async () => {
  await children?.close()
  await world?.close()
})

for (const stage of ['bronze', 'silver'] as const) {
  test(`killed at any point of appending to ${stage}, it goes on as if nothing had been`, { skip }, async (t) => {
    const title = `appending to ${stage}`
    let reference: Map<string, Rows> | undefined
    await sweep({
      t,
      world,
      children,
      title,
      seed,
      sample: 8,
      prepare: async (run) => world.job({ run, stage, lakeUrl: lakeUrl(run) }),
      check: async (job) => {
        await checkStage(world, job, { reference })
        reference ??= await newestRows(job)
      },
    })
  })
}

test('whatever was killed, each rejected record has its dead letter with its own key and bytes', { skip }, async () => {
  for (const entity of ['ratings', 'books'] as const) {
    const rejected = new Map(
      world
        .delivered(entity)
        .filter(({ fate }) => fate === 'dead')
        .map((record) => [`${record.partition}/${record.offset}`, record]),
    )
    const letters = await readTopic(world, dlqTopic(entity))
    for (const [run, ofRun] of Map.groupBy(letters, ({ headers }) => headers.get('test.run'))) {
      const origins = new Map(
        ofRun.map((letter) => [`${letter.headers.get('readflow.partition')}/${letter.headers.get('readflow.offset')}`, letter]),
      )
      assert.deepEqual([...origins.keys()].sort(), [...rejected.keys()].sort(), `${entity}: the distinct dead letters of ${run}`)
      for (const [origin, letter] of origins) {
        const { key, value } = rejected.get(origin) ?? { key: null, value: null }
        assert.equal(letter.key?.toString() ?? null, key, `${entity} ${origin}: key`)
        assert.deepEqual(letter.value, value, `${entity} ${origin}: value`)
      }
    }
  }
})
