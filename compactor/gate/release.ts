import { type GateEntry, type HeldEvent, isHolding, listGate, type ReleaseEvent, readGate } from '../../lake/gate-log.ts'
import { type Published, readPublished } from '../../lake/published.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { commitAndPublish, type GoldChange, stateOf } from '../publish.ts'
import { afterReleased } from './state.ts'
import type { GateTables } from './tables.ts'
import { writeGate } from './write.ts'

/** So many entries are looked through for a run. */
const ENTRIES = 500
const MIN_PREFIX = 6

/** What a person asks for. `run` may be the beginning of the id. */
export interface ReleaseRequest {
  run: string
  by: string
  why: string
}

export interface Released {
  run: string
  /** Null where nothing had been staged: its checks are waived, no more. */
  published: Published | null
  waived: readonly string[]
}

const refused = (message: string, hint?: string) => new ReadflowError('gate-refused', message, hint === undefined ? {} : { hint })

/**
 * Publishes what a held build staged, and waives its failed checks. On record before anything is committed, so that
 * whoever comes next finishes a release that died. Throws `config` for a run that never was held, `gate-refused` for one
 * that can't be released (any more).
 */
export const release = async (tables: GateTables, { run, by, why }: ReleaseRequest): Promise<Released> => {
  const { store, nowMs } = tables
  const pending = await finishRelease(tables)
  if (pending && isMeant(pending.run, run)) return pending
  const published = await readPublished(store)
  const held = await findHeld(tables, run, published)
  for (const change of held.event.changes as readonly GoldChange[])
    if (stateOf(change, await tables.gold[change.name].snapshot()) !== 'open')
      throw refused(`Another build has changed gold.${change.name} since run ${held.event.run}.`, 'readflow gate says what holds Gold now.')
  const event: ReleaseEvent = { kind: 'release', run: held.event.run, by, why, checks: held.event.checks, held: held.number }
  const begun = await writeGate(store, new Date(nowMs()).toISOString(), (state, number) => {
    if (state.releasing !== null || !state.releasable.some((each) => each.number === held.number))
      throw refused(`Somebody else was faster than this release of run ${held.event.run}.`, 'readflow gate says how things stand.')
    return { event, state: { ...state, releasing: number } }
  })
  const finished = await finishRelease(tables, begun!.number)
  if (!finished) throw refused(`Run ${held.event.run} was not released: another build came first.`, 'readflow gate says how things stand.')
  return finished
}

const isMeant = (run: string, wanted: string) => run === wanted || (wanted.length >= MIN_PREFIX && run.startsWith(wanted))

/** The entry of the held run. Throws where it can't be released. */
const findHeld = async ({ store }: GateTables, wanted: string, published: Published | null) => {
  const entries = await listGate(store, { limit: ENTRIES })
  const runs = new Set(
    entries.filter((entry) => entry.event.kind === 'held' && isMeant(entry.event.run, wanted)).map(({ event }) => event.run),
  )
  const [run, other] = runs
  const list = 'readflow gate lists what is held.'
  if (other !== undefined) throw new ReadflowError('config', `More than one run begins with '${wanted}'.`, { hint: list })
  if (run === undefined) throw new ReadflowError('config', `There is no held run '${wanted}'.`, { hint: list })
  const released = entries.find(({ event }) => event.kind === 'released' && event.run === run)
  if (released?.event.kind === 'released') throw refused(`Run ${run} was released already, at ${released.at}.`)
  const held = entries.find(({ event }) => event.kind === 'held' && event.run === run) as GateEntry & { event: HeldEvent }
  if (!isHolding(held.state.hold, published?.version ?? null))
    throw refused(`Gold has moved on to version ${published?.version ?? 'none'} since run ${run}, which was made for another.`, list)
  const state = entries[0]!.state
  if (!state.releasable.some(({ number }) => number === held.number))
    throw refused(
      state.hold
        ? `Newer builds were held since run ${run}, and what it staged may be gone; run ${state.hold.run} is the newest.`
        : `Run ${run} holds nothing any more: a later build passed.`,
      list,
    )
  return held
}

/**
 * Finishes the release that was begun, however far it came; with `number`, tells of that one also where somebody else
 * finished it. Null where there is none, or where another build came first: it is given up then, on record.
 */
export const finishRelease = async (tables: GateTables, number?: number): Promise<Released | null> => {
  const { store } = tables
  const newest = await readGate(store)
  const wanted = number ?? newest?.state.releasing ?? null
  if (wanted === null) return null
  const { event } = (await readGate(store, { number: wanted })) as GateEntry & { event: ReleaseEvent }
  if (newest?.state.releasing !== wanted) return finishedByOthers(tables, wanted, event)
  const held = (await readGate(store, { number: event.held })) as GateEntry & { event: HeldEvent }
  try {
    const published = held.event.changes.length === 0 ? null : await publishHeld(tables, held.event, event)
    await note(tables, wanted, { kind: 'released', run: event.run, goldVersion: published?.version ?? null }, event)
    return { run: event.run, published, waived: event.checks.map(({ id }) => id) }
  } catch (error) {
    if (!(error instanceof ReadflowError && (error.code === 'lake-fenced' || error.code === 'lake-conflict'))) throw error
    const reason = 'another build changed Gold first'
    await note(tables, wanted, { kind: 'abandoned', run: event.run, reason }, event)
    return finishedByOthers(tables, wanted, event)
  }
}

/** Commits what was staged, or nothing of it where another build has come since. */
const publishHeld = async ({ store, gold, nowMs }: GateTables, held: HeldEvent, { run, by, why }: ReleaseEvent): Promise<Published> => {
  const changes = held.changes as readonly GoldChange[]
  for (const change of changes)
    if (stateOf(change, await gold[change.name].snapshot()) === 'superseded')
      throw new ReadflowError('lake-conflict', `another build has changed gold.${change.name} since`)
  // As the build would have: what it had to say of itself was kept with it.
  const said = held.publish as unknown as Omit<Published, 'version' | 'tables' | 'publishId' | 'publishedAt'>
  const publishedAt = new Date(nowMs()).toISOString()
  const entry = { ...said, publishId: run, publishedAt, released: { run, by, why } }
  return commitAndPublish({ store, tables: gold, changes, after: held.baseVersion, entry })
}

const note = async (
  { store, nowMs }: GateTables,
  number: number,
  event: { kind: 'released'; run: string; goldVersion: number | null } | { kind: 'abandoned'; run: string; reason: string },
  begun: ReleaseEvent,
) => {
  const at = new Date(nowMs()).toISOString()
  await writeGate(store, at, (state) => {
    if (state.releasing !== number) return null
    return { event, state: event.kind === 'released' ? afterReleased(state, begun, at) : { ...state, releasing: null } }
  })
}

const finishedByOthers = async ({ store }: GateTables, begun: number, { run, checks }: ReleaseEvent): Promise<Released | null> => {
  const entries = await listGate(store, { limit: ENTRIES, from: begun })
  const done = entries.find(({ event }) => event.kind === 'released' && event.run === run)
  if (done?.event.kind !== 'released') return null
  const version = done.event.goldVersion
  const published = version === null ? null : await readPublished(store, { version })
  return { run, published, waived: checks.map(({ id }) => id) }
}
