import type { Inbox, Shelf, ShelfRequest, ShelfStatus } from '../../lineage/shelves/inbox.ts'
import { errorLine, isRetriable } from '../../runtime/errors.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import type { Source } from '../sources/source.ts'
import type { Polled } from './poll.ts'

const LOOK_MS = 1000
const RETRY_FIRST_MS = 5000
const RETRY_CAP_MS = 10 * 60_000

export interface ShelvesOptions {
  inbox: Inbox
  /** Opens what a person added. `onBrokenLine` is told of each line of an export that is no row. */
  open: (request: ShelfRequest, onBrokenLine: () => void) => Promise<Source>
  /** One poll of it, from its position on. */
  poll: (source: Source, job: string, until: AbortSignal) => Promise<Polled>
  /** Where the topics end now, by `entity/topic id/partition`. */
  topicEnds: () => Promise<Record<string, number>>
  /** Hears how each read ended. */
  onRead?: (kind: ShelfRequest['kind'], outcome: 'success' | 'failure') => void
  log: Log
  nowMs: () => number
}

/** Whether it is to be read now: what is new, what was broken off, and what is due again. */
export const isDue = ({ status }: Shelf, nowMs: number): boolean =>
  status === null || status.state === 'reading' || (status.nextMs !== null && status.nextMs <= nowMs)

const hasRecords = (polled: Polled) => Object.values(polled).some((count) => count > 0)

/**
 * Reads what people add to the inbox as further sources, one of a kind at a time: an export once, a feed again and again at
 * its interval. What fails is said in its status and ends nothing else.
 */
export const createShelves = ({ inbox, open, poll, topicEnds, onRead, log, nowMs }: ShelvesOptions) => {
  const delaysMs = new Map<string, number>()

  const readOne = async ({ request, status: before }: Shelf, until: AbortSignal): Promise<Polled | null> => {
    const { id, revision } = request
    let unreadLines = 0
    const said = {
      revision,
      detail: null,
      counts: before?.counts ?? null,
      unreadLines: before?.unreadLines ?? 0,
      readAt: before?.readAt ?? null,
      ends: before?.ends ?? {},
      nextMs: null,
    }
    const tell = (status: Partial<ShelfStatus> & Pick<ShelfStatus, 'state'>) => inbox.writeStatus(id, { ...said, ...status })
    let source: Source | null = null
    try {
      await tell({ state: 'reading' })
      source = await open(request, () => unreadLines++)
      const polled = await poll(source, `poll ${id}`, until)
      const ends = await topicEnds()
      delaysMs.delete(id)
      const again = source.pollIntervalMs
      await tell({
        state: 'read',
        counts: hasRecords(polled) || said.counts === null ? polled : said.counts,
        unreadLines,
        ends,
        readAt: new Date(nowMs()).toISOString(),
        nextMs: again === null ? null : nowMs() + again,
      })
      onRead?.(request.kind, 'success')
      return polled
    } catch (error) {
      until.throwIfAborted()
      const reason = errorLine(error)
      log.warn({ shelf: id, error: reason }, 'a shelf could not be read')
      onRead?.(request.kind, 'failure')
      if (isRetriable(error)) {
        const delayMs = delaysMs.get(id) ?? RETRY_FIRST_MS
        delaysMs.set(id, Math.min(delayMs * 2, RETRY_CAP_MS))
        await tell({ state: 'waiting', detail: reason, nextMs: nowMs() + delayMs })
      } else {
        // A shelf that is private today may be public tomorrow; a file stays what it is.
        await tell({
          state: 'failed',
          detail: reason,
          unreadLines,
          nextMs: source?.pollIntervalMs == null ? null : nowMs() + source.pollIntervalMs,
        })
      }
      return null
    } finally {
      await source?.close()
    }
  }

  /** Reads what is due of a kind, oldest first, and adds up what was published. */
  const readDue = async (kind: ShelfRequest['kind'], until: AbortSignal): Promise<Polled[]> => {
    const all: Polled[] = []
    for (const shelf of (await inbox.list()).toReversed()) {
      if (shelf.request.kind !== kind || !isDue(shelf, nowMs())) continue
      until.throwIfAborted()
      const polled = await readOne(shelf, until)
      if (polled) all.push(polled)
    }
    return all
  }

  return {
    /** Everything that is due, once. */
    once: async (until: AbortSignal): Promise<Polled[]> => [...(await readDue('export', until)), ...(await readDue('feed', until))],
    /** From now on, until the signal. A feed of many pages keeps no upload waiting. */
    follow: async (until: AbortSignal): Promise<never> => {
      const lane = async (kind: ShelfRequest['kind']): Promise<never> => {
        while (true) {
          try {
            await readDue(kind, until)
          } catch (error) {
            until.throwIfAborted()
            log.warn({ error: errorLine(error) }, 'the inbox can not be read')
          }
          await sleep(LOOK_MS, until)
        }
      }
      return Promise.race([lane('export'), lane('feed')])
    },
  }
}
