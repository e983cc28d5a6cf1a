import { parseShelfAddress, type ShelfAddress, shownShelf } from '../../../lineage/shelves/address.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import type { Log } from '../../../runtime/log.ts'
import type { PollContext, Position, Source, SourceBatch, SourceRecord } from '../source.ts'
import { createFeedClient, type FeedClient, type FeedClientOptions, type Validators } from './client.ts'
import { feedFieldOf, parseFeed } from './parse.ts'

const NAME = 'goodreads-rss'
const MINUTE_MS = 60_000
/** What GoodReads' feeds ask for (`<ttl>60`). */
const INTERVAL_MS = 60 * MINUTE_MS
/** Of a hundred books each: no shelf is as long, and a feed that never ends is not read for ever. */
const MAX_PAGES = 500

/** What is kept of a page: how to ask whether it changed, and whether it was the empty one. */
interface PageState extends Validators {
  isEmpty: boolean
}

interface FeedPosition {
  /** By number of the page. No key is in it. */
  pages: Record<string, PageState>
  /** Where a read that was broken off goes on; 1 after a whole one. */
  nextPage: number
  /** Which adding of the feed it is of; another one is read from the beginning, whatever was kept. */
  revision: string | null
  /** When the last whole read began, and for how long the feed asked to be left alone. */
  readMs: number | null
  ttlMs: number
}

const startOf = (position: Position | null, revision: string | null): FeedPosition => {
  const kept = (position ?? {}) as Partial<FeedPosition>
  const { pages, nextPage, readMs, ttlMs } = (kept.revision ?? null) === revision ? kept : {}
  return { revision, pages: pages ?? {}, nextPage: nextPage ?? 1, readMs: readMs ?? null, ttlMs: ttlMs ?? INTERVAL_MS }
}

export interface FeedSourceOptions extends Omit<FeedClientOptions, 'address'> {
  /** As a person pastes it, an address or USER?shelf=…, or taken apart. */
  address: string | ShelfAddress
  /** Names an adding of the feed by a person, who may have given another key: it is read at once, and whole. */
  revision?: string
  /** Default 500. */
  maxPages?: number
}

/**
 * A reader's shelf as GoodReads gives it in its feed. A poll reads page by page to an empty one, whatever a page holds, and
 * asks for what changed only. Throws ReadflowError `config` for an address that is none; while it is polled
 * `source-refused`, `source-invalid`, `source-unavailable`. The key of a feed is in no position, raw answer or error.
 */
export const openFeed = ({ address: given, revision, maxPages = MAX_PAGES, ...rest }: FeedSourceOptions): Source => {
  const address = typeof given === 'string' ? parseShelfAddress(given) : given
  const client = createFeedClient({ ...rest, address })
  return {
    name: NAME,
    id: `${NAME}:${shownShelf(address)}`,
    isGenerated: rest.sandboxUrl !== undefined,
    pollIntervalMs: INTERVAL_MS,
    poll: (position, context) => readFeed({ client, address, maxPages }, startOf(position, revision ?? null), context),
    fieldOf: feedFieldOf,
    close: async () => undefined,
  }
}

/** What a source answered once it answers again: a person need not change its address for one bad answer. */
const asPassing = (error: unknown, hasWorkedBefore: boolean) =>
  hasWorkedBefore && error instanceof ReadflowError && error.code === 'source-invalid'
    ? new ReadflowError('source-unavailable', error.message, { cause: error })
    : error

async function* readFeed(
  { client, address, maxPages }: { client: FeedClient; address: ShelfAddress; maxPages: number },
  start: FeedPosition,
  context: PollContext,
): AsyncGenerator<SourceBatch> {
  const { signal, pollId, log, nowMs } = context
  const beganMs = nowMs()
  if (start.nextPage === 1 && start.readMs !== null && beganMs < start.readMs + start.ttlMs) {
    log.info({ retry_in_ms: start.readMs + start.ttlMs - beganMs }, 'the feed asks not to be read again yet')
    return
  }
  const pages = { ...start.pages }
  let { ttlMs } = start
  const seen = new Set<string>()
  const raws: SourceRecord[] = []
  const onRaw = (raw: Parameters<Parameters<FeedClient['page']>[2]['onRaw']>[0]) =>
    raws.push({ entity: 'raw', value: { ...raw, poll_id: pollId, source: NAME }, requestId: raw.request_id })
  const takeRaws = () => raws.splice(0)
  const positionAt = (nextPage: number, readMs: number | null): Position => ({
    revision: start.revision,
    pages: { ...pages },
    nextPage,
    readMs,
    ttlMs,
  })

  let reached = positionAt(start.nextPage, start.readMs)

  try {
    for (let page = start.nextPage; page <= maxPages; page++) {
      const known = pages[page] ?? null
      const answer = await client.page(page, known, { signal, onRaw })
      const parsed =
        answer.body === null ? null : parseFeed(answer.body, `${client.label}, page ${page},`, { ...address, requestId: answer.requestId })
      if (parsed?.ttlMinutes != null) ttlMs = parsed.ttlMinutes * MINUTE_MS
      const fresh = parsed?.items.filter(({ id }) => !seen.has(id)) ?? []
      for (const { id } of fresh) seen.add(id)
      const isEmpty = parsed === null ? (known?.isEmpty ?? false) : parsed.items.length === 0
      const isRepeated = parsed !== null && !isEmpty && fresh.length === 0
      if (isRepeated) logRepeated(log, page)
      pages[page] = { ...answer.validators, isEmpty }
      const isEnd = isEmpty || isRepeated
      if (isEnd) for (const number of Object.keys(pages)) if (Number(number) > page) delete pages[number]
      // Kept before the records that were made of it, as its answer came before them.
      const records = [...takeRaws(), ...fresh.flatMap((item) => item.records)]
      reached = isEnd ? positionAt(1, beganMs) : positionAt(page + 1, start.readMs)
      yield { records, position: reached }
      if (isEnd) return
    }
  } catch (error) {
    if (raws.length > 0) yield { records: takeRaws(), position: reached }
    throw asPassing(error, start.readMs !== null)
  }
  yield { records: [], position: positionAt(1, start.readMs) }
  throw new ReadflowError('source-invalid', `${client.label} has no end: ${maxPages} pages were read.`, {
    hint: 'What was read is kept; is the address that of a shelf?',
  })
}

const logRepeated = (log: Log, page: number) =>
  log.warn({ page }, 'a page of the feed only repeats the pages before it, and counts as its end')
