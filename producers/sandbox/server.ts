/**
 * A GoodReads of our own: the XML API over an invented, seeded, evolving catalogue, so that ReadFlow can be tried
 * where no GoodReads key is at hand. Every name, title and review is generated; none is real.
 *
 * What is generated, the same for the same (seed, startMs) at the same time:
 * - 700 authors and 1,200 books in 8 languages and 13 genres, valid ISBNs, some series, popular shelves with
 *   genres and noise, descriptions with HTML, rating counts that add up; 1,500 readers;
 * - 36,000 dated reviews over the three years before `startMs`, more every year; 86 % carry a rating (1 to 5),
 *   a third of these a text; few books get most of them. With the ratings about 69,000 events;
 * - every 10 s after `startMs` a step: 20 to 32 new reviews (40 % by new members) and 3 to 6 edits of earlier ones,
 *   which move `date_updated`, the books' counts and averages; mostly one author's changed profile; every tenth
 *   step or so a new book, half of them by a new author. After a day a step has 2 to 4 reviews and 1 edit.
 *   Nothing changes between steps, so answers to the same question within a step are the same bytes.
 *
 * Faulty on purpose (`faultPlan`): 2.5 % of books (ISBNs mostly; never the hundred most read), 1 % of authors,
 * 0.3 % of reviews (until their reader edits them): about 0.4 % of the records; 0.2 % of reviews come twice in an
 * answer, and one further page of a list in five repeats the entry before it.
 *
 * Feeds of shelves: `/review/list_rss/USER?shelf=&page=` (RSS 2.0, no API key, ETag and 304).
 * Methods: `/review/recent_reviews.xml` (the 100 added or changed last), `/book/show/ID.xml`,
 * `/author/show/ID.xml`, `/review/list/USER.xml?v=2&page=&per_page=`; an id may also come as `?id=`.
 * Ask for a fault by `?fault=` or the header `x-sandbox-fault`: a status (`429`, `503`, `406`, …), `truncated`
 * (XML cut in half) or `html`; `faults` serves them by share.
 */
import { hash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import { type Answers, createAnswers } from './answers.ts'
import { openCatalogue } from './catalogue.ts'
import { feedXml } from './feeds.ts'
import { faultAskedFor, faultByShare, type SandboxFaults, type WireFault } from './wire-faults.ts'
import { errorXml } from './xml.ts'

export interface SandboxOptions {
  /** A whole number; another one gives another world. */
  seed: number
  /** When history ends and evolution begins, epoch ms. */
  startMs: number
  nowMs: () => number
  /** Of the history; its readers are as many as have so many. */
  startReviews?: number | undefined
  log: Log
  /** 0, the default, takes a free port. */
  port?: number
  host?: string
  /** Where given, requests without `key=` of this value get 401. */
  apiKey?: string
  faults?: SandboxFaults
  /** Where given, feeds without `key=` of this value are sent to the sign-in page, as those of private shelves. */
  feedKey?: string
  /** How long feeds ask to be left alone; default 60. */
  feedTtlMinutes?: number
}

export interface Sandbox {
  /** Base address, without a slash at its end. */
  url: string
  /** Readers from the start, whose review lists hold the whole history. */
  userIds: string[]
  close: () => Promise<void>
}

interface Answer {
  status: number
  type: string
  body: string
  headers?: Record<string, string>
}

const XML = 'application/xml; charset=utf-8'
const RSS = 'application/rss+xml; charset=utf-8'
const HTML = 'text/html; charset=utf-8'

const faulty = (fault: WireFault, answer: () => Answer, retryAfterSeconds: number): Answer => {
  if (fault.kind === 'html') return { status: 200, type: HTML, body: '<html><body>Goodreads is over capacity.</body></html>' }
  if (fault.kind === 'truncated') {
    const whole = answer()
    return { ...whole, body: whole.body.slice(0, whole.body.length >> 1) }
  }
  const { status } = fault
  if (status === 429 || status === 503)
    return { status, type: HTML, body: 'Try again later.', headers: { 'retry-after': String(retryAfterSeconds) } }
  if (status < 400) return { status, type: HTML, body: '', headers: { location: '/signin' } }
  return { status, type: HTML, body: status === 406 ? '' : `Error ${status}` }
}

const found = (what: string, body: string | null): Answer =>
  body === null ? { status: 404, type: XML, body: errorXml(`${what} not found`) } : { status: 200, type: XML, body }

/** The answer to a path such as `/book/show/12.xml` or `/book/show.xml?id=12`. */
const route = (answers: Answers, url: URL): Answer => {
  const [, method = '', inPath] = /^\/(\w+\/\w+)(?:\/(\d+))?(?:\.xml)?$/.exec(url.pathname) ?? []
  const id = Number(inPath ?? url.searchParams.get('id') ?? Number.NaN)
  if (method === 'review/recent_reviews') return found('reviews', answers.recentReviews())
  if (method === 'book/show') return found('book', answers.book(id))
  if (method === 'author/show') return found('author', answers.author(id))
  if (method === 'review/list') {
    const page = Number(url.searchParams.get('page') ?? 1)
    return found('user', answers.reviewList(id, page, Number(url.searchParams.get('per_page') ?? 20)))
  }
  return { status: 404, type: HTML, body: 'Page not found' }
}

const send = (response: ServerResponse, { status, type, body, headers }: Answer, isHead: boolean) => {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, 'x-readflow-generated': 'true', ...headers })
  response.end(isHead ? undefined : bytes)
}

