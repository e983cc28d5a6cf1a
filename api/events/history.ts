import { readEntries } from '../../lake/delta/load.ts'
import type { Table } from '../../lake/delta/table.ts'
import { type Published, readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { readRows } from '../../lineage/runs/read.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { shapeRun } from '../pipeline/runs.ts'

/** How far somebody has heard: the Gold version, and the version of `ops/runs`; -1 before the first. */
export interface Position {
  gold: number
  runs: number
}

export const eventTypes = ['gold', 'run'] as const
export type EventType = (typeof eventTypes)[number]

export interface Event {
  /** The position after it: who goes on from there misses nothing. */
  id: string
  type: EventType | 'gap'
  data: Record<string, unknown>
}

/** A position as the id of an event. */
export const idOf = ({ gold, runs }: Position): string => `${gold}.${runs}`

/** The position of an id that was given out; null for another text. */
export const positionOf = (id: string): Position | null => {
  const found = /^(-1|\d{1,12})\.(-1|\d{1,12})$/.exec(id)
  return found && { gold: Number(found[1]), runs: Number(found[2]) }
}

/** The later one of each. */
export const later = (a: Position, b: Position): Position => ({ gold: Math.max(a.gold, b.gold), runs: Math.max(a.runs, b.runs) })

/** More than this is not told one by one. */
const MAX_VERSIONS = 1000

/**
 * What came after one position up to another, in order, as it is read: versions of Gold, then rows of runs, as far as they are
 * wanted. What is not kept any more is told as a `gap`. Several rows of one commit have the id before it, but for the last: a
 * reader that breaks off hears some twice.
 */
export async function* eventsBetween(table: Table, from: Position, to: Position, wanted: ReadonlySet<EventType>): AsyncGenerator<Event> {
  if (wanted.has('gold')) yield* goldBetween(table.store, from, to)
  if (wanted.has('run')) yield* runsBetween(table, { gold: Math.max(from.gold, to.gold), runs: from.runs }, to)
}

async function* goldBetween(store: ObjectStore, from: Position, to: Position): AsyncGenerator<Event> {
  if (to.gold <= from.gold) return
  const first = await firstKept(store, Math.max(from.gold + 1, to.gold - MAX_VERSIONS + 1), to.gold)
  let told = from.gold
  const gapBefore = (version: number): Event => {
    const detail = `${version - told - 1} Gold versions after ${told} are not told one by one: /v1/versions lists those that are kept.`
    return { id: idOf({ gold: version - 1, runs: from.runs }), type: 'gap', data: { of: 'gold', detail } }
  }
  for (let version = first; version <= to.gold; version++) {
    const published = await readPublished(store, { version })
    if (!published) continue
    if (version > told + 1) yield gapBefore(version)
    yield { id: idOf({ gold: version, runs: from.runs }), type: 'gold', data: shape(published) }
    told = version
  }
  if (told < to.gold) yield gapBefore(to.gold + 1)
}

/** The first version that is kept, from one up to another: they go oldest first. One more than the last where none is. */
const firstKept = async (store: ObjectStore, from: number, to: number): Promise<number> => {
  if (await readPublished(store, { version: from })) return from
  let [low, high] = [from + 1, to + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (await readPublished(store, { version: middle })) high = middle
    else low = middle + 1
  }
  return low
}

const shape = ({ version, publishedAt, completeThrough, completeThroughByEntity, publishId, released }: Published) => ({
  version,
  published_at: publishedAt,
  complete_through: completeThrough,
  complete_through_by_entity: completeThroughByEntity,
  run_id: publishId,
  released: released ?? null,
})

async function* runsBetween(table: Table, from: Position, to: Position): AsyncGenerator<Event> {
  let { runs } = from
  if (to.runs - runs > MAX_VERSIONS) {
    runs = to.runs - MAX_VERSIONS
    yield runsGap(from, { gold: from.gold, runs })
  }
  for (let version = runs + 1; version <= to.runs; version++) {
    const rows = await rowsOf(table, version)
    if (rows === null) return yield runsGap({ gold: from.gold, runs: version - 1 }, { gold: from.gold, runs: to.runs })
    for (const [index, run] of rows.entries()) {
      const isLast = index === rows.length - 1
      yield { id: idOf({ gold: from.gold, runs: isLast ? version : version - 1 }), type: 'run', data: shapeRun(run) }
    }
  }
}

/** The rows that a version added; null where that is not kept any more. */
const rowsOf = async (table: Table, version: number) => {
  try {
    const [actions = []] = await readEntries(table, version, version)
    const added = actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : []))
    return added.length === 0 ? [] : await readRows(table, await table.snapshot(), added)
  } catch (error) {
    if (!(error instanceof ReadflowError) || error.code !== 'lake-not-found') throw error
    return null
  }
}

const runsGap = (from: Position, after: Position): Event => ({
  id: idOf(after),
  type: 'gap',
  data: { of: 'run', detail: `Runs after version ${from.runs} of ops/runs are not told one by one: /v1/runs lists them.` },
})

/** Told to who comes with a position that is not reached yet, as of another lake, or one that was put back; it goes on from `at`. */
export const aheadGap = (asked: Position, at: Position): Event => ({
  id: idOf(at),
  type: 'gap',
  data: {
    of: asked.gold > at.gold ? 'gold' : 'run',
    detail: `The id ${idOf(asked)} is ahead of this lake, which is at ${idOf(at)}: what was heard before is of another lake, or was taken back.`,
  },
})
