import { errorLine } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'

export interface RowQueueOptions<Row> {
  /** Writes some rows in one commit. What it rejects with is waited out. */
  write: (rows: readonly Row[]) => Promise<void>
  /** What the rows are, in the plural, for warnings. */
  what: string
  log: Log
}

export interface RowQueue<Row> {
  push: (row: Row) => void
  /** Whether everything that was pushed is written, waiting some seconds for it at most. */
  settled: () => Promise<boolean>
  /** Writes what is waiting, within some seconds. */
  close: () => Promise<void>
}

const FIRST_RETRY_MS = 1000
const MAX_RETRY_MS = 60_000
/** What a start waits for a table, and an end for it. */
export const PATIENCE_MS = 3000
/** While the lake is away rows wait in memory: of so many, the oldest are given up. */
const MAX_WAITING = 10_000

/**
 * Rows of a program's own work on their way into a table, beside that work: one writer takes all that is waiting in one
 * commit; what can't be written is tried again, and told as a warning. Nobody waits for a row or fails by it.
 */
export const openRowQueue = <Row>({ write, what, log }: RowQueueOptions<Row>): RowQueue<Row> => {
  const waiting: Row[] = []
  let retryMs = 0
  let retryTimer: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null
  let isClosed = false

  const writeAll = async () => {
    while (waiting.length > 0) {
      const rows = waiting.slice(0)
      await write(rows)
      waiting.splice(0, rows.length)
      retryMs = 0
    }
  }

  /** One writer at a time; it takes along what came while it wrote. Never rejects. */
  const flush = (): Promise<void> => {
    clearTimeout(retryTimer)
    writing ??= writeAll()
      .catch((error) => {
        retryMs = Math.min(MAX_RETRY_MS, Math.max(FIRST_RETRY_MS, retryMs * 2))
        log.warn({ error: errorLine(error), rows: waiting.length, retry_in_ms: retryMs }, `${what} could not be recorded; they will be`)
        if (!isClosed) retryTimer = setTimeout(flush, retryMs).unref()
      })
      .finally(() => {
        writing = null
      })
    return writing
  }

  return {
    push: (row) => {
      waiting.push(row)
      if (waiting.length > MAX_WAITING) waiting.splice(0, waiting.length - MAX_WAITING)
      // After a fault the timer decides, else each row would try again.
      if (retryMs === 0) void flush()
    },
    settled: async () => {
      if (retryMs === 0) await within(PATIENCE_MS, writing ?? Promise.resolve())
      return waiting.length === 0
    },
    close: async () => {
      isClosed = true
      await within(PATIENCE_MS, flush())
      if (waiting.length > 0) log.warn({ rows: waiting.length }, `${what} could not be recorded before the end`)
    },
  }
}

/** Waits for something that does not reject, but no longer than that. */
export const within = async (limitMs: number, work: Promise<void>): Promise<void> => {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, limitMs)
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
