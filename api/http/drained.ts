import type { Response } from 'express'

/** So long a reader may take nothing before it is cut off: what it asked for is kept for it meanwhile. */
export const STALLED_MS = 60_000

/** Resolves once the reader has taken what was written, or is gone. One that takes nothing for `stalledMs` is cut off. */
export const drained = (response: Response, stalledMs = STALLED_MS): Promise<void> =>
  new Promise((resolve) => {
    if (response.destroyed) return resolve()
    const stalled = setTimeout(() => response.destroy(), stalledMs)
    const done = () => {
      clearTimeout(stalled)
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
