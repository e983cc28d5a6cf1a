import { GOODREADS_HOSTS, GOODREADS_URL, type ShelfAddress, shownShelf } from '../../../lineage/shelves/address.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { sleep as realSleep } from '../../../runtime/lifecycle.ts'
import type { RawResponse } from '../../../schemas/records.ts'
import { createRedactor } from '../goodreads/redact.ts'
import { createHttp, type HttpOptions, type HttpResponse } from '../http.ts'
import { noSourceMetrics } from '../source-metrics.ts'

/** Names the request for a page of a feed, in raw answers and metrics. */
export const FEED_METHOD = 'review.list_rss'

export type RawFeed = Omit<RawResponse, 'poll_id' | 'source'>

/** What a server gave to recognise an unchanged page by. */
export interface Validators {
  etag: string | null
  modified: string | null
}

export interface FeedAnswer {
  requestId: string
  /** Null where the page is as it was (304). */
  body: Uint8Array | null
  validators: Validators
}

export interface FeedClientOptions extends Omit<HttpOptions, 'requestTimeoutMs'> {
  address: ShelfAddress
  /** Default 30,000. */
  requestTimeoutMs?: number
  /** Least time between two pages; default 1000. */
  minIntervalMs?: number
  /** A server of ours on this machine in the place of GoodReads. Given by code only: no input of a user reaches it. */
  sandboxUrl?: string | undefined
  sleep?: (delayMs: number, signal?: AbortSignal) => Promise<void>
}

const MAX_REDIRECTS = 3
const PRIVATE_HINT = 'Copy the address of the RSS link at the foot of the shelf, with its key=, or make the shelf public.'

const isHtml = ({ contentType, body }: HttpResponse) =>
  /\bhtml\b/i.test(contentType ?? '') || /^\s*(?:<!doctype\s+html|<html)\b/i.test(Buffer.from(body.subarray(0, 200)).toString('latin1'))

/**
 * Asks for the pages of one shelf's feed. Nobody but GoodReads itself is asked, over https, redirects included; the key
 * shows in no raw answer and no error. Throws ReadflowError `source-refused` (private, gone, sent elsewhere),
 * `source-invalid` (no feed), `source-unavailable` (after retries).
 */
export const createFeedClient = (options: FeedClientOptions) => {
  const { address, requestTimeoutMs = 30_000, minIntervalMs = 1000, sandboxUrl, nowMs = Date.now, sleep = realSleep, ...rest } = options
  const label = `the feed of shelf ${shownShelf(address)}`
  const { metrics = noSourceMetrics } = options
  const http = createHttp({ ...rest, requestTimeoutMs, nowMs })
  const redact = createRedactor(address.key ?? undefined)
  let freeAtMs = 0

  const isAllowed = (url: URL) =>
    sandboxUrl === undefined
      ? url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === '' && GOODREADS_HOSTS.includes(url.hostname)
      : url.origin === new URL(sandboxUrl).origin

  const waitForTurn = async (signal: AbortSignal) => {
    // A clock that is never set: one that steps back would hold all requests for as long.
    const now = performance.now()
    const turnMs = Math.max(now, freeAtMs)
    freeAtMs = turnMs + minIntervalMs
    if (turnMs <= now) return
    metrics.waited('throttle', turnMs - now)
    await sleep(turnMs - now, signal)
  }

  const shownUrl = (url: URL) => {
    const shown = new URL(url)
    shown.searchParams.delete('key')
    return shown.href
  }

  const pageUrl = (page: number) => {
    const url = new URL(`${sandboxUrl ?? GOODREADS_URL}/review/list_rss/${address.userId}`)
    if (address.shelf !== null) url.searchParams.set('shelf', address.shelf)
    url.searchParams.set('page', String(page))
    if (address.key !== null) url.searchParams.set('key', address.key)
    return url
  }

  const rawOf = (answer: HttpResponse): RawFeed => ({
    request_id: answer.requestId,
    method: FEED_METHOD,
    url: answer.url,
    status: answer.status,
    headers: redact.headers(answer.headers),
    content_type: answer.contentType,
    body: redact.body(answer.body),
    requested_at: answer.requestedAtMs,
    duration_ms: answer.durationMs,
  })

  /** Where a redirect leads, if it may be followed. */
  const redirected = (from: URL, { status, headers }: HttpResponse): URL => {
    const to = URL.parse(redact.headers(headers)['location'] ?? '', from.href)
    if (to && /\/(?:sign_in|signin|login)\b/.test(to.pathname)) throw privateShelf('was sent to the sign-in page')
    if (!to || !isAllowed(to) || !to.pathname.startsWith('/review/list_rss/')) {
      const where = to ? ` to ${to.protocol}//${to.host}${to.pathname}`.slice(0, 120) : ''
      throw new ReadflowError('source-refused', `${label} was sent away (${status}${where}); it is not followed there.`, {
        hint: PRIVATE_HINT,
      })
    }
    // A redirect keeps no secret of its own.
    if (address.key !== null) to.searchParams.set('key', address.key)
    return to
  }

  const privateShelf = (how: string) =>
    new ReadflowError('source-refused', `${label} is private, or its key is not valid any more: it ${how}.`, { hint: PRIVATE_HINT })

  const check = (answer: HttpResponse) => {
    const { status } = answer
    if (status === 401 || status === 403) throw privateShelf(`was refused (${status})`)
    if (status === 404 || status === 410) {
      throw new ReadflowError('source-refused', `${label} is not there (${status}): no such reader or shelf, or a private one.`, {
        hint: PRIVATE_HINT,
      })
    }
    if (status !== 200) throw new ReadflowError('source-invalid', `${label} answered ${status}.`)
    if (isHtml(answer)) {
      throw new ReadflowError('source-refused', `${label} answered a web page instead of a feed, as a private shelf does.`, {
        hint: PRIVATE_HINT,
      })
    }
  }

  return {
    label,
    /** One page (from 1). `known` are the validators that an earlier answer gave; `onRaw` gets every answer, tries and redirects included. */
    page: async (
      page: number,
      known: Validators | null,
      { signal, onRaw }: { signal: AbortSignal; onRaw: (raw: RawFeed) => void },
    ): Promise<FeedAnswer> => {
      let url = pageUrl(page)
      for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        const answer = await http.get({
          url: url.href,
          shownUrl: shownUrl(url),
          label,
          method: FEED_METHOD,
          headers: {
            accept: 'application/rss+xml, application/xml',
            ...(known?.etag ? { 'if-none-match': known.etag } : {}),
            ...(known?.modified ? { 'if-modified-since': known.modified } : {}),
          },
          beforeAttempt: () => waitForTurn(signal),
          onResponse: (response) => onRaw(rawOf(response)),
          signal,
        })
        if (answer.status === 304 && known !== null) return { requestId: answer.requestId, body: null, validators: known }
        if ([301, 302, 303, 307, 308].includes(answer.status)) {
          url = redirected(url, answer)
          continue
        }
        check(answer)
        const { headers, requestId } = answer
        return {
          requestId,
          body: redact.body(answer.body),
          validators: { etag: headers['etag'] ?? null, modified: headers['last-modified'] ?? null },
        }
      }
      throw new ReadflowError('source-refused', `${label} was redirected more than ${MAX_REDIRECTS} times.`, { hint: PRIVATE_HINT })
    },
  }
}

export type FeedClient = ReturnType<typeof createFeedClient>
