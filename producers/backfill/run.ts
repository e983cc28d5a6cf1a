import { type Backfill, type BackfillInbox, type BackfillStatus, cancelledStatus, isOver } from '../../lineage/backfill/inbox.ts'
import { errorLine, isRetriable, ReadflowError } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import type { Polled } from '../poll/poll.ts'
import type { Positions } from '../poll/positions.ts'
import type { BackfillProgress, Source } from '../sources/source.ts'
import { missingText } from './show.ts'
import { whyNot } from './why-not.ts'

const LOOK_MS = 1000
const TELL_MS = 1000
const RETRY_FIRST_MS = 5000
const RETRY_CAP_MS = 10 * 60_000

export interface BackfillsOptions {
  inbox: BackfillInbox
  /** The source that is polled: a backfill shares its client, and so its rate limit. */
  source: Source
  positionsOf: (id: string) => Pick<Positions, 'load'>
  /** One poll of a source from its position on, with what it has published so far. */
  poll: (source: Source, job: string, until: AbortSignal, onProgress: (polled: Polled) => void) => Promise<Polled>
  log: Log
  nowMs: () => number
}

/** A source whose polls ask for these days, with a position of its own beside that of the live poll. */
const backfillSource = (
  { source, positionsOf }: Pick<BackfillsOptions, 'source' | 'positionsOf'>,
  { fromDay, toDay }: Backfill['request'],
  onProgress: (progress: BackfillProgress) => void,
): Source => {
  const { backfill } = source
  if (!backfill) throw new ReadflowError('source-invalid', whyNot(source.name))
  return {
    ...source,
    id: `${source.id} backfill ${fromDay} ${toDay}`,
    poll: async function* (position, context) {
      const live = await positionsOf(source.id).load()
      yield* backfill({ fromDay, toDay, position, live, onProgress }, context)
    },
  }
}

/** Runs the backfill that is asked for, and says how far it is. What interrupts it, a pause or an end too, leaves it to be gone on with. */
export const createBackfills = (options: BackfillsOptions) => {
  const { inbox, source, poll, log, nowMs } = options
  let retryMs = RETRY_FIRST_MS
  // By a clock that is never set: one that steps back would hold it for as long.
  const elapsedMs = () => performance.now()
  let dueMs = 0

  /** Resolves once it is over, or waits for a fault to pass. */
  const runOne = async (backfill: Backfill, until: AbortSignal): Promise<void> => {
    const { request } = backfill
    const before = backfill.status
    const startedMs = elapsedMs()
    const status: BackfillStatus = {
      id: request.id,
      state: 'running',
      detail: null,
      requests: before?.requests ?? 0,
      requestsLeft: before?.requestsLeft ?? null,
      records: before?.records ?? {},
      daysDone: before?.daysDone ?? 0,
      missing: before?.missing ?? [],
      days: before?.days ?? Math.round((Date.parse(request.toDay) - Date.parse(request.fromDay)) / 86_400_000) + 1,
      workedMs: before?.workedMs ?? 0,
      updatedAt: '',
    }
    const tell = (change: Partial<BackfillStatus>) =>
      inbox.writeStatus(
        Object.assign(status, change, {
          workedMs: Math.round((before?.workedMs ?? 0) + elapsedMs() - startedMs),
          updatedAt: new Date(nowMs()).toISOString(),
        }),
      )
    const cancelling = new AbortController()
    let toldMs = Number.NEGATIVE_INFINITY
    const tellNowAndThen = async () => {
      if (elapsedMs() - toldMs < TELL_MS) return
      toldMs = elapsedMs()
      const now = await inbox.get()
      if (now?.request.id !== request.id || now.request.isCancelled) cancelling.abort(new DOMException('cancelled', 'AbortError'))
      await tell({})
    }
    // One after the other: each writes the whole file.
    let telling = Promise.resolve()
    const follow = () => {
      telling = telling
        .then(tellNowAndThen)
        .catch((error) => log.warn({ backfill_id: request.id, error: errorLine(error) }, 'how far the backfill is could not be written'))
    }
    const timer = setInterval(follow, TELL_MS)
    // A position may be of an earlier request of the same days, whose requests took none of this one's time.
    let earlier: number | undefined
    const onProgress = (progress: BackfillProgress) => {
      earlier ??= progress.requests - (before?.requests ?? 0)
      Object.assign(status, progress, { requests: progress.requests - earlier })
    }
    const add = (polled: Polled): Record<string, number> =>
      Object.fromEntries(Object.entries(polled).map(([name, count]) => [name, (before?.records[name] ?? 0) + count]))
    const end = async (change: Partial<BackfillStatus>) => {
      clearInterval(timer)
      await telling
      await tell(change)
    }
    try {
      await tell({})
      const days = { from_day: request.fromDay, to_day: request.toDay }
      log.info({ backfill_id: request.id, ...days, requests: status.requests }, before ? 'backfill goes on' : 'backfill begins')
      const of = backfillSource(options, request, onProgress)
      const either = AbortSignal.any([until, cancelling.signal])
      const onRecords = (polled: Polled) => void Object.assign(status, { records: add(polled) })
      const polled = await poll(of, `backfill ${request.fromDay} to ${request.toDay}`, either, onRecords)
      retryMs = RETRY_FIRST_MS
      await end({ state: 'done', records: add(polled), requestsLeft: 0, daysDone: status.days })
      const said = { backfill_id: request.id, ...days, counts: status.records, requests: status.requests }
      const without = missingText(status.missing)
      if (without === null) log.info(said, 'backfill done')
      else log.warn({ ...said, error: without }, 'backfill done, but not all could be had')
    } catch (error) {
      if (until.aborted) {
        await end({ state: 'waiting', detail: 'its program was stopped or paused' })
        throw error
      }
      if (cancelling.signal.aborted) return end({ state: 'cancelled' })
      const detail = errorLine(error)
      log.warn({ backfill_id: request.id, error: detail }, 'the backfill was interrupted')
      if (!isRetriable(error)) return end({ state: 'failed', detail })
      await end({ state: 'waiting', detail })
      dueMs = elapsedMs() + retryMs
      retryMs = Math.min(retryMs * 2, RETRY_CAP_MS)
    } finally {
      clearInterval(timer)
    }
  }

  /** One look: runs what is asked for and not over. Gives it as it stood before; null where nothing is to be done. */
  const look = async (until: AbortSignal): Promise<Backfill | null> => {
    const backfill = await inbox.get()
    if (!backfill || isOver(backfill)) return null
    if (backfill.request.isCancelled) {
      await inbox.writeStatus(cancelledStatus(backfill, nowMs()))
      return backfill
    }
    if (elapsedMs() >= dueMs) await runOne(backfill, until)
    return backfill
  }

  return {
    /** Runs what is asked for to its end, faults that may pass included. */
    once: async (until: AbortSignal): Promise<void> => {
      while (await look(until)) await sleep(LOOK_MS, until)
    },
    /** From now on, until the signal. */
    follow: async (until: AbortSignal): Promise<never> => {
      for (;;) {
        try {
          // A command that does it itself has it until it ends.
          if (await inbox.tryOwn(source.id)) await look(until)
        } catch (error) {
          until.throwIfAborted()
          log.warn({ error: errorLine(error) }, 'the backfill can not be looked at')
        }
        await sleep(LOOK_MS, until)
      }
    },
  }
}
