import type { Source } from '../source.ts'
import { backfillGoodreads } from './backfill.ts'
import type { GoodreadsClient } from './client.ts'
import { goodreadsFieldOf } from './field-of.ts'
import { createMentioned } from './intake.ts'
import { pollGoodreads } from './poll.ts'

export interface GoodreadsSourceOptions {
  /** For provenance, such as `goodreads-api`. */
  name: string
  /** Names this source among others; no secret in it. */
  id: string
  isGenerated: boolean
  pollIntervalMs: number
  client: GoodreadsClient
  /** Readers whose review lists are read too. */
  userIds: readonly string[]
  /** Most book.show requests in a poll, and author.show and review.list likewise; default: what fits into 80 % of the interval. */
  maxBookRequestsPerPoll?: number
  maxAuthorRequestsPerPoll?: number
  maxListRequestsPerPoll?: number
  /** Known books, authors and readers that are asked again in a poll, so many of each; default 20. */
  maxRefreshesPerPoll?: number
  /** Requests at a time where the client has no least interval; default 8. Otherwise one of each method. */
  concurrency?: number
}

/** Where the client has no least interval, a poll ends when there is nothing left to ask. */
const UNLIMITED = 1_000_000

/**
 * GoodReads as a source. A poll asks for the recent reviews, reads the lists of the configured readers (whole at
 * first, then what is new), follows the books of reviews and their authors, and asks some known ones again, so
 * that their changes are seen. Throws ReadflowError `source-refused`, `source-unavailable`, `source-invalid`;
 * what was answered before the failure is yielded before it.
 */
export const openGoodreadsSource = (options: GoodreadsSourceOptions): Source => {
  const { name, id, isGenerated, pollIntervalMs, client, userIds, maxRefreshesPerPoll = 20, concurrency = 8 } = options
  const fitting = client.minIntervalMs === 0 ? UNLIMITED : Math.max(1, Math.floor((0.8 * pollIntervalMs) / client.minIntervalMs))
  const maxRequests = {
    'book.show': options.maxBookRequestsPerPoll ?? fitting,
    'author.show': options.maxAuthorRequestsPerPoll ?? fitting,
    'review.list': options.maxListRequestsPerPoll ?? fitting,
  }
  const mentioned = createMentioned()
  return {
    name,
    id,
    isGenerated,
    pollIntervalMs,
    poll: (position, context) =>
      pollGoodreads({ name, client, userIds, maxRequests, maxRefreshes: maxRefreshesPerPoll, concurrency, mentioned }, position, context),
    backfill: (request, context) => backfillGoodreads({ name, client, userIds, concurrency, mentioned }, request, context),
    fieldOf: goodreadsFieldOf,
    close: async () => undefined,
  }
}
