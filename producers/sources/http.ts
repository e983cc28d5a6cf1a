import { randomUUID } from 'node:crypto'
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, DelegateBackoff, handleWhen, retry, wrap } from 'cockatiel'
import { ReadflowError } from '../../runtime/errors.ts'
import type { Log } from '../../runtime/log.ts'
import { noSourceMetrics, type SourceMetrics, statusOutcome } from './source-metrics.ts'

/** One answer as received. Header names are in lower case. */
export interface HttpResponse {
  requestId: string
  /** As `shownUrl` of the request: without secrets. */
  url: string
  status: number
  headers: Record<string, string>
  contentType: string | null
  body: Uint8Array
  requestedAtMs: number
  durationMs: number
}

export interface HttpRequest {
  url: string
  /** The URL without secrets: the only form that leaves this module. */
  shownUrl: string
  /** Names the request in errors, such as `book.show`. */
  label: string
  /** Names its kind in metrics; few there are. */
  method: string
  /** Waits for the request's turn; called before every attempt. */
  beforeAttempt?: () => Promise<void>
  /** Gets every answer, also those that are tried again. */
  onResponse: (response: HttpResponse) => void
  /** Sent beside the usual ones; names in lower case. */
  headers?: Readonly<Record<string, string>>
  signal: AbortSignal
}

export interface HttpOptions {
  log: Log
  metrics?: SourceMetrics | undefined
  /** Limit of one attempt, to the last byte of its body. */
  requestTimeoutMs: number
  fetch?: typeof fetch
  nowMs?: () => number
  random?: () => number
  /** Attempts of one request, the first included; default 5. */
  maxAttempts?: number
  /** Longest delay before the second attempt, doubled for each further one; default 500 and 30,000. */
  firstDelayMs?: number
  maxDelayMs?: number
  /** A server that says to wait longer than this is not waited for; default 120,000. */
  maxRetryAfterMs?: number
  /** Failures in a row after which nothing is sent for a while; default 10, and 30,000 ms. */
  breakAfterFailures?: number
  breakForMs?: number
  /** Default 8 MiB. */
  maxBodyBytes?: number
}

/** What may go better a moment later. `busy`: the server asks for patience (429), which is no failure of its own. */
class Transient extends Error {
  readonly isBusy: boolean
  readonly retryAfterMs: number | null

  constructor(message: string, options: { isBusy?: boolean; retryAfterMs?: number | null; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.isBusy = options.isBusy ?? false
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** Milliseconds that a `Retry-After` header asks for, given in seconds or as a date; null where it is neither. */
export const parseRetryAfter = (value: string | undefined, nowMs: number): number | null => {
  const text = value?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const dateMs = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs)
}

/**
 * Delay before attempt `attempt + 1` (`attempt` from 1): exponential with full jitter, so that many clients do
 * not come back at once, and never sooner than the server asked for.
 */
export const retryDelayMs = (options: {
  attempt: number
  firstDelayMs: number
  maxDelayMs: number
  retryAfterMs: number | null
  random: () => number
}): number => {
  const { attempt, firstDelayMs, maxDelayMs, retryAfterMs, random } = options
  const ceilingMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1))
  return Math.floor(random() * ceilingMs) + (retryAfterMs ?? 0)
}

/** Reads a body up to a limit; `isWhole` is false where there was more. */
const readBody = async (response: Response, maxBytes: number): Promise<{ body: Uint8Array; isWhole: boolean }> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) return { body: Buffer.concat(chunks).subarray(0, maxBytes), isWhole: false }
  }
  return { body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), isWhole: true }
}

const networkReason = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (cause as { code?: unknown }).code
  return typeof code === 'string' ? code : 'the connection broke'
}

const rejectOnAbort = (signal: AbortSignal) => {
  let stop = () => undefined as unknown
  const promise = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    stop = () => signal.removeEventListener('abort', onAbort)
  })
  promise.catch(() => undefined)
  return { promise, stop: () => void stop() }
}

/**
 * HTTP GET with a time limit an attempt, retries of what may pass (429, 408, 5xx, network faults), and one
 * circuit breaker for the server. Redirects are answers like others. Any other status is returned.
 * Throws ReadflowError `source-unavailable` after the last attempt, while the breaker is open, or where the
 * server asks for too long a wait; `source-invalid` where a body is too large; the signal's reason on abort.
 */
