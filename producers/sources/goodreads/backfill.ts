import { ReadflowError } from '../../../runtime/errors.ts'
import type { BackfillRequest, PollContext, SourceBatch, SourceRecord } from '../source.ts'
import { createBackfillFailures } from './backfill-failures.ts'
import { isBeyond, isShort, onlyOf, timesOf, turnPage } from './backfill-page.ts'
import { keyOf, progressOf, type ReaderState, readBackfill, waitingOf, writeBackfill } from './backfill-state.ts'
import { createBatcher } from './batcher.ts'
import type { Answer, GoodreadsClient, RawAnswer } from './client.ts'
import { changeOf, createIntake, type createMentioned } from './intake.ts'
import type { Task } from './plan.ts'
import { MAX_PAGES, send } from './poll.ts'
import { runPool } from './pool.ts'
import { noMark } from './position.ts'

const DAY_MS = 86_400_000
/** While so many books and authors wait, no list is read on. */
const MAX_WAITING = 2000

export interface BackfillOptions {
  name: string
  client: GoodreadsClient
  userIds: readonly string[]
  concurrency: number
  mentioned: ReturnType<typeof createMentioned>
}

/**
 * Asks GoodReads for past days: the API gives nothing by date but the lists of readers, which come with what changed last
 * first. So the lists of the configured readers are paged back until they are beyond the first day, all of them at the same
 * pace, and the reviews that changed in these days are taken, with the books and authors that the live poll does not follow
 * yet. A review whose date can not be is left out, as nobody knows of which day it is. Requests go through the client's own
 * throttle, beside those of the live poll. Throws as the poll does; what was answered before is yielded before it.
 */
