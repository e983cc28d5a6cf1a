import { readEntries } from '../../lake/delta/load.ts'
import type { Table } from '../../lake/delta/table.ts'
import { listPublished, type Published } from '../../lake/published.ts'
import { readRows } from '../../lineage/runs/read.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { shapeRun } from '../pipeline/runs.ts'

/** How far somebody has heard: the Gold version, and the version of `ops/runs`; -1 before the first. */
export interface Position {
  gold: number
  runs: number
}

export interface Event {
  /** The position after it: who goes on from there misses nothing. */
  id: string
  type: 'gold' | 'run' | 'gap'
  data: Record<string, unknown>
}

/** A position as the id of an event. */
export const idOf = ({ gold, runs }: Position): string => `${gold}.${runs}`

/** The position of an id that was given out; null for another text. */
export const positionOf = (id: string): Position | null => {
  const found = /^(-1|\d{1,12})\.(-1|\d{1,12})$/.exec(id)
  return found && { gold: Number(found[1]), runs: Number(found[2]) }
}

/** More than this is not told one by one. */
const MAX_VERSIONS = 1000

/**
 * What came after one position up to another, in order: versions of Gold, then rows of runs. What is not kept any more is told
 * as a `gap`. Several rows of one commit have the id before it, but for the last: a reader that breaks off hears some twice.
 */
export const eventsBetween = async (table: Table, from: Position, to: Position): Promise<Event[]> => [
  ...(await goldBetween(table, from, to)),
  ...(await runsBetween(table, { gold: Math.max(from.gold, to.gold), runs: from.runs }, to)),
]

const goldBetween = async ({ store }: Table, from: Position, to: Position): Promise<Event[]> => {
  const wanted = to.gold - from.gold
  if (wanted <= 0) return []
  const found = (await listPublished(store, { before: to.gold + 1, limit: Math.min(wanted, MAX_VERSIONS) })).toReversed()
  const told = found.filter(({ version }) => version > from.gold)
  const events = told.map(
    (published): Event => ({ id: idOf({ gold: published.version, runs: from.runs }), type: 'gold', data: shape(published) }),
  )
  const missed = wanted - told.length
  if (missed === 0) return events
  const detail = `${missed} Gold versions after ${from.gold} are not told one by one: /v1/versions lists those that are kept.`
  return [
    { id: idOf({ gold: (told[0]?.version ?? to.gold + 1) - 1, runs: from.runs }), type: 'gap', data: { of: 'gold', detail } },
    ...events,
  ]
}

const shape = ({ version, publishedAt, completeThrough, completeThroughByEntity, publishId, released }: Published) => ({
  version,
  published_at: publishedAt,
  complete_through: completeThrough,
  complete_through_by_entity: completeThroughByEntity,
  run_id: publishId,
  released: released ?? null,
})

const runsBetween = async (table: Table, from: Position, to: Position): Promise<Event[]> => {
  const events: Event[] = []
  let { runs } = from
  if (to.runs - runs > MAX_VERSIONS) {
    runs = to.runs - MAX_VERSIONS
    events.push(runsGap(from, { gold: from.gold, runs }))
  }
  try {
    for (let version = runs + 1; version <= to.runs; version++) {
      const [actions = []] = await readEntries(table, version, version)
      const added = actions.flatMap((action) => ('add' in action && action.add.dataChange ? [action.add] : []))
      const rows = added.length === 0 ? [] : await readRows(table, await table.snapshot(), added)
      for (const [index, run] of rows.entries()) {
        const isLast = index === rows.length - 1
        events.push({ id: idOf({ gold: from.gold, runs: isLast ? version : version - 1 }), type: 'run', data: shapeRun(run) })
      }
    }
    return events
  } catch (error) {
    if (!(error instanceof ReadflowError) || error.code !== 'lake-not-found') throw error
    return [...events, runsGap(from, { gold: from.gold, runs: to.runs })]
  }
}

const runsGap = (from: Position, after: Position): Event => ({
  id: idOf(after),
  type: 'gap',
  data: { of: 'run', detail: `Runs after version ${from.runs} of ops/runs are not told one by one: /v1/runs lists them.` },
})