export const createHttp = (options: HttpOptions) => {
  const { log, metrics = noSourceMetrics, requestTimeoutMs, fetch: send = fetch, nowMs = Date.now, random = Math.random } = options
  const { maxAttempts = 5, firstDelayMs = 500, maxDelayMs = 30_000, maxRetryAfterMs = 120_000 } = options
  const { breakAfterFailures = 10, breakForMs = 30_000, maxBodyBytes = 8 * 1024 * 1024 } = options

  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof Transient && !error.isBusy),
    { halfOpenAfter: breakForMs, breaker: new ConsecutiveBreaker(breakAfterFailures) },
  )
  breaker.onStateChange((state) => {
    if (state === CircuitState.Open)
      log.warn({ requests: breakAfterFailures, retry_in_ms: breakForMs }, 'source keeps failing; no requests for a while')
  })
  const isWorthRetrying = (error: unknown) => error instanceof Transient && (error.retryAfterMs ?? 0) <= maxRetryAfterMs
  const retries = retry(handleWhen(isWorthRetrying), {
    maxAttempts: maxAttempts - 1,
    backoff: new DelegateBackoff(({ attempt, result }: { attempt: number; result: unknown }) => {
      const error = (result as { error?: unknown }).error
      const retryAfterMs = error instanceof Transient ? error.retryAfterMs : null
      if (retryAfterMs !== null) metrics.waited('retry_after', retryAfterMs)
      return retryDelayMs({ attempt, firstDelayMs, maxDelayMs, retryAfterMs, random })
    }),
  })
  const policy = wrap(retries, breaker)

  const attempt = async ({ url, shownUrl, label, method, onResponse, headers: more, signal }: HttpRequest): Promise<HttpResponse> => {
    const timeout = AbortSignal.timeout(requestTimeoutMs)
    const requestId = randomUUID()
    const requestedAtMs = nowMs()
    let received: { response: Response; body: Uint8Array; isWhole: boolean }
    try {
      const response = await send(url, {
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout]),
        headers: { accept: 'application/xml', 'user-agent': 'readflow', ...more },
      })
      received = { response, ...(await readBody(response, maxBodyBytes)) }
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      metrics.attempted(method, timeout.aborted ? 'timeout' : 'network_error', null)
      throw new Transient(timeout.aborted ? `no answer within ${requestTimeoutMs} ms` : networkReason(cause), { cause })
    }
    const { response, body, isWhole } = received
    const headers = Object.fromEntries(response.headers)
    const answer = {
      requestId,
      url: shownUrl,
      status: response.status,
      headers,
      contentType: headers['content-type'] ?? null,
      body,
      requestedAtMs,
      durationMs: Math.max(0, nowMs() - requestedAtMs),
    }
    metrics.attempted(method, isWhole ? statusOutcome(answer.status) : 'too_large', answer.durationMs)
    onResponse(answer)
    if (!isWhole) throw new ReadflowError('source-invalid', `${label} answered more than ${maxBodyBytes} bytes.`)
    const isBusy = answer.status === 429
    if (isBusy || answer.status === 408 || answer.status >= 500) {
      throw new Transient(`it answered ${answer.status}`, { isBusy, retryAfterMs: parseRetryAfter(headers['retry-after'], nowMs()) })
    }
    return answer
  }

  const unavailable = (label: string, error: unknown): unknown => {
    if (error instanceof BrokenCircuitError) {
      return new ReadflowError('source-unavailable', `${label} was not asked, because the source keeps failing.`, {
        hint: `It is asked again after ${breakForMs / 1000} s.`,
        cause: error,
      })
    }
    if (!(error instanceof Transient)) return error
    const waits =
      error.retryAfterMs !== null && error.retryAfterMs > maxRetryAfterMs
        ? ` and asks to wait ${Math.ceil(error.retryAfterMs / 1000)} s`
        : ''
    return new ReadflowError('source-unavailable', `${label} could not be had: ${error.message}${waits}.`, {
      hint: 'Is the address of the source right, and is it up?',
      cause: error,
    })
  }

  return {
    /** Sends one GET, again where that may help. */
    get: async (request: HttpRequest): Promise<HttpResponse> => {
      const { signal, label, method, beforeAttempt } = request
      let attempts = 0
      signal.throwIfAborted()
      // The retry policy sleeps on through an abort: what waits here does not.
      const aborted = rejectOnAbort(signal)
      try {
        const answer = policy.execute(async () => {
          if (attempts++ > 0) metrics.retried(method)
          await beforeAttempt?.()
          signal.throwIfAborted()
          return attempt(request)
        }, signal)
        return await Promise.race([answer, aborted.promise])
      } catch (error) {
        throw signal.aborted ? signal.reason : unavailable(label, error)
      } finally {
        aborted.stop()
      }
    },
  }
}

export type Http = ReturnType<typeof createHttp>