export async function* backfillGoodreads(
  options: BackfillOptions,
  { fromDay, toDay, position, live, onProgress }: BackfillRequest,
  context: PollContext,
): AsyncGenerator<SourceBatch> {
  const { name, client, userIds, mentioned } = options
  const { pollId, log, nowMs, signal } = context
  if (userIds.length === 0)
    throw new ReadflowError('config', 'Nobody can be asked for past days: the API gives them by reader only, and no reader is named.', {
      hint: 'Name some with --users or GOODREADS_USERS.',
    })
  const [fromMs, endMs] = [Date.parse(fromDay), Date.parse(toDay) + DAY_MS]
  const state = readBackfill(position, live, userIds)
  const { readers, followed, neededMs } = state
  const shows: Task[] = waitingOf(state)
  /** When the newest review changed by which the answer at hand brings a thing. */
  let broughtMs = (_key: string): number => endMs - 1
  const intake = createIntake({
    state: followed,
    isConfigured: () => false,
    nowMs,
    mentioned,
    found: (method, id) => {
      shows.push({ method, id })
      const key = keyOf({ method, id })
      neededMs.set(key, broughtMs(key))
    },
  })
  const batcher = createBatcher({ positionNow: () => writeBackfill(state), nowMs })
  const running = new Set<string>()
  const listed = new Map<string, Set<string>>()
  const asked = new Map<Task['method'], number>()
  const stop = new AbortController()
  const isSequential = client.minIntervalMs > 0

  const addRaws = (raws: RawAnswer[]) =>
    batcher.add(raws.map((raw) => ({ entity: 'raw', value: { ...raw, poll_id: pollId, source: name }, requestId: raw.request_id })))

  /** The reader whose list is the least far back, so that a day is done for all of them before the next one. */
  const furthestAhead = (): [string, ReaderState] | undefined => {
    let ahead: [string, ReaderState] | undefined
    const reached = ({ reachedMs }: ReaderState) => reachedMs ?? Number.POSITIVE_INFINITY
    for (const [id, reader] of readers) {
      if (reader.isDone || running.has(keyOf({ method: 'review.list', id }))) continue
      if (!ahead || reached(reader) > reached(ahead[1])) ahead = [id, reader]
    }
    return ahead
  }
  const isFree = (method: Task['method']) => !isSequential || (asked.get(method) ?? 0) === 0
  /** The book or author of the newest day, so that one day is done after the other. */
  const takeShow = (): Task | undefined => {
    let newest = -1
    const needed = (at: number) => neededMs.get(keyOf(shows[at]!)) ?? endMs
    for (let at = 0; at < shows.length; at++) if (isFree(shows[at]!.method) && (newest < 0 || needed(at) > needed(newest))) newest = at
    return newest < 0 ? undefined : shows.splice(newest, 1)[0]
  }
  // Lists first: no day is done before all of them are beyond it.
  const next = (): Task | null => {
    const reader = isFree('review.list') && shows.length < MAX_WAITING ? furthestAhead() : undefined
    const [id, { page }] = reader ?? ['', { page: 1 }]
    const task: Task | undefined = reader ? { method: 'review.list', id, page, listed: listed.get(id) ?? new Set() } : takeShow()
    if (!task) return null
    running.add(keyOf(task))
    asked.set(task.method, (asked.get(task.method) ?? 0) + 1)
    return task
  }

  const takePage = (task: Task & { method: 'review.list' }, answer: Answer | null): SourceRecord[] => {
    const reader = readers.get(task.id)!
    const reviews = answer?.parsed.reviews ?? []
    if (!answer || reviews.every(({ review_id }) => task.listed.has(review_id))) {
      reader.isDone = true
      return []
    }
    // A page may begin with what the one before it ended with.
    const ids = new Set(reviews.map(({ review_id }) => review_id))
    listed.set(task.id, ids)
    const { parsed, requestId } = answer
    const changes = reviews.flatMap((review) => changeOf(review, nowMs()) ?? [])
    const wanted = reviews.filter((review) => {
      const changedMs = changeOf(review, nowMs())
      return changedMs !== null && changedMs >= fromMs && changedMs < endMs
    })
    const { paging } = parsed
    turnPage(reader, { parsed, changes, freshCount: [...ids].filter((id) => !task.listed.has(id)).length })
    reader.isDone = isBeyond(changes, fromMs) || (paging !== null && paging.end >= paging.total) || task.page >= MAX_PAGES
    if (reader.isDone && isShort(reader, fromMs)) failures.giveUpShort(task)
    const only = onlyOf(parsed, wanted)
    const times = timesOf(only, (review) => changeOf(review, nowMs()) ?? fromMs)
    for (const [key, atMs] of times) if (neededMs.has(key)) neededMs.set(key, Math.max(atMs, neededMs.get(key)!))
    broughtMs = (key) => times.get(key) ?? endMs - 1
    return intake.takeList(only, requestId, undefined, noMark).records
  }

  const takeShown = ({ method, id }: Task, answer: Answer | null): SourceRecord[] => {
    const { known, pending } = method === 'book.show' ? followed.books : followed.authors
    known.add(id)
    pending.delete(id)
    const key = keyOf({ method, id })
    // The authors of a book are needed for the same day.
    const atMs = neededMs.get(key) ?? endMs - 1
    broughtMs = () => atMs
    neededMs.delete(key)
    // Of reviews that a book or author is shown with nobody knows whether they are of these days.
    return answer ? intake.takeShown({ ...answer.parsed, reviews: [] }, answer.requestId) : []
  }

  const call = { signal: AbortSignal.any([signal, stop.signal]), skipsPartial: intake.skipsPartial }
  const failures = createBackfillFailures({ state, fromMs, client, call, addRaws, log })
  const run = async (task: Task) => ({ task, ...(await send(client, task, call)) })
  const report = () => onProgress(progressOf(state, fromMs, endMs))
  report()
  try {
    for await (const { task, answer, raws, error } of runPool({ limit: isSequential ? 3 : options.concurrency, next, run })) {
      running.delete(keyOf(task))
      asked.set(task.method, (asked.get(task.method) ?? 1) - 1)
      state.requests++
      addRaws(raws)
      const fault = error ?? failures.endOf(task, answer)
      if (fault === undefined && !failures.isAbsent(task, answer)) {
        failures.succeeded(task, answer)
        batcher.add(task.method === 'review.list' ? takePage(task, answer) : takeShown(task, answer))
      } else if (!(await failures.failed(task, fault)) && task.method !== 'review.list') shows.push(task)
      report()
      if (batcher.isDue()) yield batcher.flush()
    }
    batcher.add(intake.takeHeld())
    yield batcher.flush()
    report()
  } catch (error) {
    if (!signal.aborted && !batcher.isEmpty()) yield batcher.flush()
    throw error
  } finally {
    stop.abort()
  }
}
