import { z } from 'zod'
import type { BackfillProgress, Position } from '../source.ts'
import { readPosition, type State, writePosition } from './position.ts'

const DAY_MS = 86_400_000

/** How far back a reader's list was read. */
export interface ReaderState {
  /** The page that comes next, from 1. */
  page: number
  /** How many there are, as the last page claimed; null before the first. */
  pages: number | null
  /** The oldest change on the pages so far, epoch ms; null before the first page. */
  reachedMs: number | null
  isDone: boolean
}

export interface BackfillState {
  readers: Map<string, ReaderState>
  requests: number
  /** What is known of books and authors. */
  followed: State
}

const readerShape = z.tuple([z.number(), z.number().nullable(), z.number().nullable(), z.boolean()])
const shape = z.object({
  backfill: z.literal(1),
  requests: z.number(),
  readers: z.record(z.string(), readerShape),
  followed: z.record(z.string(), z.unknown()),
})

const atStart = (): ReaderState => ({ page: 1, pages: null, reachedMs: null, isDone: false })

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

/** The state that a position holds; a fresh one where there is none, or it is not one of ours. Readers may have come since. */
export const readBackfill = (position: Position | null, live: Position | null, userIds: readonly string[]): BackfillState => {
  const { data } = shape.safeParse(position)
  const kept = Object.entries(data?.readers ?? {}).map(
    ([id, [page, pages, reachedMs, isDone]]) => [id, { page, pages, reachedMs, isDone }] as const,
  )
  const found = new Map<string, ReaderState>(kept)
  return {
    readers: new Map(userIds.map((id) => [id, found.get(id) ?? atStart()])),
    requests: data?.requests ?? 0,
    followed: data ? readPosition(data.followed) : knownOf(live),
  }
}

export const writeBackfill = ({ readers, requests, followed }: BackfillState): Position => ({
  backfill: 1,
  requests,
  readers: Object.fromEntries(Array.from(readers, ([id, { page, pages, reachedMs, isDone }]) => [id, [page, pages, reachedMs, isDone]])),
  followed: writePosition(followed, () => false),
})

/** Whether nothing is left to ask. */
export const isComplete = ({ readers, followed }: BackfillState): boolean =>
  [...readers.values()].every(({ isDone }) => isDone) && followed.books.pending.size === 0 && followed.authors.pending.size === 0

/** How far it is. A day is done once every reader's list was read beyond it. */
export const progressOf = ({ readers, requests, followed }: BackfillState, fromMs: number, endMs: number): BackfillProgress => {
  const open = [...readers.values()].filter(({ isDone }) => !isDone)
  const reachedMs = Math.max(Number.NEGATIVE_INFINITY, ...open.map((reader) => reader.reachedMs ?? Number.POSITIVE_INFINITY))
  const days = Math.round((endMs - fromMs) / DAY_MS)
  const undone = Math.ceil((Math.min(endMs, reachedMs) - fromMs) / DAY_MS)
  const pagesLeft = open.reduce((sum, { page, pages }) => sum + (pages === null ? 1 : Math.max(1, pages - page + 1)), 0)
  const shows = followed.books.pending.size + followed.authors.pending.size
  return { requests, requestsLeft: pagesLeft + shows, daysDone: Math.min(days, Math.max(0, days - Math.max(0, undone))), days }
}
