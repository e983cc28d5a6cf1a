import type { Method } from './client.ts'
import { type Followed, noMark, type State } from './position.ts'

export type Task =
  | { method: 'book.show' | 'author.show'; id: string }
  | {
      method: 'review.list'
      id: string
      page: number
      /** Reviews on the earlier pages of this listing. */
      listed: Set<string>
    }

export interface PlanOptions {
  state: State
  userIds: readonly string[]
  /** Most requests of one method in a poll. */
  maxRequests: Record<Task['method'], number>
  /** How many known books, authors and readers are asked again in a poll. */
  maxRefreshes: number
  /** One request of a method at a time. */
  isSequential: boolean
  /** Books and readers with news: they are asked again first. */
  changed: { bookIds: Iterable<string>; userIds: Iterable<string> }
}

const listTask = ({ listings }: State, id: string): Task => ({
  method: 'review.list',
  id,
  page: listings.get(id)?.page ?? 1,
  listed: new Set(),
})

/** Readers to list: those with news, those never listed to their end, then the next ones in turn. */
const usersToList = ({ state, userIds, maxRefreshes, changed }: PlanOptions): string[] => {
  const due = new Set(changed.userIds)
  for (const id of userIds) if (!state.marks.has(id) || state.listings.has(id)) due.add(id)
  if (due.size > maxRefreshes || userIds.length === 0) return [...due]
  const first = state.nextUser % userIds.length
  const inTurn = [...userIds.slice(first), ...userIds.slice(0, first)].slice(0, Math.max(0, maxRefreshes - due.size))
  state.nextUser = (first + inTurn.length) % userIds.length
  for (const id of inTurn) due.add(id)
  return [...due]
}

/** Known ones to ask again: those with news, then those that were asked longest ago. */
const toRefresh = ({ known }: Followed, count: number, changed: Iterable<string>): string[] => {
  const ids = new Set([...changed].filter((id) => known.has(id)).slice(0, count))
  for (const id of known.oldest(count)) if (ids.size < count) ids.add(id)
  return [...ids]
}

/**
 * The order of a poll's requests. Books and authors go before further lists, so that a reader's books are there
 * soon after the reviews; those newly found go before those asked again.
 */
export const createPlan = (options: PlanOptions) => {
  const { state, maxRequests, maxRefreshes, isSequential, changed } = options
  const lists: Task[] = usersToList(options).map((id) => listTask(state, id))
  const fresh = { 'book.show': state.books.pending.oldest(), 'author.show': state.authors.pending.oldest() }
  const again = {
    'book.show': toRefresh(state.books, maxRefreshes, changed.bookIds),
    'author.show': toRefresh(state.authors, maxRefreshes, []),
  }
  const at = { 'book.show': 0, 'author.show': 0 }
  const left = { ...maxRequests }
  const running: Record<Method, number> = { 'review.recent_reviews': 0, 'book.show': 0, 'author.show': 0, 'review.list': 0 }

  const takeOne = (method: 'book.show' | 'author.show'): Task | null => {
    const id = fresh[method][at[method]]
    if (id !== undefined) {
      at[method]++
      return { method, id }
    }
    const known = lists.length === 0 && running['review.list'] === 0 ? again[method].shift() : undefined
    return known === undefined ? null : { method, id: known }
  }

  const take = (method: Task['method']): Task | null => {
    if (left[method] <= 0 || (isSequential && running[method] > 0)) return null
    const task = method === 'review.list' ? (lists.shift() ?? null) : takeOne(method)
    if (task === null) return null
    left[method]--
    running[method]++
    return task
  }

  return {
    /** The next request that may be sent now; null where there is none, or not now. */
    next: (): Task | null => take('book.show') ?? take('author.show') ?? take('review.list'),
    done: ({ method }: Task) => void running[method]--,
    /** A book or author that was seen for the first time. */
    found: (method: 'book.show' | 'author.show', id: string) => void fresh[method].push(id),
    /** The next page of a listing goes before other readers. */
    nextPage: (task: Task & { method: 'review.list' }) => void lists.unshift({ ...task, page: task.page + 1 }),
  }
}

export type Plan = ReturnType<typeof createPlan>

/** The mark that a listing of a reader starts from. */
export const listingMark = ({ listings, marks }: State, userId: string) => listings.get(userId)?.mark ?? marks.get(userId) ?? noMark
