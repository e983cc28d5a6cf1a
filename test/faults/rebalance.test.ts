import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stackSkip } from '../helpers/stack.ts'
import { until } from '../helpers/up.ts'
import { checkStage } from './helpers/checks.ts'
import { openChildren } from './helpers/children.ts'
import { behind } from './helpers/progress.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { createPlanner, type Planned } from './helpers/records.ts'
import { report } from './helpers/report.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = await stackSkip()
const seed = seedOfRun()
let world: World
let children: ReturnType<typeof openChildren>

before(async () => {
  if (skip) return
  world = await openWorld()
  children = openChildren('sink')
})
after(async () => {
  await children?.close()
  await world?.close()
})

test('a rebalance while records are buffered and the state is slow to restore: a repeat stays a repeat', { skip }, async () => {
  const job = world.job({
    run: 'slow-restore',
    stage: 'silver',
    lakeUrl: world.lakeUrl('slow-restore'),
    entities: ['ratings'],
    isOnce: false,
    // Reading data files takes long, as from a far store: many flushes are due meanwhile.
    readDelayMs: 500,
    flush: { intervalMs: 400, maxRows: 10_000, maxBytes: 1 << 20 },
  })
  const first = createPlanner(world.encoders, createRandom(seed))
    .plans('ratings', 100)
    .filter(({ fate }) => fate === 'valid')
  const byKey = Map.groupBy(
    first.filter(({ value }) => value !== null),
    ({ key }) => key,
  )
  const repeats = [...byKey.values()].filter((versions) => versions.length === 1).map(([only]): Planned => ({ ...only!, fate: 'repeat' }))
  const steady = await children.start(job)
  await world.publish(first)
  await until('the first records', async () => (await behind(world, job)) === 0)

  let isDone = false
  const load = async () => {
    for (let at = 0; !isDone; at++) {
      await world.publish([repeats[at % repeats.length]!, repeats[(at + 1) % repeats.length]!])
      await sleep(20)
    }
  }
  const loading = load()
  // Each one that comes or goes is a rebalance for the one that stays.
  for (let round = 0; round < 3; round++) {
    const other = await children.start({ ...job, sessionTimeoutMs: 6000 })
    await sleep(4000)
    await other.stop()
  }
  isDone = true
  await loading
  await until('the last records', async () => (await behind(world, job)) === 0)
  await steady.stop()
  await checkStage(world, job)
  report({ fault: 'rebalance while the state is restored slowly', tried: 1, held: 1, seed })
})
