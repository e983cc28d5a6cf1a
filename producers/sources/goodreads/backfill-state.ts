import { z } from 'zod'
import type { BackfillMissing } from '../../../lineage/backfill/inbox.ts'
import type { BackfillProgress, Position } from '../source.ts'
import type { Task } from './plan.ts'
import { readPosition, type State, writePosition } from './position.ts'

const DAY_MS = 86_400_000

/** How far back a reader's list was read. */
export interface ReaderState {
  /** The page that comes next, from 1. */
  page: number
  /** About how many there are, as the last page claimed; null before the first. */
  pages: number | null
  /** How far back it was read, epoch ms; null before the first page. */
  reachedMs: number | null
  isDone: boolean
  /** How many entries the pages so far had, those included that they count and do not show. */
  seen: number
  /** How many the list claims; null where it claims nothing. */
  total: number | null
}

export interface BackfillState {
  readers: Map<string, ReaderState>
  requests: number
  /** What is known of books and authors. */
  followed: State
  /** When the newest review changed by which a book or author is asked for, epoch ms, by `keyOf`. */
  neededMs: Map<string, number>
  /** Why the backfill goes on without a thing, by `keyOf`. */
  givenUp: Map<string, string>
}

/** Names what a request is of. */
export const keyOf = ({ method, id }: Pick<Task, 'method' | 'id'>): string => `${method} ${id}`

const kinds = { 'review.list': 'reader', 'book.show': 'book', 'author.show': 'author' } as const

const number = z.number()
// An earlier version did not count entries.
const readerShape = z.tuple([number, number.nullable(), number.nullable(), z.boolean(), number.optional(), number.nullish()])
const shape = z.object({
  backfill: z.literal(1),
  requests: z.number(),
  readers: z.record(z.string(), readerShape),
  followed: z.record(z.string(), z.unknown()),
  neededMs: z.record(z.string(), z.number()).default({}),
  givenUp: z.record(z.string(), z.string()).default({}),
})

const atStart = (): ReaderState => ({ page: 1, pages: null, reachedMs: null, isDone: false, seen: 0, total: null })

/** What the live poll follows, or is about to ask for, needs no further request. */
const knownOf = (live: Position | null): State => {
  const state = readPosition(live)
  const { books, authors } = state
  for (const followed of [books, authors]) {
    for (const id of followed.pending.oldest()) {
      followed.known.add(id)
      followed.pending.delete(id)
    }
  }
  return readPosition(writePosition({ ...state, marks: new Map(), listings: new Map() }, () => false))
}

const readState = (position: Position | null, live: Position | null, userIds: readonly string[]): BackfillState => {
  const { data } = shape.safeParse(position)
  const kept = Object.entries(data?.readers ?? {}).map(
    ([id, [page, pages, reachedMs, isDone, seen = 0, total = null]]) => [id, { page, pages, reachedMs, isDone, seen, total }] as const,
  )
  const found = new Map<string, ReaderState>(kept)
  const readers = new Map(userIds.map((id) => [id, found.get(id) ?? atStart()]))
  const isOfReader = (key: string) => key.startsWith('review.list ')
  const givenUp = Object.entries(data?.givenUp ?? {}).filter(([key]) => !isOfReader(key) || readers.has(key.split(' ')[1]!))
  return {
    readers,
    requests: data?.requests ?? 0,
    followed: data ? readPosition(data.followed) : knownOf(live),
    neededMs: new Map(Object.entries(data?.neededMs ?? {})),
    givenUp: new Map(givenUp),
  }
}

/** What was given up is asked for again, and nothing else; a list from its first page, as it may have moved since. */
const tryAgain = ({ readers, followed, givenUp }: BackfillState): void => {
  for (const key of givenUp.keys()) {
    const [method, id = ''] = key.split(' ')
    if (method !== 'review.list') (method === 'book.show' ? followed.books : followed.authors).pending.add(id)
    else if (readers.has(id)) readers.set(id, atStart())
  }
  givenUp.clear()
}

/**
 * The state that a position holds; a fresh one where there is none, or it is not one of ours. Readers may have come since. One that
 * was whole begins anew, or tries again what it had to go without.
 */
export const readBackfill = (position: Position | null, live: Position | null, userIds: readonly string[]): BackfillState => {
  const state = readState(position, live, userIds)
  if (position === null || !isComplete(state)) return state
  if (state.givenUp.size === 0) return readState(null, live, userIds)
  tryAgain(state)
  return { ...state, requests: 0 }
}

export const writeBackfill = ({ readers, requests, followed, neededMs, givenUp }: BackfillState): Position => ({
  backfill: 1,
  requests,
  readers: Object.fromEntries(
    Array.from(readers, ([id, { page, pages, reachedMs, isDone, seen, total }]) => [id, [page, pages, reachedMs, isDone, seen, total]]),
  ),
  followed: writePosition(followed, () => false),
  neededMs: Object.fromEntries(neededMs),
  givenUp: Object.fromEntries(givenUp),
})

/** Books and authors that are still to be asked for. */
export const waitingOf = ({ followed: { books, authors } }: Pick<BackfillState, 'followed'>) => [
  ...books.pending.oldest().map((id) => ({ method: 'book.show' as const, id })),
  ...authors.pending.oldest().map((id) => ({ method: 'author.show' as const, id })),
]

/** Whether nothing is left to ask. */
const isComplete = (state: BackfillState): boolean =>
  [...state.readers.values()].every(({ isDone }) => isDone) && waitingOf(state).length === 0

const missingOf = (givenUp: BackfillState['givenUp']): BackfillMissing[] =>
  Array.from(givenUp, ([key, why]) => {
    const [method, id = ''] = key.split(' ')
    return { kind: kinds[method as Task['method']], id, why }
  })

/**
 * How far it is. A day is done once every reader's list was read beyond it, and no book or author of its reviews waits. The
 * pages that are left are taken to bring as many books and authors as those before.
 */
export const progressOf = (state: BackfillState, fromMs: number, endMs: number): BackfillProgress => {
  const { readers, requests, neededMs, givenUp } = state
  const all = [...readers.values()]
  const open = all.filter(({ isDone }) => !isDone)
  const reachedMs = Math.max(Number.NEGATIVE_INFINITY, ...open.map((reader) => reader.reachedMs ?? Number.POSITIVE_INFINITY))
  const days = Math.round((endMs - fromMs) / DAY_MS)
  let undone = Math.ceil((Math.min(endMs, reachedMs) - fromMs) / DAY_MS)
  const waiting = waitingOf(state)
  for (const task of waiting) {
    // The day of what has no time is not known: it may be any.
    const dayIndex = Math.floor(((neededMs.get(keyOf(task)) ?? endMs - 1) - fromMs) / DAY_MS)
    undone = Math.max(undone, dayIndex + 1)
  }
  const pagesRead = all.reduce((sum, { page }) => sum + page - 1, 0)
  const pagesLeft = open.reduce((sum, { page, pages }) => sum + (pages === null ? 1 : Math.max(1, pages - page + 1)), 0)
  const shows = Math.max(0, requests - pagesRead) + waiting.length
  const showsToCome = pagesRead === 0 ? 0 : Math.round((pagesLeft * shows) / pagesRead)
  return {
    requests,
    requestsLeft: pagesLeft + waiting.length + showsToCome,
    daysDone: days - Math.min(days, Math.max(0, undone)),
    days,
    missing: missingOf(givenUp),
  }
}
