import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { stackSkip } from '../helpers/stack.ts'
import { until } from '../helpers/up.ts'
import { checkStage } from './helpers/checks.ts'
import { type Child, openChildren } from './helpers/children.ts'
import { behind } from './helpers/progress.ts'
import { createRandom, seedOfRun } from './helpers/random.ts'
import { createPlanner } from './helpers/records.ts'
import { isWhole, report } from './helpers/report.ts'
import { openWorld, type World } from './helpers/world.ts'

const skip = await stackSkip()
const seed = seedOfRun()
/** The least that a broker grants by default. */
const SESSION_MS = 6000
let world: World
let children: ReturnType<typeof openChildren>
let planner: ReturnType<typeof createPlanner>

before(async () => {
  if (skip) return
  world = await openWorld()
  children = openChildren('sink', { spare: 1 })
  planner = createPlanner(world.encoders, createRandom(seed))
})
after(async () => {
  await children?.close()
  await world?.close()
})

/** Where a consumer is stopped, as the pattern of a point; null: anywhere, from outside. */
const moments: Record<string, string | null> = {
  'with records in its buffer': null,
  'between its staged files and its commit': '^putIfAbsent .*_delta_log/0+1\\.json$',
  'in the middle of its commit': '^putIfAbsent .*_delta_log/0+1\\.json › (link|sent)$',
  'between its commit and the group offset': '^commitOffsets$',
}

const all = (['bronze', 'silver'] as const).flatMap((stage) => Object.entries(moments).map(([moment, at]) => ({ stage, moment, at })))
// One of each stage fits into `npm test`.
const chosen = isWhole ? all : [all[1]!, all[4 + createRandom(seed).below(4)]!]

for (const { stage, moment, at } of chosen) {
  test(`${stage}: stopped ${moment} for longer than its session, it changes nothing and stops nobody`, { skip }, async () => {
    const run = `${stage}-${moment.replaceAll(' ', '-')}`
    const job = world.job({
      run,
      stage,
      lakeUrl: world.lakeUrl(run),
      entities: ['ratings'],
      sessionTimeoutMs: SESSION_MS,
      isOnce: false,
      flush: { intervalMs: 300, maxRows: 60, maxBytes: 16 * 1024 },
    })
    await world.publish(planner.plans('ratings', 200))
    const zombie = await children.start(at === null ? job : { ...job, crash: { call: 1, at, signal: 'SIGSTOP' } })
    if (at === null) {
      await until('a first commit', async () => (await behind(world, job)) < 200)
      await world.publish(planner.plans('ratings', 100))
      zombie.kill('SIGSTOP')
    } else await zombie.standsStill()

    const owner = await children.start(job)
    await world.publish(planner.plans('ratings', 100))
    const caughtUp = (who: Child, what: string) =>
      until(what, async () => {
        assert.equal(who.process.exitCode, null, who.output())
        return (await behind(world, job)) === 0
      })
    await caughtUp(owner, 'the other consumer to take over')

    zombie.kill('SIGCONT')
    await world.publish(planner.plans('ratings', 100))
    await caughtUp(owner, 'both to go on')
    assert.equal(zombie.process.exitCode, null, `the zombie is a member again:\n${zombie.output()}`)
    assert.ok(!owner.output().includes('"failed"'), owner.output())
    for (const child of [zombie, owner]) child.kill('SIGTERM')
    assert.deepEqual(
      [await owner.exited(), await zombie.exited()].map(({ code }) => code),
      [0, 0],
      `${owner.output()}\n${zombie.output()}`,
    )
    await checkStage(world, job)
    report({ fault: `${stage}: consumer stopped ${moment}`, tried: 1, held: 1, seed })
  })
}
