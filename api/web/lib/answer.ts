import { useEffect, useMemo, useRef, useState } from 'preact/hooks'

// Answers of many shapes: what each route gives is in /v1/openapi.json.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Json = any

/** What a question came to so far. */
export interface Answer {
  /** The last answer; null before the first. */
  data: Json | null
  /** Why there is no newer one, in the server's own words. */
  error: string | null
  status: number
  isLoading: boolean
  /** Whether `data` is still the answer to another question, while that to this one is on its way. */
  isOther: boolean
  /** When `data` was answered, in epoch milliseconds. */
  answeredMs: number | null
}

const TIMEOUT_MS = 30_000
const RETRY_MS = 2000

export class Failure extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Asks the API. Rejects with what the server says is wrong. */
export const ask = async (path: string, init: RequestInit = {}): Promise<Json> => {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS), ...init }).catch(() => {
    throw new Failure(0, 'The server does not answer. If it was stopped, start it again with: npm start.')
  })
  if (response.ok) return response.status === 204 ? null : response.json()
  const problem = await response.json().catch(() => null)
  throw new Failure(response.status, problem?.detail ?? `${path} answers ${response.status}.`)
}

/**
 * The answer to a path, asked again every `everyMs`, when `key` changes, and when the page is looked at again. The last
 * answer stays while a newer one is on its way or can't be had. A page that nobody looks at asks nothing. No path asks nothing.
 */
export const useAnswer = (path: string | null, { everyMs, key }: { everyMs?: number | undefined; key?: unknown } = {}): Answer => {
  const [answer, setAnswer] = useState<Omit<Answer, 'isOther'> & { path: string | null }>({
    path,
    data: null,
    error: null,
    status: 0,
    isLoading: path !== null,
    answeredMs: null,
  })
  const last = useRef<string | null>(null)
  useEffect(() => {
    if (path === null) return
    let isLeft = false
    let timer: ReturnType<typeof setTimeout> | undefined
    // What is shown of another question is no answer to this one, but better than nothing while it is on its way.
    if (last.current !== path) setAnswer((before) => ({ ...before, isLoading: true }))
    last.current = path
    const look = async () => {
      clearTimeout(timer)
      try {
        const data = await ask(path)
        if (!isLeft) setAnswer({ path, data, error: null, status: 200, isLoading: false, answeredMs: Date.now() })
        if (!isLeft && everyMs !== undefined && !document.hidden) timer = setTimeout(look, everyMs)
      } catch (error) {
        if (isLeft) return
        const { message, status = 0 } = error as Failure
        setAnswer((before) => ({
          ...before,
          ...(before.path === path ? {} : { data: null, path }),
          error: message,
          status,
          isLoading: false,
        }))
        // What may pass is tried again; a question that is wrong is not.
        if (!document.hidden && (status === 0 || status >= 500 || status === 429)) timer = setTimeout(look, everyMs ?? RETRY_MS)
      }
    }
    const wake = () => {
      if (!document.hidden) look()
    }
    look()
    document.addEventListener('visibilitychange', wake)
    return () => {
      isLeft = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', wake)
    }
  }, [path, everyMs, key])
  const isOther = path !== null && answer.path !== path
  return useMemo(() => ({ ...answer, isOther }), [answer, isOther])
}

/** A path with those parameters that have a value. */
export const withQuery = (path: string, query: Record<string, string | number | null | undefined>): string => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}
