import type { Response } from 'express'
import { Problem } from './problem.ts'

const HEARTBEAT_MS = 15_000
const RETRY_MS = 2000
/** What a reader may be behind before it is cut off; it comes back by itself and goes on where it was. */
const MAX_BEHIND_BYTES = 1024 ** 2

export interface EventStream {
  send: (event: { id?: string; type: string; data: unknown }) => void
  /** Aborted once the reader has gone or was cut off. */
  signal: AbortSignal
}

/** Server-sent events: at most so many readers at once, who are let go when the server stops. */
export const createEventStreams = ({ maxReaders }: { maxReaders: number }) => {
  const open = new Set<Response>()

  /** Begins an answer that goes on. Throws a 503 where there are too many. */
  const begin = (response: Response): EventStream => {
    if (open.size >= maxReaders) {
      throw new Problem(503, `${maxReaders} readers listen already. Try again later.`, { headers: { 'Retry-After': '30' } })
    }
    const leaving = new AbortController()
    open.add(response)
    response.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' })
    response.flushHeaders()
    response.write(`retry: ${RETRY_MS}\n\n`)
    const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS)
    response.on('close', () => {
      clearInterval(heartbeat)
      open.delete(response)
      leaving.abort()
    })
    return {
      signal: leaving.signal,
      send: ({ id, type, data }) => {
        if (response.destroyed) return
        response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
        if (response.writableLength > MAX_BEHIND_BYTES) response.destroy()
      },
    }
  }
  const close = () => {
    for (const response of open) response.end()
  }
  return { begin, close, size: () => open.size }
}

export type EventStreams = ReturnType<typeof createEventStreams>