/** Starts the server; throws `port-taken` where the port is in use. Time may only go forward. */
export const startSandbox = async (options: SandboxOptions): Promise<Sandbox> => {
  const { seed, startMs, nowMs, startReviews, log, port = 0, host = '127.0.0.1', apiKey, faults = {} } = options
  const { feedKey, feedTtlMinutes = 60 } = options
  const catalogue = openCatalogue({ seed, startMs, startReviews })
  // Before time goes on and others join.
  const startUsers = catalogue.usersCount
  const answers = createAnswers(catalogue)
  let requests = 0

  /** A page of a shelf's feed, or null where the path is another. */
  const feed = (request: IncomingMessage, url: URL): Answer | null => {
    const userId = /^\/review\/list_rss\/(\d+)$/.exec(url.pathname)?.[1]
    if (userId === undefined) return null
    const { searchParams: query } = url
    if (feedKey !== undefined && query.get('key') !== feedKey)
      return { status: 302, type: HTML, body: '', headers: { location: '/user/sign_in' } }
    const page = Math.max(1, Math.floor(Number(query.get('page') ?? 1)) || 1)
    const body = feedXml(catalogue, { userId: Number(userId), shelf: query.get('shelf'), page, ttlMinutes: feedTtlMinutes })
    if (body === null) return { status: 404, type: HTML, body: 'Page not found' }
    const etag = `W/"${hash('md5', body, 'hex')}"`
    return request.headers['if-none-match'] === etag
      ? { status: 304, type: RSS, body: '', headers: { etag } }
      : { status: 200, type: RSS, body, headers: { etag } }
  }

  const answer = (request: IncomingMessage, url: URL): Answer => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, type: HTML, body: '', headers: { allow: 'GET, HEAD' } }
    const isFeed = url.pathname.startsWith('/review/list_rss/')
    if (!isFeed && apiKey !== undefined && url.searchParams.get('key') !== apiKey)
      return { status: 401, type: HTML, body: 'Invalid API key.' }
    if (catalogue.advanceTo(nowMs())) answers.stepChanged()
    const asked = url.searchParams.get('fault') ?? request.headers['x-sandbox-fault']?.toString() ?? null
    const fault = faultAskedFor(asked) ?? faultByShare(seed, requests, faults)
    const whole = () => feed(request, url) ?? route(answers, url)
    return fault ? faulty(fault, whole, faults.retryAfterSeconds ?? 1) : whole()
  }

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    requests++
    try {
      const url = new URL(request.url ?? '/', 'http://sandbox')
      if (faults.slowMs) await wait(faults.slowMs, undefined, { ref: false })
      send(response, answer(request, url), request.method === 'HEAD')
    } catch (error) {
      log.error({ error: String(error) }, 'sandbox could not answer')
      if (!response.headersSent) send(response, { status: 500, type: HTML, body: 'Error 500' }, false)
    }
  }

  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new ReadflowError('port-taken', `the sandbox cannot listen on ${host}:${port}`, {
          hint: 'Choose another port, or 0 for a free one.',
          cause,
        }),
      ),
    )
    server.listen(port, host, resolve)
  })
  const url = `http://${host}:${(server.address() as AddressInfo).port}`
  log.info({ url, seed, start_ms: startMs }, 'sandbox listening')
  return {
    url,
    userIds: Array.from({ length: startUsers }, (_, i) => String(catalogue.ids.users.idOf(i))),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}
