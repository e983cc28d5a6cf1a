import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { isAlive } from '../../runtime/process.mjs'
import { catalogue, dlqTopic } from '../../schemas/catalogue.ts'
import { stackSkip } from '../helpers/stack.ts'
import { until } from '../helpers/up.ts'
import { checkStage } from './helpers/checks.ts'
import { openChildren } from './helpers/children.ts'
import { behind } from './helpers/progress.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { createPlanner } from './helpers/records.ts'
import { report } from './helpers/report.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = await stackSkip()
const seed = seedOfRun()
let world: World
let children: ReturnType<typeof openChildren>
let planner: ReturnType<typeof createPlanner>

before(async () => {
  if (skip) return
  world = await openWorld()
  children = openChildren('sink')
  planner = createPlanner(world.encoders, createRandom(seed))
})
after(async () => {
  await children?.close()
  await world?.close()
})

/** Process of a service; null while it is being started again. */
const pidOf = (service: 'kafka' | 'registry'): number | null => {
  try {
    return (JSON.parse(readFileSync(path.join(world.stack.dataDir, 'run', `${service}.json`), 'utf8')) as { pid: number }).pid
  } catch {
    return null
  }
}
const jobOf = (run: string, stage: 'bronze' | 'silver') =>
  world.job({
    run,
    stage,
    lakeUrl: world.lakeUrl(run),
    isOnce: false,
    flush: { intervalMs: 300, maxRows: 60, maxBytes: 16 * 1024 },
  })
const deadLetters = async () => {
  let count = 0
  for (const entity of ['ratings', 'books'] as const) for (const { end } of await world.client.topicOffsets(dlqTopic(entity))) count += end
  return count
}

test('the broker killed with -9 in the middle of a load: the consumers wait and go on', { skip }, async () => {
  const jobs = [jobOf('broker', 'bronze'), jobOf('broker', 'silver')]
  const running = await Promise.all(jobs.map((job) => children.start(job)))
  await world.publish(planner.plans('ratings', 150))
  await until('a first commit', async () => (await behind(world, jobs[0]!)) < 150)
  const pid = pidOf('kafka') ?? assert.fail('the broker runs')
  process.kill(pid, 'SIGKILL')
  await until(
    'the broker to be back',
    async () => ![null, pid].includes(pidOf('kafka')) && (await world.client.topicOffsets('goodreads.ratings')).length > 0,
  )
  await world.publish(planner.plans('ratings', 100))
  await world.publish(planner.plans('books', 60))
  for (const job of jobs) await until(`${job.stage} to catch up`, async () => (await behind(world, job)) === 0, 120_000)
  for (const [index, child] of running.entries()) {
    await child.stop()
    await checkStage(world, jobs[index]!)
  }
  report({ fault: 'broker killed -9 under load', tried: 1, held: 1, seed })
})

test('the registry killed: consumption waits, nothing is a dead letter, and it goes on', { skip }, async () => {
  const before = await deadLetters()
  const { subject, topic } = catalogue.authors
  const schema = structuredClone(catalogue.authors.schema)
  const id = await world.registry.register(subject, schema)
  const codec = compileAvro(schema)
  const author = (number: number) => ({
    ...Object.fromEntries(schema.fields.map(({ name }) => [name, null])),
    author_id: `${number}`,
    name: `Author ${number}`,
    updated_at: Date.UTC(2020, 0, 1) + number,
    extra: {},
  })
  const jobs = [jobOf('registry', 'bronze'), jobOf('registry', 'silver')].map((job) => ({ ...job, entities: ['authors' as const] }))

  // It is started again by itself: kept down for as long as the consumers have not met it.
  let isDown = true
  const keepDown = async () => {
    while (isDown) {
      const pid = pidOf('registry')
      if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL')
      await sleep(50)
    }
  }
  const down = keepDown()
  await world.publish(
    Array.from({ length: 40 }, (_, number) => ({
      entity: 'authors' as const,
      partition: number % 2,
      key: `${number}`,
      value: frameAvro(id, codec.encode(author(number))),
      fate: 'valid' as const,
    })),
  )
  const running = await Promise.all(jobs.map((job) => children.start(job)))
  try {
    for (const child of running)
      await child.says('that it waits for the registry', ({ msg, error }) => msg === 'waiting' && String(error).includes('registry'))
    for (const job of jobs) assert.equal(await behind(world, job), 40, `${topic}: nothing is taken while the schema is unknown`)
  } finally {
    isDown = false
    await down
  }
  for (const job of jobs) await until(`${job.stage} to catch up`, async () => (await behind(world, job)) === 0, 120_000)
  for (const [index, child] of running.entries()) {
    await child.stop()
    await checkStage(world, jobs[index]!)
  }
  assert.equal(await deadLetters(), before, 'no dead letter')
  report({ fault: 'registry killed -9 and kept down', tried: 1, held: 1, seed })
})
