import { ReadflowError } from '../../runtime/errors.ts'
import type { ObjectPieces, ObjectStore } from './store.ts'

type StoreOperation = 'get' | 'get_range' | 'pieces' | 'put' | 'put_file' | 'put_if_absent' | 'list' | 'delete'
/** `absent`: nothing is there; `exists`: somebody created it first. Both are answers. */
type StoreOutcome = 'ok' | 'absent' | 'exists' | 'failed'

/** Who wants to know what a store is asked, and how it answers. */
export interface StoreMetrics {
  called: (operation: StoreOperation, outcome: StoreOutcome, durationMs: number) => void
  /** An attempt within a call failed in a way that may pass, and is made again. */
  retried: () => void
  /** A version of a table, such as `silver.books`, was committed. */
  committed: (table: string) => void
  /** Another writer had committed that version first. */
  conflicted: (table: string) => void
}

const logEntry = /^(.+)\/_delta_log\/\d{20}\.json$/

/** The table whose log an object is an entry of, such as `silver.books`; null for any other object. */
const committedTable = (path: string): string | null => logEntry.exec(path)?.[1]?.replaceAll('/', '.') ?? null

/** The same store, which tells of each call. */
export const measuredStore = (store: ObjectStore, metrics: Pick<StoreMetrics, 'called' | 'committed' | 'conflicted'>): ObjectStore => {
  const measured = async <T>(operation: StoreOperation, work: () => Promise<T>, outcomeOf: (result: T) => StoreOutcome = () => 'ok') => {
    const startedMs = performance.now()
    try {
      const result = await work()
      metrics.called(operation, outcomeOf(result), performance.now() - startedMs)
      return result
    } catch (error) {
      metrics.called(operation, failureOf(error), performance.now() - startedMs)
      throw error
    }
  }

  async function* list(...args: Parameters<ObjectStore['list']>): ReturnType<ObjectStore['list']> & AsyncGenerator {
    // The time that the caller takes between two objects is none of the store's.
    let [waitedMs, outcome] = [0, 'ok' as StoreOutcome]
    const objects = store.list(...args)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const startedMs = performance.now()
        const next = await objects.next().finally(() => {
          waitedMs += performance.now() - startedMs
        })
        if (next.done) return
        yield next.value
      }
    } catch (error) {
      outcome = failureOf(error)
      throw error
    } finally {
      metrics.called('list', outcome, waitedMs)
      await objects.return?.()
    }
  }

  return {
    ...store,
    get: (path) => measured('get', () => store.get(path)),
    getRange: (path, start, end) => measured('get_range', () => store.getRange(path, start, end)),
    pieces: async (...args) => {
      const { sizeBytes, read } = await measured<ObjectPieces>('pieces', () => store.pieces(...args))
      return { sizeBytes, read: (start, end) => measured('get_range', () => read(start, end)) }
    },
    put: (...args) => measured('put', () => store.put(...args)),
    putFile: (...args) => measured('put_file', () => store.putFile(...args)),
    putIfAbsent: async (path, bytes) => {
      const answer = await measured(
        'put_if_absent',
        () => store.putIfAbsent(path, bytes),
        (created) => (created === 'created' ? 'ok' : 'exists'),
      )
      const table = committedTable(path)
      if (table !== null) (answer === 'created' ? metrics.committed : metrics.conflicted)(table)
      return answer
    },
    list,
    delete: (path) => measured('delete', () => store.delete(path)),
  }
}

const failureOf = (error: unknown): StoreOutcome =>
  error instanceof ReadflowError && error.code === 'lake-not-found' ? 'absent' : 'failed'
