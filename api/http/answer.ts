import type { Request, Response } from 'express'
import type { GoldVersion } from '../gold/version.ts'
import type { StatusParts } from '../pipeline/status.ts'
import { etagOf, isFresh } from './etag.ts'
import { type Format, formatOf, rowsOf, sendRows } from './formats.ts'
import { heldOf, isServed } from './held.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { noGoldYet } from './no-gold.ts'
import { Problem, tooMany } from './problem.ts'
import { parseParameters, type Route } from './route.ts'
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
  const wanted = await wantedVersion(asked.query, route.pinnedVersion(asked.query as never), parts.gold)
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
    const send = (body?: string) => {
      response.set('ETag', tag)
      if (isFresh(request, tag)) response.status(304).end()
      else if (body !== undefined) response.type('json').send(body)
    }
    if (isFresh(request, tag)) return send()
    const handled = { ...asked, gold } as never
    if (format !== 'json' && route.stream) {
      const patience = AbortSignal.any([goneSignal(response), AbortSignal.timeout(MAX_WAIT_MS)])
      const place = await lanes.streams.enter(() => response.destroy(), patience).catch(asBusy)
      try {
        response.set('ETag', tag)
        return await route.stream(handled, (rows) => sendRows(response, format, rows))
      } finally {
        place.leave()
      }
    }
    if (format !== 'json') {
      const list = (await lanes.answers.inPlace(() => route.handle(handled)))[route.rows!] as Record<string, unknown>[]
      response.set('ETag', tag)
      return sendRows(response, format, rowsOf(list))
    }
    const body = await jsonOf(route, asked, gold, lanes.answers.inPlace)
    return send(Object.keys(held.fields).length === 0 ? body : `{${JSON.stringify(held.fields).slice(1, -1)},${body.slice(1)}`)
  })
  if (!answered) throw wanted === undefined ? noGoldYet(parts.gate.held()) : goneVersion(wanted)
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

const versionHeaders = ({ version, completeThrough }: GoldVersion) => ({
  'ReadFlow-Version': String(version),
  ...(completeThrough === null ? {} : { 'ReadFlow-Complete-Through': completeThrough }),
})

const WARMED = 30

/**
 * Makes the answers of a new version that people will ask at once: what the page asks, and what was asked most of the
 * version before. One that can't be made is left to who asks it.
 */
export const createWarming =
  (routes: readonly Route[], first: readonly { path: string; query?: Record<string, string> }[]) =>
  async (next: GoldVersion, last: GoldVersion | null): Promise<void> => {
    const byPath = new Map(routes.map((route) => [route.path, route]))
    const ask = async (path: string, given: Given) => {
      const route = byPath.get(path)
      if (route) await jsonOf(route, readQuestion(route, given), next, (work) => work()).catch(() => undefined)
    }
    for (const { path, query = {} } of first) await ask(path, { params: {}, query })
    for (const question of last?.answers.popular(WARMED) ?? []) {
      const [path, params, query] = parsed(question)
      // Pages after the first belong to their own version.
      if (path !== undefined && !('cursor' in query)) await ask(path, { params, query: textsOf(query) })
    }
  }

const parsed = (question: string): [string | undefined, Record<string, string>, Record<string, unknown>] =>
  question.startsWith('[') ? JSON.parse(question) : [undefined, {}, {}]

const textsOf = (query: Record<string, unknown>) => Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))
