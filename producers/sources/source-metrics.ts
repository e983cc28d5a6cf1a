/** What came of one HTTP request to a source. */
export const requestOutcomes = [
  'ok',
  'redirect',
  'not_found',
  'refused',
  'rate_limited',
  'server_error',
  'other_status',
  'too_large',
  'timeout',
  'network_error',
] as const
export type RequestOutcome = (typeof requestOutcomes)[number]

/** Who wants to know what a source is asked. Methods are those of the client that asks. */
export interface SourceMetrics {
  /** One attempt; its duration where it was answered. */
  attempted: (method: string, outcome: RequestOutcome, durationMs: number | null) => void
  retried: (method: string) => void
  /** A request is to wait: for our own limit, or because the source asked for it. */
  waited: (reason: 'throttle' | 'retry_after', durationMs: number) => void
}

const nothing = () => undefined

/** For who is not asked. */
export const noSourceMetrics: SourceMetrics = { attempted: nothing, retried: nothing, waited: nothing }

/** What an answer's status comes to. */
export const statusOutcome = (status: number): RequestOutcome => {
  if ((status >= 200 && status < 300) || status === 304) return 'ok'
  if (status >= 300 && status < 400) return 'redirect'
  if (status === 404 || status === 410) return 'not_found'
  if (status === 401 || status === 403) return 'refused'
  if (status === 429) return 'rate_limited'
  return status >= 500 || status === 408 ? 'server_error' : 'other_status'
}
