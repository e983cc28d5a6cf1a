import { ReadflowError } from '../../runtime/errors.ts'
import { parseIsoTime } from '../../runtime/iso-time.ts'

/** One end of what is to be derived again. */
export type Point = { kind: 'earliest' } | { kind: 'latest' } | { kind: 'offset'; offset: number } | { kind: 'time'; timeMs: number }

/** Reads an end as a person writes it; a time without a zone is UTC. Throws `config`, which names the flag. */
export const pointOf = (flag: string, text: string): Point => {
  const trimmed = text.trim()
  if (trimmed === 'earliest' || trimmed === 'latest') return { kind: trimmed }
  if (/^\d{1,15}$/.test(trimmed)) return { kind: 'offset', offset: Number(trimmed) }
  // A request is kept as text in which each end is one word.
  const timeMs = trimmed.includes(' ') ? null : parseIsoTime(trimmed)
  if (timeMs === null)
    throw new ReadflowError('config', `${flag}: '${text}' is no offset, no time, and neither earliest nor latest.`, {
      hint: 'Times are written as 2026-11-23 or 2026-11-23T08:00:00Z.',
    })
  return { kind: 'time', timeMs }
}
