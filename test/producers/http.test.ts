import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createHttp, type HttpOptions, type HttpResponse, parseRetryAfter, retryDelayMs } from '../../producers/sources/http.ts'
import { statusOutcome } from '../../producers/sources/source-metrics.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { keepingLog, type Reply, serve } from './goodreads/server.ts'

const open = async (t: TestContext, answer: (nth: number) => Reply, options: Partial<HttpOptions> = {}) => {
  const server = await serve(t, () => answer(server.asked.length))
  const responses: HttpResponse[] = []
  const http = createHttp({ log: keepingLog().log, requestTimeoutMs: 5000, firstDelayMs: 1, maxDelayMs: 2, ...options })
  const get = (signal = new AbortController().signal) =>
    http.get({
      url: `${server.url}/x?key=secret`,
      shownUrl: `${server.url}/x`,
      label: 'book.show',
      method: 'book.show',
      signal,
      onResponse: (response) => void responses.push(response),
    })
  return { get, responses, asked: server.asked }
}
const fails = (code: string, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ReadflowError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, pattern)
  assert.doesNotMatch(`${error.message} ${error.hint}`, /secret|\n/)
  return true
}

test('what may pass is tried again: 429, 408, 500, 503 and a broken connection', async (t) => {
  const bad: Reply[] = [{ status: 429 }, { status: 503 }, { body: 'cut off', isCut: true }, { status: 408 }]
  const { get, responses, asked } = await open(t, (nth) => bad[nth - 1] ?? { body: 'good' })
  const { status, body } = await get()
  assert.deepEqual([status, Buffer.from(body).toString(), asked.length], [200, 'good', 5])
  assert.deepEqual(
    responses.map((response) => response.status),
    [429, 503, 408, 200],
  )
})

test('every answer is handed on with its own request id and without the key', async (t) => {
  const { get, responses } = await open(t, (nth) => (nth === 1 ? { status: 500, body: 'sorry', headers: { 'X-Note': 'a' } } : {}))
  await get()
  assert.equal(new Set(responses.map(({ requestId }) => requestId)).size, 2)
  const [first] = responses
  assert.deepEqual(
    [first?.status, first?.headers['x-note'], first?.contentType, Buffer.from(first!.body).toString()],
    [500, 'a', 'application/xml', 'sorry'],
  )
  assert.doesNotMatch(JSON.stringify(responses), /secret/)
})

test('what stays as it is, is not tried again', async (t) => {
  for (const status of [200, 301, 400, 401, 403, 404, 406]) {
    const { get, asked } = await open(t, () => ({ status, headers: { location: '/elsewhere' } }))
    assert.equal((await get()).status, status)
    assert.equal(asked.length, 1)
  }
})

test('after the last attempt the source is unavailable, in one line that says why', async (t) => {
  const { get, asked } = await open(t, () => ({ status: 503 }), { maxAttempts: 3 })
  await assert.rejects(get(), fails('source-unavailable', /book\.show could not be had: it answered 503\./))
  assert.equal(asked.length, 3)
})

test('a port where nobody listens is named as such', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await new Promise((resolve) => server.close(resolve))
  const http = createHttp({ log: keepingLog().log, requestTimeoutMs: 5000, firstDelayMs: 1, maxAttempts: 2 })
  const request = {
    url: `${url}?key=secret`,
    shownUrl: url,
    label: 'book.show',
    method: 'book.show',
    onResponse: () => undefined,
    signal: new AbortController().signal,
  }
  await assert.rejects(http.get(request), fails('source-unavailable', /could not be had: ECONNREFUSED\./))
})

test('an attempt has a time limit', async (t) => {
  const { get, asked } = await open(t, () => ({ hangs: true }), { requestTimeoutMs: 500, maxAttempts: 2 })
  await assert.rejects(get(), fails('source-unavailable', /no answer within 500 ms/))
  assert.equal(asked.length, 2)
})

for (const [what, reply] of [
  ['a request', { hangs: true }],
  ['the wait for the next attempt', { status: 503 }],
] as const) {
  test(`a stop ends ${what}`, async (t) => {
    const { get, asked, responses } = await open(t, () => reply)
    // No wait ever ends by itself here.
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const stop = new AbortController()
    const reason = new ReadflowError('stopped', 'told to stop')
    const pending = get(stop.signal)
    while (asked.length === 0 || ('status' in reply && responses.length === 0)) await new Promise((resolve) => setImmediate(resolve))
    stop.abort(reason)
    await assert.rejects(pending, (error) => error === reason)
  })
}

