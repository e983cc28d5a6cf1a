import { ReadflowError } from '../../runtime/errors.ts'

/** One end of what is to be derived again. */
export type Point = { kind: 'earliest' } | { kind: 'latest' } | { kind: 'offset'; offset: number } | { kind: 'time'; timeMs: number }

const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** Reads an end as a person writes it; a time without a zone is UTC. Throws `config`, which names the flag. */
export const pointOf = (flag: string, text: string): Point => {
  const trimmed = text.trim()
  if (trimmed === 'earliest' || trimmed === 'latest') return { kind: trimmed }
  if (/^\d{1,15}$/.test(trimmed)) return { kind: 'offset', offset: Number(trimmed) }
  const match = TIME.exec(trimmed)
  const timeMs = match ? Date.parse(match[1] === undefined || match[4] !== undefined ? trimmed : `${trimmed}Z`) : Number.NaN
  if (Number.isNaN(timeMs))
    throw new ReadflowError('config', `${flag}: '${text}' is no offset, no time, and neither earliest nor latest.`, {
      hint: 'Times are written as 2026-11-23 or 2026-11-23T08:00:00Z.',
    })
  return { kind: 'time', timeMs }
}
