import { ReadflowError } from '../../../runtime/errors.ts'
import { sleep as realSleep } from '../../../runtime/lifecycle.ts'
import type { RawResponse } from '../../../schemas/records.ts'
import { createHttp, type HttpOptions, type HttpResponse } from '../http.ts'
import { noSourceMetrics, type SourceMetrics } from '../source-metrics.ts'
import { type ParsedResponse, parseResponse, type ResponseToParse } from './parse/response.ts'
import { createRedactor } from './redact.ts'

export const methods = ['review.recent_reviews', 'book.show', 'author.show', 'review.list'] as const
export type Method = (typeof methods)[number]

/** A raw response before its poll and source are known. */
export type RawAnswer = Omit<RawResponse, 'poll_id' | 'source'>

/** What a call needs besides its subject. */
export interface Call {
  signal: AbortSignal
  /** Gets every response, refusals and those that were tried again included. The key is in none of it. */
  onRaw: (raw: RawAnswer) => void
  skipsPartial?: ResponseToParse['skipsPartial']
}

export interface Answer {
  requestId: string
  parsed: ParsedResponse
}

export interface GoodreadsClientOptions extends Omit<HttpOptions, 'requestTimeoutMs'> {
  /** Such as `https://www.goodreads.com`. */
  baseUrl: string
  apiKey?: string | undefined
  /** Default 30,000. */
  requestTimeoutMs?: number
  /** Least time between two requests of the same method, retries included; default 1000, as the terms ask. */
  minIntervalMs?: number
  /** A clock that is never set, for the intervals: one that steps back would hold all requests for as long. */
  monotonicMs?: () => number
  sleep?: (delayMs: number, signal?: AbortSignal) => Promise<void>
}

const KEY_HINT = 'Set GOODREADS_API_KEY to a valid developer key.'

const textStart = (body: Uint8Array) =>
  new TextDecoder()
    .decode(body.subarray(0, 200))
    .replaceAll(/<[^>]*>?/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 80)

/** Turns a refusal into an error; leaves what can be parsed, and 404. */
const checkStatus = (method: Method, { status, headers, body }: Pick<HttpResponse, 'status' | 'headers' | 'body'>) => {
  if (status === 200 || status === 404) return
  if (status === 401)
    throw new ReadflowError(
      'source-refused',
      `${method} was refused (401${textStart(body) && `: ${textStart(body).replace(/\.$/, '')}`}).`,
      { hint: KEY_HINT },
    )
  if (status >= 300 && status < 400) {
    const target = URL.parse(headers['location'] ?? '', 'http://source')
    throw new ReadflowError(
      'source-refused',
      `${method} was sent away (${status}${target ? ` to ${target.pathname}` : ''}), as without a valid key.`,
      { hint: KEY_HINT },
    )
  }
  throw new ReadflowError(
    'source-invalid',
    `${method} answered ${status} with ${body.length === 0 ? 'an empty body' : `'${textStart(body)}'`}.`,
  )
}

interface ThrottleOptions extends Required<Pick<GoodreadsClientOptions, 'minIntervalMs' | 'monotonicMs' | 'sleep'>> {
  metrics: Pick<SourceMetrics, 'waited'>
}

/** Lets one request of a method through every `minIntervalMs`. */
const createThrottle = ({ minIntervalMs, monotonicMs, sleep, metrics }: ThrottleOptions) => {
  const freeAtMs = new Map<Method, number>()
  return async (method: Method, signal: AbortSignal) => {
    if (minIntervalMs === 0) return
    const now = monotonicMs()
    const turnMs = Math.max(now, freeAtMs.get(method) ?? now)
    freeAtMs.set(method, turnMs + minIntervalMs)
    if (turnMs <= now) return
    metrics.waited('throttle', turnMs - now)
    await sleep(turnMs - now, signal)
  }
}

/**
 * A client of the GoodReads XML API. A method resolves to its parsed answer, or null where the thing does not
 * exist (404). Throws ReadflowError `source-refused` (key), `source-invalid` (not what the API answers),
 * `source-unavailable` (after retries); `config` at once for an address that can not be used.
 */
export const createGoodreadsClient = (options: GoodreadsClientOptions) => {
  const { baseUrl, apiKey, requestTimeoutMs = 30_000, minIntervalMs = 1000, nowMs = Date.now, sleep = realSleep, ...rest } = options
  const { metrics = noSourceMetrics, monotonicMs = () => performance.now() } = options
  const base = URL.parse(baseUrl.replace(/\/+$/, ''))
  if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password) {
    throw new ReadflowError('config', 'The address of the GoodReads API is not a plain http(s) URL.', {
      hint: 'Write it as https://www.goodreads.com; a key goes into GOODREADS_API_KEY.',
    })
  }
  const root = `${base.origin}${base.pathname.replace(/\/$/, '')}`
  const http = createHttp({ ...rest, requestTimeoutMs, nowMs })
  const waitForTurn = createThrottle({ minIntervalMs, monotonicMs, sleep, metrics })
  const redact = createRedactor(apiKey)

  const rawOf = (method: Method, answer: HttpResponse): RawAnswer => ({
    request_id: answer.requestId,
    method,
    url: answer.url,
    status: answer.status,
    headers: redact.headers(answer.headers),
    content_type: answer.contentType,
    body: redact.body(answer.body),
    requested_at: answer.requestedAtMs,
    duration_ms: answer.durationMs,
  })

  const ask = async (
    method: Method,
    path: string,
    query: Record<string, string>,
    { signal, onRaw, skipsPartial }: Call,
    userId?: string,
  ): Promise<Answer | null> => {
    const shown = new URL(`${root}${path}`)
    for (const [name, value] of Object.entries(query)) shown.searchParams.set(name, value)
    const url = new URL(shown)
    if (apiKey) url.searchParams.set('key', apiKey)
    let raw: RawAnswer | undefined
    const { status, contentType, requestId } = await http.get({
      url: url.href,
      shownUrl: shown.href,
      label: method,
      method,
      beforeAttempt: () => waitForTurn(method, signal),
      onResponse: (response) => {
        raw = rawOf(method, response)
        onRaw(raw)
      },
      signal,
    })
    // From here on only what is free of the key: it must not show in an error either.
    const { body, headers } = raw!
    checkStatus(method, { status, headers, body })
    if (status === 404) return null
    const parsed = parseResponse({
      method,
      status,
      contentType,
      body,
      ...(userId === undefined ? {} : { userId }),
      ...(skipsPartial ? { skipsPartial } : {}),
    })
    return { requestId, parsed }
  }

  return {
    minIntervalMs,
    /** The reviews that were added or changed last, of all readers. */
    recentReviews: (call: Call) => ask('review.recent_reviews', '/review/recent_reviews.xml', {}, call),
    /** One book, whole. */
    bookShow: (id: string, call: Call) => ask('book.show', `/book/show/${encodeURIComponent(id)}.xml`, {}, call),
    /** One author, whole, and some of the author's books. */
    authorShow: (id: string, call: Call) => ask('author.show', `/author/show/${encodeURIComponent(id)}.xml`, {}, call),
    /** A page (from 1) of a reader's reviews, those changed last first; `perPage` up to 200. */
    reviewList: (userId: string, { page, perPage }: { page: number; perPage: number }, call: Call) =>
      ask(
        'review.list',
        `/review/list/${encodeURIComponent(userId)}.xml`,
        { v: '2', page: String(page), per_page: String(perPage), sort: 'date_updated', order: 'd' },
        call,
        userId,
      ),
  }
}

export type GoodreadsClient = ReturnType<typeof createGoodreadsClient>
