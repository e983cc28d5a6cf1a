import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, type FaultProxy, startFaultProxy } from '../helpers/fault-proxy.ts'
import { minioSkip, type TestMinio } from '../helpers/minio.ts'
import { stackSkip } from '../helpers/stack.ts'
import { until } from '../helpers/up.ts'
import { checkStage, newestRows } from './helpers/checks.ts'
import { type Child, openChildren } from './helpers/children.ts'
import { checkDeadLetters } from './helpers/dead-letters.ts'
import type { SinkJob } from './helpers/job.ts'
import { behind } from './helpers/progress.ts'
import { createRandom, type Random, seedOfRun } from './helpers/random.ts'
import { createPlanner } from './helpers/records.ts'
import { isWhole, report } from './helpers/report.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = (await stackSkip()) || minioSkip()
const seed = seedOfRun()
const requestFaults = isWhole ? 100 : 10
const kills = isWhole ? 6 : 2
let world: World
let minio: TestMinio
let proxy: FaultProxy
let children: ReturnType<typeof openChildren>
let planner: ReturnType<typeof createPlanner>

before(async () => {
  if (skip) return
  world = await openWorld({ hasMinio: true })
  minio = world.minio ?? assert.fail('MinIO runs')
  proxy = await startFaultProxy(minio.port)
  children = openChildren('sink')
  planner = createPlanner(world.encoders, createRandom(seed))
})
after(async () => {
  await children?.close()
  await proxy?.stop()
  await world?.close()
})

/** What checks the tables asks the store itself; the consumers go through the proxy, with less patience than an outage lasts. */
const jobsOf = (run: string) =>
  (['bronze', 'silver'] as const).map((stage) =>
    world.job({
      run,
      stage,
      lakeUrl: world.lakeUrl(run, 'MinIO'),
      isOnce: false,
      flush: { intervalMs: 200, maxRows: 40, maxBytes: 16 * 1024 },
      storeLimits: { requestTimeoutMs: 700, patienceMs: 1500 },
    }),
  )
const throughProxy = (job: SinkJob): SinkJob => ({ ...job, lakeUrl: job.lakeUrl.replace(minio.endpoint, proxy.endpoint) })

const endsEarly = async ({ closed }: Child): Promise<never> => {
  const { code } = await closed
  throw new Error(`a consumer ended with ${code}`)
}

/** Records flow while `fault` goes on; afterwards both stages catch up, and hold what an undisturbed run holds. */
const underLoad = async (run: string, fault: (running: Child[]) => Promise<void>) => {
  const jobs = jobsOf(run)
  const running = await Promise.all(jobs.map((job) => children.start(throughProxy(job))))
  let isDone = false
  const load = async () => {
    while (!isDone) {
      await world.publish(planner.plans('ratings', 20))
      await world.publish(planner.plans('books', 10))
      await sleep(100 + world.delivered('ratings').length / 5)
    }
  }
  const loading = load()
  const early = Promise.race(running.map(endsEarly))
  early.catch(() => undefined)
  try {
    await Promise.race([fault(running), early])
  } catch (error) {
    throw new Error(`the consumers said last:\n${running.map((child) => child.output().slice(-3000)).join('\n\n')}`, { cause: error })
  } finally {
    isDone = true
    await loading
    proxy.clear()
  }
  await world.publish(planner.plans('ratings', 20))
  for (const [index, job] of jobs.entries()) {
    const child = running[index]!
    await until(`${job.stage} to catch up`, async () => (await behind(world, job)) === 0, 120_000)
    await child.stop()
    const undisturbed = world.job({ run: `${run}-undisturbed`, stage: job.stage, lakeUrl: world.lakeUrl(`${run}-undisturbed`) })
    await world.drain(undisturbed)
    await checkStage(world, job, { reference: await newestRows(undisturbed) })
  }
  await checkDeadLetters(world, (name) => name.startsWith(run))
}

const waits = (child: Child) => child.said.filter(({ msg, error }) => msg === 'waiting' && String(error).includes('lake')).length

test('the store killed with -9 under running consumers, and away for longer than their patience', { skip }, async (t) => {
  const random = createRandom(seed)
  await underLoad('killed', async (running) => {
    for (let kill = 0; kill < kills; kill++) {
      await sleep(random.below(2000))
      const before = running.map(waits)
      await minio.kill()
      // Now and then it is back before anybody has given up.
      if (kill % 2 === 0) await until('both to wait for it', async () => running.every((child, index) => waits(child) > before[index]!))
      await minio.start()
    }
  })
  t.diagnostic(`seed ${seed}`)
  report({ fault: 'MinIO killed -9 and started again under load', tried: kills, held: kills, seed })
})

/** What may befall any request. */
const anyFault = (random: Random): Fault =>
  random.pick<Fault>([
    { kind: 'answer', status: 500, code: 'InternalError' },
    { kind: 'answer', status: 503, code: 'SlowDown' },
    { kind: 'answer', status: 500, code: 'InternalError', isForwarded: true },
    { kind: 'slow', delayMs: 100 + random.below(500) },
    { kind: 'slow', delayMs: 900 },
    { kind: 'hang', isForwarded: true },
    { kind: 'hang', isForwarded: false },
    { kind: 'drop', isForwarded: true },
    { kind: 'drop', isForwarded: false },
    { kind: 'cut', afterBytes: random.below(2000) },
  ])
const nameOf = (fault: Fault) =>
  [fault.kind, 'status' in fault && fault.status, 'isForwarded' in fault && fault.isForwarded && 'after success'].filter(Boolean).join(' ')

test('a store that fails one request in four, in every way, under running consumers', { skip }, async (t) => {
  const random = createRandom(seed + 1)
  let count = 0
  const done = new Map<string, number>()
  await underLoad('faulty', async (running) => {
    proxy.sometimes(() => {
      if (random.next() >= 1 / 4) return undefined
      count++
      const fault = anyFault(random)
      done.set(nameOf(fault), (done.get(nameOf(fault)) ?? 0) + 1)
      return fault
    })
    await until(`${requestFaults} faults`, async () => count >= requestFaults, 1_200_000)
    // Then all of it, for longer than anybody's patience; writes go through, and nobody is told.
    const before = running.map(waits)
    proxy.always(/^PUT /, { kind: 'answer', status: 503, code: 'SlowDown', isForwarded: true })
    proxy.always(/./, { kind: 'answer', status: 503, code: 'SlowDown' })
    await until('both to wait for it', async () => running.every((child, index) => waits(child) > before[index]!))
  })
  const note = [...done].map(([name, times]) => `${name}: ${times}`).join(', ')
  t.diagnostic(`seed ${seed}; ${note}`)
  report({ fault: 'MinIO behind a proxy that fails requests at random', tried: count, held: count, seed, note })
})
