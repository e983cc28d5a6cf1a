import { ReadflowError } from '../../../runtime/errors.ts'
import type { Review } from '../../../schemas/records.ts'
import type { BackfillRequest, PollContext, SourceBatch, SourceRecord } from '../source.ts'
import { isComplete, progressOf, type ReaderState, readBackfill, writeBackfill } from './backfill-state.ts'
import { createBatcher } from './batcher.ts'
import type { Answer, GoodreadsClient, RawAnswer } from './client.ts'
import { createFailures } from './failures.ts'
import { changeOf, createIntake, type createMentioned } from './intake.ts'
import type { ParsedResponse } from './parse/response.ts'
import type { Task } from './plan.ts'
import { MAX_PAGES, PER_PAGE, send } from './poll.ts'
import { runPool } from './pool.ts'
import { noMark } from './position.ts'

const DAY_MS = 86_400_000
/** Reviews that changed before the first day, by which a page is beyond it: one alone may have a wrong date. */
const BEYOND = 2
/** So often one thing is asked for that fails alone. */
const MAX_ATTEMPTS = 3

export interface BackfillOptions {
  name: string
  client: GoodreadsClient
  userIds: readonly string[]
  concurrency: number
  mentioned: ReturnType<typeof createMentioned>
}

/** What of a page is of the wanted reviews: these, and the books and authors in them. */
const onlyOf = (parsed: ParsedResponse, reviews: Review[]): ParsedResponse => {
  const bookIds = new Set(reviews.map(({ book_id }) => book_id))
  const books = parsed.books.filter(({ value }) => bookIds.has(value.book_id))
  const authorIds = new Set(books.flatMap(({ value }) => value.authors.map(({ author_id }) => author_id)))
  return { ...parsed, reviews, books, authors: parsed.authors.filter(({ value }) => authorIds.has(value.author_id)) }
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
  let state = readBackfill(position, live, userIds)
  // One that was whole before is asked for again from its beginning.
  if (position !== null && isComplete(state)) state = readBackfill(null, live, userIds)
  const { readers, followed } = state
  const shows: Task[] = []
  const intake = createIntake({
    state: followed,
    isConfigured: () => false,
    nowMs,
    mentioned,
    found: (method, id) => void shows.push({ method, id }),
  })
  for (const id of followed.books.pending.oldest()) shows.push({ method: 'book.show', id })
  for (const id of followed.authors.pending.oldest()) shows.push({ method: 'author.show', id })
  const batcher = createBatcher({ positionNow: () => writeBackfill(state), nowMs })
  const failures = createFailures({ log, hasWorkedBefore: true })
  const running = new Set<string>()
  const listed = new Map<string, Set<string>>()
  const asked = new Map<Task['method'], number>()
  const failed = new Map<string, number>()
  const stop = new AbortController()
  const isSequential = client.minIntervalMs > 0

  const addRaws = (raws: RawAnswer[]) =>
    batcher.add(raws.map((raw) => ({ entity: 'raw', value: { ...raw, poll_id: pollId, source: name }, requestId: raw.request_id })))

  /** The reader whose list is the least far back, so that a day is done for all of them before the next one. */
  const furthestAhead = (): [string, ReaderState] | undefined => {
    let ahead: [string, ReaderState] | undefined
    const reached = ({ reachedMs }: ReaderState) => reachedMs ?? Number.POSITIVE_INFINITY
    for (const [id, reader] of readers) {
      if (reader.isDone || running.has(`review.list ${id}`)) continue
      if (!ahead || reached(reader) > reached(ahead[1])) ahead = [id, reader]
    }
    return ahead
  }
  const isFree = (method: Task['method']) => !isSequential || (asked.get(method) ?? 0) === 0
  const next = (): Task | null => {
    const at = shows.findIndex(({ method }) => isFree(method))
    const show = at < 0 ? undefined : shows.splice(at, 1)[0]
    const reader = show || !isFree('review.list') ? undefined : furthestAhead()
    const task: Task | undefined =
      show ?? (reader && { method: 'review.list', id: reader[0], page: reader[1].page, listed: listed.get(reader[0]) ?? new Set() })
    if (!task) return null
    running.add(`${task.method} ${task.id}`)
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
    listed.set(task.id, new Set(reviews.map(({ review_id }) => review_id)))
    const { parsed, requestId } = answer
    const changes = reviews.flatMap((review) => changeOf(review, nowMs()) ?? [])
    const wanted = reviews.filter((review) => {
      const changedMs = changeOf(review, nowMs())
      return changedMs !== null && changedMs >= fromMs && changedMs < endMs
    })
    const { paging } = parsed
    reader.page = task.page + 1
    reader.pages = paging ? Math.ceil(paging.total / PER_PAGE) : reader.pages
    reader.reachedMs = Math.min(reader.reachedMs ?? Number.POSITIVE_INFINITY, ...changes)
    const isBeyond = changes.filter((changedMs) => changedMs < fromMs).length >= BEYOND
    reader.isDone = isBeyond || (paging !== null && paging.end >= paging.total) || task.page >= MAX_PAGES
    return intake.takeList(onlyOf(parsed, wanted), requestId, undefined, noMark).records
  }

  const takeShown = ({ method, id }: Task, answer: Answer | null): SourceRecord[] => {
    const { known, pending } = method === 'book.show' ? followed.books : followed.authors
    known.add(id)
    pending.delete(id)
    // Of reviews that a book or author is shown with nobody knows whether they are of these days.
    return answer ? intake.takeShown({ ...answer.parsed, reviews: [] }, answer.requestId) : []
  }

  /** Five failures in a row end the backfill, to be gone on with later. One alone is asked again, some times. */
  const giveBack = (task: Task, error: unknown) => {
    failures.failed(error, task)
    const key = `${task.method} ${task.id}`
    const times = (failed.get(key) ?? 0) + 1
    failed.set(key, times)
    const isGivenUp = times >= MAX_ATTEMPTS
    if (isGivenUp) log.warn({ method: task.method, id: task.id }, 'it can not be had, and the backfill goes on without it')
    if (task.method === 'review.list') readers.get(task.id)!.isDone = isGivenUp
    // What the lists say of it is published in its place.
    else if (isGivenUp) (task.method === 'book.show' ? followed.books : followed.authors).pending.delete(task.id)
    else shows.push(task)
  }

  const call = { signal: AbortSignal.any([signal, stop.signal]), skipsPartial: intake.skipsPartial }
  const run = async (task: Task) => ({ task, ...(await send(client, task, call)) })
  const report = () => onProgress(progressOf(state, fromMs, endMs))
  report()
  try {
    for await (const { task, answer, raws, error } of runPool({ limit: isSequential ? 3 : options.concurrency, next, run })) {
      running.delete(`${task.method} ${task.id}`)
      asked.set(task.method, (asked.get(task.method) ?? 1) - 1)
      state.requests++
      addRaws(raws)
      if (error === undefined) {
        failures.succeeded()
        batcher.add(task.method === 'review.list' ? takePage(task, answer) : takeShown(task, answer))
      } else {
        giveBack(task, error)
      }
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
