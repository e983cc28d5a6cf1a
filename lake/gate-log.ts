import { ReadflowError } from '../runtime/errors.ts'
import type { AddFile } from './delta/actions.ts'
import { numberedList } from './numbered-list.ts'
import type { ObjectStore } from './store/store.ts'

/** A failed check, as the build's statistics gave it. */
export interface GateCheck {
  id: string
  table: string
  column: string | null
  verdict: 'pass' | 'warn' | 'fail'
  measured: number | null
  threshold: string
  message: string
  sampleKeys: readonly string[]
}

/** What keeps Gold as it is. */
export interface GateHold {
  /** The newest build that was held. */
  run: string
  /** When it was. Times are ISO 8601, UTC. */
  at: string
  /** When the first of the builds in a row was held, and how many they are. */
  since: string
  runs: number
  /** The Gold version that stays; null where there was none yet. */
  baseVersion: number | null
  /** Silver's versions that it was made of. */
  inputs: Readonly<Record<string, number>>
  /** False where only what Silver turned away was checked, as no row had changed. */
  isStaged: boolean
  checks: readonly GateCheck[]
}

/** A failed check that a person let pass, until it passes by itself or measures something else. */
export interface Waiver {
  id: string
  measured: number | null
  run: string
  by: string
  at: string
}

/** How things stand after an entry: the newest entry says it all. */
export interface GateState {
  hold: GateHold | null
  /** Held builds that can be released, oldest first, by the number of their entry. */
  releasable: readonly { run: string; number: number }[]
  /** A release that was begun and is to be finished, by the number of its entry. */
  releasing: number | null
  waived: readonly Waiver[]
}

/** What a held build would do to a table, as its author has it; kept as it is. */
export interface HeldChange {
  name: string
  adds: readonly AddFile[]
  removes: readonly { path: string }[]
  version: number
  builds: number | null
}

export interface HeldEvent {
  kind: 'held'
  run: string
  checks: readonly GateCheck[]
  baseVersion: number | null
  /** Empty where nothing was staged. */
  changes: readonly HeldChange[]
  /** What its entry of the published list would say besides. */
  publish: Readonly<Record<string, unknown>>
}

export interface ReleaseEvent {
  kind: 'release'
  run: string
  by: string
  why: string
  checks: readonly GateCheck[]
  /** The number of the held build's entry. */
  held: number
}

export type GateEvent =
  | HeldEvent
  | ReleaseEvent
  /** The release is done; `goldVersion` is null where there was nothing to publish. */
  | { kind: 'released'; run: string; goldVersion: number | null }
  /** The release could not be done. */
  | { kind: 'abandoned'; run: string; reason: string }
  /** A build passed, so that the hold is over or waivers are. */
  | { kind: 'passed'; run: string; goldVersion: number | null; recovered: readonly string[] }

export interface GateEntry {
  number: number
  at: string
  event: GateEvent
  state: GateState
}

export const openState: GateState = { hold: null, releasable: [], releasing: null, waived: [] }

/** Whether it still holds the Gold that is published: a build that published and died before it said so has ended it. */
export const isHolding = (hold: GateHold | null, publishedVersion: number | null): hold is GateHold =>
  hold !== null && hold.baseVersion === publishedVersion

const FOLDER = 'gold/_gate/'
const { path: entryPath, numberOf, latest } = numberedList(FOLDER)

/** The newest entry, or the one of a number; null where there is none. */
export const readGate = async (store: ObjectStore, { number }: { number?: number } = {}): Promise<GateEntry | null> => {
  const wanted = number ?? (await latest(store))
  if (wanted === null) return null
  const bytes = await store.get(entryPath(wanted)).catch((error) => {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
    throw error
  })
  return bytes === null ? null : parsed<GateEntry>(entryPath(wanted), bytes)
}

/** The newest entries, newest first; none below `from`. */
export const listGate = async (store: ObjectStore, { limit, from = 0 }: { limit: number; from?: number }): Promise<GateEntry[]> => {
  const newest = (await latest(store)) ?? -1
  const numbers: number[] = []
  const startAfter = newest - 2 * limit > 0 ? entryPath(newest - 2 * limit) : ''
  for await (const { path } of store.list(FOLDER, { startAfter })) {
    const number = numberOf(path)
    if (number !== null && number >= from) numbers.push(number)
  }
  const entries = await Promise.all(numbers.slice(-limit).map((number) => readGate(store, { number })))
  return entries.filter((entry) => entry !== null).reverse()
}

/**
 * Adds the entry after `after` (null: the first). Its state follows from that one's, so it rejects with `lake-conflict`
 * where somebody else wrote in the meantime.
 */
export const appendGate = async (store: ObjectStore, after: GateEntry | null, entry: Omit<GateEntry, 'number'>): Promise<GateEntry> => {
  const next = { number: (after?.number ?? -1) + 1, ...entry }
  const bytes = new TextEncoder().encode(`${JSON.stringify(next)}\n`)
  if ((await store.putIfAbsent(entryPath(next.number), bytes)) === 'exists')
    throw new ReadflowError('lake-conflict', `somebody else wrote entry ${next.number} of the gate`)
  return next
}

/** Removes old entries, but for the newest `keepNewest`, the `keep`, and all that a person did. */
export const pruneGate = async (store: ObjectStore, { keepNewest, keep }: { keepNewest: number; keep: ReadonlySet<number> }) => {
  const numbers: number[] = []
  for await (const { path } of store.list(FOLDER)) {
    const number = numberOf(path)
    if (number !== null && !keep.has(number)) numbers.push(number)
  }
  for (const number of numbers.slice(0, Math.max(0, numbers.length - keepNewest))) {
    const kind = (await readGate(store, { number }))?.event.kind
    if (kind === 'held' || kind === 'passed') await store.delete(entryPath(number))
  }
}

/** What was last checked, be it published, held or found well with nothing to publish. */
export interface Evaluated {
  run: string
  at: string
  /** Silver's versions. */
  inputs: Readonly<Record<string, number>>
  /** What Silver's ledgers count of each entity up to there: all records that came, and the dead letters among them. */
  delivered?: Readonly<Record<string, number>>
  dead: Readonly<Record<string, number>>
  /** What else the intake checks saw then, as their own text. */
  mark?: string
}

const EVALUATED = `${FOLDER}evaluated.json`

/** Null where nothing was ever checked. */
export const readEvaluated = async (store: ObjectStore): Promise<Evaluated | null> => {
  try {
    return parsed<Evaluated>(EVALUATED, await store.get(EVALUATED))
  } catch (error) {
    if (error instanceof ReadflowError && error.code === 'lake-not-found') return null
    throw error
  }
}

export const writeEvaluated = (store: ObjectStore, evaluated: Evaluated): Promise<void> =>
  store.put(EVALUATED, new TextEncoder().encode(`${JSON.stringify(evaluated)}\n`))

const parsed = <T>(path: string, bytes: Uint8Array): T => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T
  } catch (cause) {
    throw new ReadflowError('lake-invalid', `${path} is not valid JSON`, { cause })
  }
}
