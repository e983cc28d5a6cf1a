import type { Response } from 'express'
import type { ApiKey } from '../keys/store.ts'
import { drained } from './drained.ts'
import { Problem } from './problem.ts'

const HEARTBEAT_MS = 15_000
const RETRY_MS = 2000

export interface EventStream {
  /** Resolves once the reader has taken what was sent, or has gone: who waits for that keeps nothing for one that is slow. */
  send: (event: { id?: string; type: string; data: unknown }) => Promise<void>
  /** Tells where the reader is, without an event: what it sends as Last-Event-ID when it comes back. */
  mark: (id: string) => void
  /** Aborted once the reader has gone or was cut off. */
  signal: AbortSignal
}

/** So soon after a key was taken back its streams end. */
const KEYS_INTERVAL_MS = 1000

/**
 * Server-sent events: at most so many readers at once, who are let go when the server stops, and where the key that they came
 * with holds no more.
 */
export const createEventStreams = ({ maxReaders, keys = async () => [] }: { maxReaders: number; keys?: () => Promise<ApiKey[]> }) => {
  const open = new Set<Response>()

  /** Begins an answer that goes on. Throws a 503 where there are too many. */
  const begin = (response: Response): EventStream => {
    const headers = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' }
    if (response.req.method === 'HEAD') {
      response.set(headers).end()
      return { signal: AbortSignal.abort(), send: async () => undefined, mark: () => undefined }
    }
    if (open.size >= maxReaders) {
      throw new Problem(503, `${maxReaders} readers listen already. Try again later.`, { headers: { 'Retry-After': '30' } })
    }
    const leaving = new AbortController()
    open.add(response)
    response.set(headers)
    response.flushHeaders()
    response.write(`retry: ${RETRY_MS}\n\n`)
    const heartbeat = setInterval(() => response.writableEnded || response.write(': still here\n\n'), HEARTBEAT_MS)
    const keyId: unknown = response.locals['keyId']
    const endWithoutKey = async () => {
      const known = await keys()
      if (!known.some(({ id, revoked_at }) => id === keyId && revoked_at === null)) response.end()
    }
    // A list that can not be read says of no key that it was taken back.
    const watch = keyId === undefined ? undefined : setInterval(() => endWithoutKey().catch(() => undefined), KEYS_INTERVAL_MS)
    response.on('close', () => {
      clearInterval(heartbeat)
      clearInterval(watch)
      open.delete(response)
      leaving.abort()
    })
    return {
      signal: leaving.signal,
      send: async ({ id, type, data }) => {
        if (response.destroyed || response.writableEnded) return
        const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`
        // One that is cut off comes back by itself, and goes on where it was.
        if (!response.write(text)) await drained(response)
      },
      mark: (id) => void response.write(`id: ${id}\n\n`),
    }
  }
  const close = () => {
    for (const response of open) response.end()
  }
  return { begin, close, size: () => open.size }
}

export type EventStreams = ReturnType<typeof createEventStreams>
