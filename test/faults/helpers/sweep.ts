import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { errorLine } from '../../../runtime/errors.ts'
import type { openChildren } from './children.ts'
import type { SinkJob } from './job.ts'
import { createRandom } from './random.ts'
import { isWhole, report } from './report.ts'
import type { World } from './world.ts'

/** The `occurrence`-th point of that name (from 1). */
interface CrashPoint {
  name: string
  occurrence: number
}

export interface SweepOptions {
  t: TestContext
  world: World
  children: ReturnType<typeof openChildren>
  title: string
  seed: number
  /** How many points are tried in the share of `npm test`. */
  sample: number
  /** Makes everything as it is before the fault, anew for each run. */
  prepare: (run: string) => Promise<SinkJob>
  /** Goes on after the fault; without it, the sink runs until it has caught up. */
  recover?: (job: SinkJob) => Promise<unknown>
  /** Throws where something does not hold. */
  check: (job: SinkJob) => Promise<void>
}

/** A run waits (for groups, for disks) as long as it works. */
const PARALLEL = isWhole ? 4 : 2
/** Runs differ in what lies between their flushes: a point that a run does not reach is tried again, then another one. */
const TRIES = 3
/** How many others are tried in the place of points that were not met again. */
const SPARES = 6

/**
 * Kills a child at every point that an undisturbed run passes, each in a world of its own, lets it recover and
 * checks it. All are tried; those that failed are named at the end.
 */
export const sweep = async (options: SweepOptions): Promise<void> => {
  const { t, title, seed, world, children, prepare, check } = options
  const points = await countPoints(options)
  const size = isWhole ? points.length : Math.min(options.sample, points.length)
  const candidates = isWhole ? points : samplePoints(points, size + SPARES, seed)
  const failures: string[] = []
  const missed: string[] = []
  const queue = [...candidates.entries()]
  const spares = queue.splice(size)

  const tryPoint = async (index: number, { name, occurrence }: CrashPoint) => {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const job = await prepare(`${title.replaceAll(' ', '-')}-${index}-${attempt}`)
      const child = await children.start({
        ...job,
        crash: { call: occurrence, at: `^${name.replaceAll(/[.*+?^$()[\]{}|\\]/g, '\\$&')}$`, signal: 'SIGKILL' },
      })
      const { signal } = await child.exited()
      const isHit = signal === 'SIGKILL' && child.said.some(({ crash }) => crash === name)
      try {
        await world.evict(job.groupId)
        await (options.recover ?? world.drain)(job)
        await check(job)
      } catch (error) {
        failures.push(`${name} (${occurrence}): ${errorLine(error)}\n${child.output().slice(-1500)}`)
        return
      }
      if (isHit) return
    }
    missed.push(`${name} (${occurrence})`)
    queue.push(...spares.splice(0, 1))
  }
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await tryPoint(...next)
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))

  const tried = candidates.length - queue.length - spares.length - missed.length
  const note = `${points.length} points found${missed.length > 0 ? `, ${missed.length} not met again: ${missed.join(', ')}` : ''}`
  report({ fault: `killed at a point of: ${title}`, tried, held: tried - failures.length, seed, note })
  t.diagnostic(`${title}: ${tried} of ${points.length} points, seed ${seed}${missed.length > 0 ? `; ${note}` : ''}`)
  for (const failure of failures) t.diagnostic(failure)
  assert.deepEqual(failures, [])
  assert.ok(tried >= size * 0.75, `too many points were not met again: ${missed.join(', ')}`)
}

const countPoints = async ({ title, prepare, check, children }: SweepOptions): Promise<CrashPoint[]> => {
  const job = await prepare(`${title.replaceAll(' ', '-')}-undisturbed`)
  const child = await children.start(job)
  const { code } = await child.exited()
  assert.equal(code, 0, child.output())
  await check(job)
  const seen = new Map<string, number>()
  return (child.said.find(({ done }) => done)?.points ?? []).map((name) => {
    const occurrence = (seen.get(name) ?? 0) + 1
    seen.set(name, occurrence)
    return { name, occurrence }
  })
}

/** Points of every kind first, then of any kind, up to `size`. */
const samplePoints = (points: readonly CrashPoint[], size: number, seed: number): CrashPoint[] => {
  const random = createRandom(seed)
  const kinds = [...Map.groupBy(points, ({ name }) => name.replace(/ \S*(?= ›|$)/, '').replace(/^(\S+) .*(›.*)$/, '$1 $2')).values()]
  const shuffled = kinds.map((kind) => kind.map((each) => ({ each, rank: random.next() })).sort((a, b) => a.rank - b.rank))
  const chosen: CrashPoint[] = []
  for (let round = 0; chosen.length < Math.min(size, points.length); round++)
    for (const kind of shuffled) {
      const next = kind[round]
      if (next && chosen.length < size) chosen.push(next.each)
    }
  return chosen
}
