import { errorLine, ReadflowError } from '../../../runtime/errors.ts'
import type { Log } from '../../../runtime/log.ts'
import { isShort } from './backfill-page.ts'
import { type BackfillState, keyOf, type ReaderState } from './backfill-state.ts'
import type { Answer, Call, GoodreadsClient, RawAnswer } from './client.ts'
import { createFailures } from './failures.ts'
import type { Task } from './plan.ts'
import { type Request, send } from './poll.ts'

/** So often one thing is asked for that fails alone. */
const MAX_ATTEMPTS = 3

const absent = ({ method }: Request) => new ReadflowError('source-invalid', `${method} answered 404: there is none.`)

const shortEnd = ({ id, page }: Task & { method: 'review.list' }, { seen, total }: ReaderState) =>
  new ReadflowError('source-invalid', `The list of reader ${id} ends at page ${page} with ${seen} of the ${total} entries that it claims.`)

export interface BackfillFailuresOptions {
  state: BackfillState
  /** When the days begin that are asked for, epoch ms. */
  fromMs: number
  client: GoodreadsClient
  call: Pick<Call, 'signal' | 'skipsPartial'>
  addRaws: (raws: RawAnswer[]) => void
  log: Log
}

/** Tells what of a backfill can not be had from a source that can not be had. */
export const createBackfillFailures = ({ state, fromMs, client, call, addRaws, log }: BackfillFailuresOptions) => {
  const { readers, followed, givenUp, neededMs } = state
  const failures = createFailures({ log, hasWorkedBefore: true })
  const given = new Map<Task['method'], Task>()
  const times = new Map<string, number>()

  /** What the source has given before, of the same method where it has given any. */
  const whatWorked = (method: Task['method']): Request => {
    const isRead = ([id, { reachedMs }]: [string, { reachedMs: number | null }]) =>
      reachedMs !== null && !givenUp.has(keyOf({ method: 'review.list', id }))
    const [readerId] = (method === 'review.list' && [...readers].find(isRead)) || []
    const page: Task | undefined = readerId === undefined ? undefined : { method: 'review.list', id: readerId, page: 1, listed: new Set() }
    return given.get(method) ?? page ?? { method: 'review.recent_reviews' }
  }

  const isSourceWell = async (method: Task['method']): Promise<boolean> => {
    const request = whatWorked(method)
    const { answer, raws, error } = await send(client, request, call)
    state.requests++
    addRaws(raws)
    const fault = error ?? (answer === null ? absent(request) : undefined)
    if (fault === undefined) failures.succeeded()
    else failures.failed(fault, request)
    return fault === undefined
  }

  const giveUp = (task: Task, error: unknown): void => {
    const { method, id } = task
    log.warn({ method, id, error: errorLine(error) }, 'it can not be had, and the backfill goes on without it')
    givenUp.set(keyOf(task), errorLine(error))
    neededMs.delete(keyOf(task))
    if (method === 'review.list') readers.get(id)!.isDone = true
    // What the lists say of it is published in its place.
    else (method === 'book.show' ? followed.books : followed.authors).pending.delete(id)
  }

  return {
    succeeded: (task: Task, answer: Answer | null): void => {
      failures.succeeded()
      if (answer) given.set(task.method, task)
    },
    /** Whether a reader's list is not there, which is no way for one to end. */
    isAbsent: (task: Task, answer: Answer | null): boolean => answer === null && task.method === 'review.list' && task.page === 1,
    /** What is wrong with a list that ends with this answer, which brings nothing new; undefined where nothing is, or it goes on. */
    endOf: (task: Task, answer: Answer | null): ReadflowError | undefined => {
      if (task.method !== 'review.list') return undefined
      const { reviews, paging } = answer?.parsed ?? { reviews: [], paging: null }
      if (reviews.some(({ review_id }) => !task.listed.has(review_id))) return undefined
      const reader = readers.get(task.id)!
      // What it claims now: past its end a list says its real total.
      reader.total = paging?.total ?? reader.total
      return isShort(reader, fromMs) ? shortEnd(task, reader) : undefined
    },
    giveUpShort: (task: Task & { method: 'review.list' }): void => giveUp(task, shortEnd(task, readers.get(task.id)!)),
    /**
     * A failure (undefined: it is absent) counts against what was asked for only where the source gives another thing right after
     * it: then that is asked for again, some times, and given up; what is absent at once. Else the source itself fails, and
     * several failures in a row end the backfill, to be gone on with later. Gives whether it is given up.
     */
    failed: async (task: Task, error: unknown): Promise<boolean> => {
      const fault = error ?? absent(task)
      // A refusal may be of one reader alone, who is private.
      if (!(fault instanceof ReadflowError && fault.code === 'source-refused')) failures.failed(fault, task)
      if (!(await isSourceWell(task.method))) return false
      const key = keyOf(task)
      times.set(key, (times.get(key) ?? 0) + 1)
      const isOver = error === undefined || times.get(key)! >= MAX_ATTEMPTS
      if (isOver) giveUp(task, fault)
      return isOver
    },
  }
}
