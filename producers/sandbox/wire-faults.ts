import { hashShare, stream } from './random.ts'

/** What can go wrong on the wire; shares are of all requests, 0 to 1. */
export interface SandboxFaults {
  status429Share?: number
  status5xxShare?: number
  /** Added to every answer. */
  slowMs?: number
  /** Sent with 429 and 503; 1 by default. */
  retryAfterSeconds?: number
}

/** A fault to serve instead of the answer: a status, an answer cut in half, or a page where XML is due. */
export type WireFault = { kind: 'status'; status: number } | { kind: 'truncated' } | { kind: 'html' }

/** What a caller asked for by `?fault=` or the header `x-sandbox-fault`: a status from 300 to 599, `truncated` or `html`. */
export const faultAskedFor = (text: string | null): WireFault | null => {
  if (text === 'truncated' || text === 'html') return { kind: text }
  return text !== null && /^[345]\d\d$/.test(text) ? { kind: 'status', status: Number(text) } : null
}

/** The fault of the n-th request by the configured shares; the same for the same seed. */
export const faultByShare = (
  seed: number,
  request: number,
  { status429Share = 0, status5xxShare = 0 }: SandboxFaults,
): WireFault | null => {
  const share = hashShare(seed, stream.requests, request)
  if (share < status429Share) return { kind: 'status', status: 429 }
  if (share < status429Share + status5xxShare) return { kind: 'status', status: request % 2 === 0 ? 503 : 500 }
  return null
}