test('Retry-After is read in seconds and as a date', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z')
  assert.equal(parseRetryAfter('7', nowMs), 7000)
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', nowMs), 60_000)
  assert.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:00 GMT', nowMs), 0)
  for (const value of [undefined, '', 'soon', '-1', '1.5']) assert.equal(parseRetryAfter(value, nowMs), null, value)
})

test('delays double up to their ceiling, are spread over all of it, and never undercut Retry-After', () => {
  const delay = (attempt: number, random: number, retryAfterMs: number | null = null) =>
    retryDelayMs({ attempt, firstDelayMs: 100, maxDelayMs: 1000, retryAfterMs, random: () => random })
  assert.deepEqual(
    [1, 2, 3, 4, 5, 60].map((attempt) => delay(attempt, 0.999999)),
    [99, 199, 399, 799, 999, 999],
  )
  assert.deepEqual(
    [1, 5].map((attempt) => delay(attempt, 0)),
    [0, 0],
  )
  assert.equal(delay(1, 0, 7000), 7000)
  assert.equal(delay(1, 0.5, 7000), 7050)
})

test('a server that asks for too long a wait is not waited for', async (t) => {
  const { get, asked } = await open(t, () => ({ status: 429, headers: { 'retry-after': '86400' } }))
  await assert.rejects(get(), fails('source-unavailable', /answered 429 and asks to wait 86400 s/))
  assert.equal(asked.length, 1)
})

test('the breaker stops asking a source that keeps failing, and asks again later', async (t) => {
  let isUp = false
  const { get, asked } = await open(t, () => (isUp ? {} : { status: 500 }), { maxAttempts: 2, breakAfterFailures: 3, breakForMs: 300 })
  await assert.rejects(get(), fails('source-unavailable', /answered 500/))
  await assert.rejects(get(), fails('source-unavailable', /was not asked, because the source keeps failing/))
  assert.equal(asked.length, 3)
  isUp = true
  const answered = async (): Promise<number> => {
    try {
      return (await get()).status
    } catch {
      // Still open: asked again until it is not.
      await new Promise((resolve) => setTimeout(resolve, 5))
      return answered()
    }
  }
  assert.equal(await answered(), 200)
})

test('patience asked for (429) and what does not exist (404) never open the breaker', async (t) => {
  const { get } = await open(t, (nth) => ({ status: nth % 2 === 1 ? 429 : 404 }), { breakAfterFailures: 1 })
  for (let i = 0; i < 5; i++) assert.equal((await get()).status, 404)
})

test('a body that is too large is refused, and not read on', async (t) => {
  const { get, responses, asked } = await open(t, () => ({ body: 'x'.repeat(100_000) }), { maxBodyBytes: 1000 })
  await assert.rejects(get(), fails('source-invalid', /more than 1000 bytes/))
  assert.deepEqual([responses[0]?.body.length, asked.length], [1000, 1])
})

test('each attempt is told with what came of it, and each wait that the source asked for', async (t) => {
  const told: string[] = []
  const metrics = {
    attempted: (method: string, outcome: string, durationMs: number | null) => {
      assert.equal(durationMs === null, outcome === 'network_error')
      told.push(`${method} ${outcome}`)
    },
    retried: (method: string) => void told.push(`${method} again`),
    waited: (reason: string, durationMs: number) => void told.push(`${reason} ${durationMs}`),
  }
  const bad: Reply[] = [
    { status: 429, headers: { 'retry-after': '0' } },
    { status: 503 },
    { body: 'cut off', isCut: true },
    { status: 404 },
  ]
  const { get } = await open(t, (nth) => bad[nth - 1] ?? {}, { metrics })
  await get()
  assert.deepEqual(told, [
    'book.show rate_limited',
    'retry_after 0',
    'book.show again',
    'book.show server_error',
    'book.show again',
    'book.show network_error',
    'book.show again',
    'book.show not_found',
  ])
})

test('an answer is named by its status', () => {
  const outcomes = [200, 304, 301, 404, 410, 401, 403, 429, 500, 503, 408, 406].map(statusOutcome)
  assert.deepEqual(outcomes, [
    ...['ok', 'ok', 'redirect', 'not_found', 'not_found', 'refused', 'refused', 'rate_limited'],
    ...['server_error', 'server_error', 'server_error', 'other_status'],
  ])
})
