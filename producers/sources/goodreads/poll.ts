import { isRetriable, ReadflowError } from '../../../runtime/errors.ts'
import type { PollContext, Position, SourceBatch, SourceRecord } from '../source.ts'
import { createBatcher } from './batcher.ts'
import type { Answer, Call, GoodreadsClient, RawAnswer } from './client.ts'
import { createFailures } from './failures.ts'
import { createIntake, type createMentioned, type Intake } from './intake.ts'
import { createPlan, listingMark, type Plan, type PlanOptions, type Task } from './plan.ts'
import { runPool } from './pool.ts'
import { noMark, readPosition, type State, writePosition } from './position.ts'

export interface PollOptions {
  name: string
  client: GoodreadsClient
  userIds: readonly string[]
  maxRequests: PlanOptions['maxRequests']
  maxRefreshes: number
  concurrency: number
  mentioned: ReturnType<typeof createMentioned>
}

export const PER_PAGE = 200
/** Ends the listing of a server that never does. */
export const MAX_PAGES = 500

export type Request = Task | { method: 'review.recent_reviews' }
interface Outcome {
  answer: Answer | null
  raws: RawAnswer[]
  error: unknown
}

/** Sends one request; a failure is a value. Every response comes along, also those that were tried again. */
export const send = async (client: GoodreadsClient, request: Request, call: Pick<Call, 'signal' | 'skipsPartial'>): Promise<Outcome> => {
  const raws: RawAnswer[] = []
  const whole: Call = { ...call, onRaw: (raw) => void raws.push(raw) }
  const ask = () => {
    switch (request.method) {
      case 'review.recent_reviews':
        return client.recentReviews(whole)
      case 'book.show':
        return client.bookShow(request.id, whole)
      case 'author.show':
        return client.authorShow(request.id, whole)
      case 'review.list':
        return client.reviewList(request.id, { page: request.page, perPage: PER_PAGE }, whole)
    }
  }
  try {
    return { answer: await ask(), raws, error: undefined }
  } catch (error) {
    return { answer: null, raws, error }
  }
}

/**
 * Takes a page of a reader's list, and says whether there is another. What a page claims about itself is trusted
 * only to end the listing: a page that is empty or repeats what was listed ends it too, a short one does not.
 */
const takePage = (
  task: Task & { method: 'review.list' },
  answer: Answer | null,
  { state, intake }: { state: State; intake: Intake },
): { records: SourceRecord[]; hasNext: boolean } => {
  const since = state.marks.get(task.id)
  const end = (mark = since ?? noMark) => {
    state.marks.set(task.id, mark)
    state.listings.delete(task.id)
  }
  if (answer === null) {
    end()
    return { records: [], hasNext: false }
  }
  const { parsed, requestId } = answer
  const before = listingMark(state, task.id)
  if (parsed.reviews.every(({ review_id }) => task.listed.has(review_id))) {
    end(before)
    return { records: [], hasNext: false }
  }
  for (const { review_id } of parsed.reviews) task.listed.add(review_id)
  const { records, mark, newReviews } = intake.takeList(parsed, requestId, since, before)
  const claimsEnd = parsed.paging !== null && parsed.paging.end >= parsed.paging.total
  const hasNext = !claimsEnd && !(since && newReviews === 0) && task.page < MAX_PAGES
  if (hasNext) state.listings.set(task.id, { page: task.page + 1, mark })
  else end(mark)
  return { records, hasNext }
}

/** A book or author that the source says does not exist: known, so that it is asked again in its turn only. */
const takeMissing = ({ method, id }: Task & { method: 'book.show' | 'author.show' }, state: State) => {
  const { known, pending } = method === 'book.show' ? state.books : state.authors
  known.add(id)
  pending.delete(id)
}

/** What could not be had goes to the end of what is waited for. */
const postpone = ({ method, id }: Task, state: State) => {
  if (method === 'review.list') return
  const { known, pending } = method === 'book.show' ? state.books : state.authors
  if (pending.has(id)) pending.add(id)
  else known.add(id)
}

/** One poll; see `openGoodreadsSource`. */
export async function* pollGoodreads(options: PollOptions, position: Position | null, context: PollContext): AsyncGenerator<SourceBatch> {
  const { name, client, userIds, maxRequests, maxRefreshes, concurrency, mentioned } = options
  const { pollId, log, nowMs } = context
  const configured = new Set(userIds)
  const isConfigured = (userId: string) => configured.has(userId)
  const state = readPosition(position)
  const stop = new AbortController()
  const batcher = createBatcher({ positionNow: () => writePosition(state, isConfigured), nowMs })
  const failures = createFailures({ log, hasWorkedBefore: position !== null })
  let plan: Plan | undefined
  const intake = createIntake({ state, isConfigured, nowMs, mentioned, found: (method, id) => plan?.found(method, id) })
  const call = { signal: AbortSignal.any([context.signal, stop.signal]), skipsPartial: intake.skipsPartial }
  const addRaws = (raws: RawAnswer[]) =>
    batcher.add(raws.map((raw) => ({ entity: 'raw', value: { ...raw, poll_id: pollId, source: name }, requestId: raw.request_id })))

  const takeAnswer = (task: Task, answer: Answer | null): SourceRecord[] => {
    if (answer && answer.parsed.withoutId > 0)
      log.warn({ method: task.method, id: task.id, records: answer.parsed.withoutId }, 'records without an id were left out')
    if (task.method === 'review.list') {
      const { records, hasNext } = takePage(task, answer, { state, intake })
      if (hasNext) plan?.nextPage(task)
      return records
    }
    // A merged book answers under another id: what was asked for counts as known too.
    takeMissing(task, state)
    return answer ? intake.takeShown(answer.parsed, answer.requestId) : []
  }

  const askRecent = async () => {
    const request = { method: 'review.recent_reviews' } as const
    const { answer, raws, error } = await send(client, request, call)
    addRaws(raws)
    const fault =
      error ??
      (answer
        ? undefined
        : new ReadflowError('source-invalid', 'The source has no review.recent_reviews (404).', {
            hint: 'Is the address that of the GoodReads API?',
          }))
    if (fault === undefined) failures.succeeded()
    else if (isRetriable(fault)) throw fault
    else failures.failed(fault, request)
    return answer && intake.takeRecent(answer.parsed, answer.requestId)
  }

  try {
    const recent = await askRecent()
    batcher.add(recent?.records ?? [])
    const changed = { bookIds: recent?.changedBookIds ?? [], userIds: recent?.changedUserIds ?? [] }
    const isSequential = client.minIntervalMs > 0
    plan = createPlan({ state, userIds, maxRequests, maxRefreshes, isSequential, changed })
    const { next, done } = plan
    const run = async (task: Task) => ({ task, ...(await send(client, task, call)) })
    for await (const { task, answer, raws, error } of runPool({ limit: isSequential ? 3 : concurrency, next, run })) {
      done(task)
      addRaws(raws)
      if (error === undefined) {
        failures.succeeded()
        batcher.add(takeAnswer(task, answer))
      } else {
        postpone(task, state)
        failures.failed(error, task)
      }
      if (batcher.isDue()) yield batcher.flush()
    }
    failures.check()
    batcher.add(intake.takeHeld())
    yield batcher.flush()
  } catch (error) {
    // What was answered before the failure is kept; on a stop it is asked for again.
    if (!context.signal.aborted && !batcher.isEmpty()) yield batcher.flush()
    throw error
  } finally {
    stop.abort()
  }
}
