import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { createRandom, seedOfRun } from '../faults/helpers/random.ts'
import { isWhole, report } from '../faults/helpers/report.ts'
import { alertsOf, ruleFiles } from '../helpers/rules.ts'
import { stackSkip } from '../helpers/stack.ts'
import { tool } from '../helpers/tool.ts'
import { tempDir } from '../helpers/up.ts'
import { mountDisk } from '../soak/disk.ts'
import { apiFaults } from './alerts/api-faults.ts'
import { consumerFaults } from './alerts/consumer-faults.ts'
import { gateFault, smallFilesFault, unreadableFault } from './alerts/gold-faults.ts'
import { diskFault, lostFault, memoryFault } from './alerts/last-faults.ts'
import { programFaults } from './alerts/program-faults.ts'
import { serverFaults } from './alerts/server-faults.ts'
import { sourceFaults } from './alerts/source-faults.ts'
import { type Fault, openWorld, type World } from './alerts/world.ts'
import { conflictsFault, fencedFault } from './alerts/writer-faults.ts'

const skip =
  (await stackSkip()) ||
  tool('prometheus', ['--version'], 'sudo apt-get install prometheus') ||
  tool('prometheus-alertmanager', ['--version'], 'sudo apt-get install prometheus-alertmanager')
const seed = seedOfRun()
const SAMPLE = 2
/** Some alerts look back for three hours, which are three minutes here. */
const CLEAR_MS = 420_000

/** One round after the other; the faults of a round that are in lists of their own do not disturb one another. */
const rounds: readonly (readonly (readonly Fault[])[])[] = [
  [programFaults],
  [serverFaults],
  [sourceFaults, apiFaults],
  [consumerFaults],
  [[unreadableFault]],
  [[gateFault], [smallFilesFault]],
  [[fencedFault], [memoryFault]],
  [[conflictsFault]],
  [[diskFault], [lostFault]],
]
const all = rounds.flat(2)

test('each alert is set off here by its fault', () => {
  const alerts = [...ruleFiles().values()].flatMap(alertsOf).map(({ name }) => name)
  const caused = all.flatMap((fault) => [...fault.alerts, ...(fault.afterwards ?? [])].map(([name]) => name))
  assert.deepEqual([...new Set(caused)].sort(), alerts.sort())
})

/** In `npm test` those of which a message is awaited, or that need a share of records, and some by chance; `npm run faults -- alerts` causes all. */
const chosen = new Set(isWhole ? all : [...all.filter(({ isAlways }) => isAlways), ...sampleOf(all, SAMPLE)])

function sampleOf(faults: readonly Fault[], count: number): Fault[] {
  const random = createRandom(seed)
  const left = faults.filter(({ isAlways, isLong }) => !isAlways && !isLong)
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0]!)
}

const tryFault = async (world: World, { alerts, afterwards = [], cause, after }: Fault) => {
  const fire = (some: Fault['alerts']) => Promise.all(some.map(([name, of]) => world.fires(name, of)))
  const mend = await cause(world)
  try {
    await fire(alerts)
  } finally {
    await mend()
  }
  await fire(afterwards)
  await Promise.all([...alerts, ...afterwards].map(([name, of]) => world.clears(name, of, CLEAR_MS)))
  await after?.(world)
}

test(`each fault sets off its alerts, which clear when it is mended as the runbook says (seed ${seed})`, {
  skip,
  concurrency: true,
}, async (t) => {
  const dir = await tempDir(t)
  // Only a disk of its own can be filled.
  const disk = isWhole ? mountDisk(path.join(dir, 'disk')) : null
  assert.ok(disk || !isWhole, 'this user may not mount a small disk')
  const run = async (world: World, faults: readonly Fault[]) => {
    for (const fault of faults.filter((each) => chosen.has(each)))
      await t.test(fault.name, async () => {
        await tryFault(world, fault)
        report({ fault: `alerts: ${fault.name}`, tried: 1, held: 1, seed })
      })
  }
  try {
    const world = await openWorld(t, path.join(dir, 'disk', 'data'), disk)
    for (const round of rounds) await Promise.all(round.map((faults) => run(world, faults)))
    await world.stop()
  } finally {
    disk?.unmount()
  }
})
