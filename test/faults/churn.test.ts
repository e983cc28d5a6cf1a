import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { stackSkip } from '../helpers/stack.ts'
import { checkStage } from './helpers/checks.ts'
import { type Child, openChildren } from './helpers/children.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { createPlanner } from './helpers/records.ts'
import { isWhole, report } from './helpers/report.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = await stackSkip()
const seed = seedOfRun()
const churnMs = isWhole ? Number(process.env['READFLOW_FAULTS_MINUTES'] ?? 3) * 60_000 : 12_000
const CONSUMERS = 3
/** However slow the machine is. */
const LEAST_ENDED = 6
const PARTITIONS = 4
const SESSION_MS = 6000
let world: World
let children: ReturnType<typeof openChildren>

before(async () => {
  if (skip) return
  world = await openWorld({ partitions: PARTITIONS })
  children = openChildren('sink', { spare: 1 })
})
after(async () => {
  await children?.close()
  await world?.close()
})

test('consumers started, stopped and killed at random under load: every offset once, every key right', { skip }, async (t) => {
  t.diagnostic(`seed ${seed}: repeat it with READFLOW_FAULTS_SEED=${seed}`)
  const random = createRandom(seed)
  const planner = createPlanner(world.encoders, createRandom(seed + 1), { partitions: PARTITIONS })
  const aborted = createPlanner(world.encoders, createRandom(seed + 2), { partitions: PARTITIONS })
  const jobs = (['bronze', 'silver'] as const).map((stage) =>
    world.job({
      run: 'churn',
      stage,
      lakeUrl: world.lakeUrl('churn'),
      sessionTimeoutMs: SESSION_MS,
      isOnce: false,
      flush: { intervalMs: 200, maxRows: 100, maxBytes: 64 * 1024 },
    }),
  )
  const running: { child: Child; isEnding: boolean }[] = []
  const outputs: string[] = []
  let done = false
  const counts = { started: 0, stopped: 0, killed: 0 }

  const load = async () => {
    while (!done) {
      await world.publish(planner.plans('ratings', 40))
      await world.publish(planner.plans('books', 20))
      if (random.next() < 0.2) await world.publishAborted(aborted.plans('ratings', 5))
      // However slow the machine is, what is checked at the end is of a bounded size.
      await sleep(100 + world.delivered('ratings').length / 10)
    }
  }
  const start = async () => {
    const entry = { child: await children.start(random.pick(jobs)), isEnding: false }
    counts.started++
    running.push(entry)
    void entry.child.closed.then(({ code }) => {
      running.splice(running.indexOf(entry), 1)
      // A consumer ends because it was told to, or is a defect.
      if (!entry.isEnding || (code !== 0 && code !== null)) outputs.push(`ended with ${code}:\n${entry.child.output().slice(-3000)}`)
    })
  }
  const end = (signal: 'SIGTERM' | 'SIGKILL') => {
    const entry = random.pick(running.filter(({ isEnding }) => !isEnding))
    if (!entry) return
    entry.isEnding = true
    counts[signal === 'SIGTERM' ? 'stopped' : 'killed']++
    entry.child.kill(signal)
  }

  const loading = load()
  const until = Date.now() + churnMs
  while (Date.now() < until || counts.stopped + counts.killed < LEAST_ENDED) {
    const alive = running.filter(({ isEnding }) => !isEnding).length
    const dice = random.next()
    if (alive < 2 || (alive < 2 * CONSUMERS && dice < 0.5)) await start()
    else end(dice < 0.75 ? 'SIGTERM' : 'SIGKILL')
    await sleep(random.below(1500))
  }
  done = true
  await loading
  for (const entry of running) entry.isEnding = true
  await Promise.all(
    running.map(({ child }) => {
      child.kill('SIGTERM')
      return child.exited()
    }),
  )
  assert.deepEqual(outputs, [])
  for (const job of jobs) {
    await world.evict(job.groupId)
    await world.drain(job)
    await checkStage(world, job)
  }
  const records = world.delivered('ratings').length + world.delivered('books').length
  const note = `${counts.started} started, ${counts.stopped} stopped, ${counts.killed} killed in ${Math.round(churnMs / 1000)} s, ${records} records`
  t.diagnostic(note)
  report({
    fault: 'consumers started, stopped and killed at random',
    tried: counts.stopped + counts.killed,
    held: counts.stopped + counts.killed,
    seed,
    note,
  })
})
