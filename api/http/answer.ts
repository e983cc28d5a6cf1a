import type { Request, Response } from 'express'
import type { GoldVersion } from '../gold/version.ts'
import type { StatusParts } from '../pipeline/status.ts'
import { etagOf, hasAny, isFresh } from './etag.ts'
import { type Format, formatOf, type RowsAnswer, rowsOf, sendRows } from './formats.ts'
import { heldOf, isServed, versionHeaders } from './held.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { noGoldYet } from './no-gold.ts'
import { Problem, tooMany } from './problem.ts'
import { parseParameters, type Route, rowColumns } from './route.ts'
import { goneVersion, wantedVersion } from './wanted-version.ts'

type Parts = Pick<StatusParts, 'gold' | 'gate'>
type Given = { params: Record<string, string>; query: Record<string, unknown> }

/** Answers that DuckDB makes at once, and long ones that readers take at their own pace. */
export interface AnswerLanes {
  answers: Lanes
  streams: Lanes
}

/** Places of one server. A stream that others wait for may take so long, and one that is not read so long. */
export const createAnswerLanes = (): AnswerLanes => ({
  answers: createLanes({ workers: 8, maxWaiting: 500 }),
  streams: createLanes({ workers: 4, maxWaiting: 32, long: { workers: 0, afterMs: 5 * 60_000 } }),
})

/** Answers a route over Gold from one version: as JSON that is kept for the life of the version, or as rows that come. */
export const answerFromGold = (route: Route, parts: Parts, lanes: AnswerLanes) => async (request: Request, response: Response) => {
  const asked = readQuestion(route, { params: request.params as Record<string, string>, query: request.query as Record<string, unknown> })
  const format = formatOf(request, asked.query['format'] as Format | undefined, route.rows !== null)
  const wanted = await wantedVersion(asked.query, route.pinnedVersion(asked.query as never), parts)
  const answered = await parts.gold.use(wanted, async (gold) => {
    const held = heldOf(parts, gold.version)
    const tag = etagOf({ version: gold.version, publishId: gold.publishId, question: asked.question, format, held: held.fields })
    response.set({
      ...versionHeaders(gold),
      ...held.headers,
      // An older version stays as it is. What is said of the newest one changes with a hold, and as_of may mean another one soon.
      'Cache-Control': isServed(parts, gold.version) ? 'no-cache' : 'private, max-age=3600, immutable',
    })
    response.vary('Accept')
    response.set('ETag', tag)
    const leave = () => void response.status(304).end()
    if (isFresh(request, tag)) return leave()
    const handled = { ...asked, gold } as never
    if (format === 'json') {
      const body = await jsonOf(route, asked, gold, lanes.answers.inPlace)
      if (hasAny(request)) return leave()
      const said = Object.keys(held.fields).length === 0 ? '' : `${JSON.stringify(held.fields).slice(1, -1)},`
      return void response.type('json').send(`{${said}${body.slice(1)}`)
    }
    const send = async (rows: RowsAnswer) => {
      if (hasAny(request)) return leave()
      response.set(pageHeaders(request, rows))
      await sendRows(response, format, rows)
    }
    if (!route.stream) return send(await lanes.answers.inPlace(() => wholeList(route, handled)))
    const signal = goneSignal(response)
    const patience = AbortSignal.any([signal, AbortSignal.timeout(MAX_WAIT_MS)])
    const place = await lanes.streams.enter(() => response.destroy(), patience).catch(asBusy)
    try {
      await route.stream({ ...asked, gold, signal } as never, send)
    } finally {
      place.leave()
    }
  })
  if (!answered) throw wanted === undefined ? noGoldYet(parts.gate.held()) : goneVersion(wanted)
}

/** The rows of a route that makes its list at once. */
const wholeList = async (route: Route, handled: never): Promise<RowsAnswer> => {
  const list = (await route.handle(handled))[route.rows!] as Record<string, unknown>[]
  return rowsOf(list, rowColumns(route))
}

/** What is beyond the rows that come: how many there are in all, and where the next ones are. */
const pageHeaders = (request: Request, { total, next }: RowsAnswer): Record<string, string> => {
  const [path, query] = request.originalUrl.split('?')
  const params = new URLSearchParams(query)
  // The cursor has the version.
  for (const name of ['version', 'as_of', 'cursor']) params.delete(name)
  if (next) params.set('cursor', next)
  return {
    ...(total === undefined ? {} : { 'ReadFlow-Total-Rows': String(total) }),
    ...(next ? { Link: `<${path}?${params}>; rel="next"` } : {}),
  }
}

interface Question {
  params: Record<string, unknown>
  query: Record<string, unknown>
  /** The same for requests that mean the same, whichever version they are asked of. */
  question: string
}

const readQuestion = (route: Route, { params, query }: Given): Question => {
  const parsed = { params: parseParameters(route.params, params), query: parseParameters(route.query, query) }
  const { version: _, as_of: __, format: ___, ...own } = parsed.query
  const entries = Object.entries(own).filter(([, value]) => value !== undefined)
  return {
    ...parsed,
    question: JSON.stringify([route.path, parsed.params, Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))]),
  }
}

/** The whole body, as it goes out while nothing is held. */
const jsonOf = (route: Route, asked: Question, gold: GoldVersion, inPlace: <T>(work: () => Promise<T>) => Promise<T>): Promise<string> =>
  gold.answers.answer(asked.question, async () => {
    const body = await inPlace(() => route.handle({ ...asked, gold } as never))
    return JSON.stringify({ version: gold.version, complete_through: gold.completeThrough, as_of: gold.publishedAt, ...body })
  })

/** For so long a stream waits for its place. */
const MAX_WAIT_MS = 30_000

/** Aborted once the reader is gone. */
const goneSignal = (response: Response): AbortSignal => {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Problem(499, 'The reader has gone.')))
  return gone.signal
}

const asBusy = (error: unknown): never => {
  const isTimeout = error instanceof Error && error.name === 'TimeoutError'
  throw isTimeout ? tooMany(`no place became free within ${MAX_WAIT_MS / 1000} s`) : error
}

const WARMED = 30

/**
 * Makes the answers of a new version that people will ask at once: what the page asks, and what was asked most of the
 * version before. One that can't be made is left to who asks it.
 */
export const createWarming =
  (routes: readonly Route[], first: readonly { path: string; query?: Record<string, string> }[]) =>
  async (next: GoldVersion, last: GoldVersion | null): Promise<void> => {
    const byPath = new Map(routes.map((route) => [route.path, route]))
    const made = new Set<string>()
    const ask = async (path: string, given: Given) => {
      const route = byPath.get(path)
      if (!route) return
      const asked = readQuestion(route, given)
      made.add(asked.question)
      await jsonOf(route, asked, next, (work) => work()).catch(() => undefined)
    }
    for (const { path, query = {} } of first) await ask(path, { params: {}, query })
    // Pages after the first belong to their own version.
    const isWanted = (question: string) => isQuestion(question) && !made.has(question) && !('cursor' in parsed(question)[2])
    for (const question of last?.answers.popular(WARMED, isWanted) ?? []) {
      const [path, params, query] = parsed(question)
      await ask(path, { params, query: textsOf(query) })
    }
  }

/** Of what is kept for the life of a version, that which a reader has asked: the rest is figures of our own. */
const isQuestion = (text: string) => text.startsWith('[')

const parsed = (question: string): [string, Record<string, string>, Record<string, unknown>] => JSON.parse(question)

const textsOf = (query: Record<string, unknown>) => Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))
