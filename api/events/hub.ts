import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { RUNS_ROOT } from '../../lineage/runs/read.ts'
import { follow } from '../../runtime/follow.ts'
import type { Log } from '../../runtime/log.ts'
import type { GoldReader } from '../gold/reader.ts'
import { type Event, eventsBetween, type Position } from './history.ts'

export interface Hub {
  /**
   * Hands over what comes, from now on or after a position, until `leave` is called. What came meanwhile is told first.
   * Rejects where the lake does not answer.
   */
  subscribe: (hear: (events: readonly Event[]) => void, after?: Position) => Promise<{ leave: () => void }>
  close: () => Promise<void>
}

/** Looks for new Gold versions and runs as long as anybody listens, once for all of them. */
export const openHub = ({
  store,
  gold,
  log,
  intervalMs = 1000,
}: {
  store: ObjectStore
  gold: GoldReader
  log: Log
  intervalMs?: number
}): Hub => {
  const controller = new AbortController()
  const table = openTable(store, RUNS_ROOT)
  const listeners = new Set<(events: readonly Event[]) => void>()
  let position: Position | undefined
  let looking: Promise<void> | undefined
  let following: Promise<void> | undefined

  const now = async (): Promise<Position> => ({ gold: gold.current()?.version ?? -1, runs: (await table.snapshot()).version })

  const look = async () => {
    const next = await now()
    const events = position ? await eventsBetween(table, position, next) : []
    position = next
    if (events.length > 0) for (const hear of listeners) hear(events)
  }
  const lookOnce = () => {
    looking ??= look().finally(() => {
      looking = undefined
    })
    return looking
  }
  const followListeners = async () => {
    await follow({
      look: lookOnce,
      complain: (error) => log.warn({ error }, 'events wait for the lake'),
      intervalMs,
      signal: controller.signal,
      isWanted: () => listeners.size > 0,
    })
    // Who listens next hears from then on, and not what came while nobody did.
    position = undefined
    following = undefined
  }

  const subscribe: Hub['subscribe'] = async (hear, after) => {
    // First, so that no event falls between what was and what comes; its own past is told before either.
    const early: (readonly Event[])[] = []
    let told = (events: readonly Event[]): void => {
      early.push(events)
    }
    const listener = (events: readonly Event[]) => told(events)
    listeners.add(listener)
    try {
      if (!position) await lookOnce()
      const from = { ...position! }
      early.length = 0
      const past = after ? await eventsBetween(table, after, from) : []
      if (past.length > 0) hear(past)
      for (const events of early) hear(events)
      told = hear
    } catch (error) {
      listeners.delete(listener)
      throw error
    }
    following ??= followListeners()
    return { leave: () => void listeners.delete(listener) }
  }

  const close = async () => {
    controller.abort()
    listeners.clear()
    await following
    await looking?.catch(() => undefined)
  }
  return { subscribe, close }
}
