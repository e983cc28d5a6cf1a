import { openTable } from '../../lake/delta/table.ts'
import { readPublished } from '../../lake/published.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { RUNS_ROOT } from '../../lineage/runs/read.ts'
import { errorLine } from '../../runtime/errors.ts'
import { follow } from '../../runtime/follow.ts'
import type { Log } from '../../runtime/log.ts'
import type { GoldReader } from '../gold/reader.ts'
import { aheadGap, type Event, type EventType, eventsBetween, eventTypes, idOf, later, type Position, positionOf } from './history.ts'

export interface Subscriber {
  /** How far it has heard; without it, it hears what comes from now on. */
  after?: Position | undefined
  types: readonly EventType[]
  /** Is given the id that it begins at, once the lake has answered and before the first event. What it throws refuses it. */
  begin: (id: string) => void
  /** Takes an event. The next one waits for that, and so do others of it, but nobody else. */
  hear: (event: Event) => Promise<void>
}

export interface Hub {
  /** Hands over what comes until `leave` is called. Rejects where the lake does not answer. */
  subscribe: (subscriber: Subscriber) => Promise<{ leave: () => void }>
  close: () => Promise<void>
}

interface Listener {
  at: Position
  wanted: ReadonlySet<EventType>
  hear: Subscriber['hear']
  /** Whether it is still being told what came before. */
  isBusy: boolean
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
  const listeners = new Set<Listener>()
  let following: Promise<void> | undefined

  /** Up to where events are told: a Gold that is published is one once it answers. */
  const now = async (): Promise<Position> => ({ gold: gold.current()?.version ?? -1, runs: (await table.snapshot()).version })

  const tell = async (listener: Listener, events: AsyncIterable<Event> | readonly Event[], to: Position) => {
    for await (const event of events) {
      if (!listeners.has(listener)) return
      await listener.hear(event)
      listener.at = later(listener.at, positionOf(event.id)!)
    }
    listener.at = later(listener.at, to)
  }
  const tellAside = (listener: Listener, events: AsyncIterable<Event> | readonly Event[], to: Position) => {
    listener.isBusy = true
    tell(listener, events, to)
      .catch((error: unknown) => log.warn({ error: errorLine(error) }, 'events wait for the lake'))
      .finally(() => {
        listener.isBusy = false
      })
  }

  const look = async () => {
    const to = await now()
    const waiting = [...listeners].filter(({ isBusy, at }) => !isBusy && (at.gold < to.gold || at.runs < to.runs))
    // Who has heard the same is told the same, which is read once.
    for (const alike of Map.groupBy(waiting, ({ at, wanted }) => `${idOf(at)} ${[...wanted]}`).values()) {
      const { at, wanted } = alike[0]!
      const events: Event[] = []
      for await (const event of eventsBetween(table, at, to, wanted)) events.push(event)
      for (const listener of alike) tellAside(listener, events, to)
    }
  }
  const followListeners = async () => {
    await follow({
      look,
      complain: (error) => log.warn({ error }, 'events wait for the lake'),
      intervalMs,
      signal: controller.signal,
      isWanted: () => listeners.size > 0,
    })
    following = undefined
  }

  async function* pastOf(asked: Position, { at, wanted }: Listener, to: Position) {
    const isAhead = { gold: asked.gold > at.gold, run: asked.runs > at.runs }
    if (eventTypes.some((type) => wanted.has(type) && isAhead[type])) yield aheadGap(asked, at)
    yield* eventsBetween(table, at, to, wanted)
  }

  const subscribe: Hub['subscribe'] = async ({ after, types, begin, hear }) => {
    const to = await now()
    const published = to.gold >= (after?.gold ?? 0) ? to.gold : ((await readPublished(store))?.version ?? -1)
    // What is published and does not answer yet is no news to who comes without a position: it began before.
    const here = { gold: to.gold === -1 ? published : to.gold, runs: to.runs }
    const known = Math.max(to.gold, published)
    const at = after ? { gold: after.gold > known ? here.gold : after.gold, runs: Math.min(after.runs, to.runs) } : here
    begin(idOf(at))
    const listener: Listener = { at, wanted: new Set(types), hear, isBusy: false }
    listeners.add(listener)
    if (after) tellAside(listener, pastOf(after, listener, to), to)
    following ??= followListeners()
    return { leave: () => void listeners.delete(listener) }
  }

  const close = async () => {
    controller.abort()
    listeners.clear()
    await following
  }
  return { subscribe, close }
}
