import { ReadflowError } from '../../runtime/errors.ts'
import { parseIsoTime } from '../../runtime/iso-time.ts'
import type { Request } from './request.ts'

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

/**
 * Both ends of a request. Throws `config` where nothing can lie between them, whatever the table has: that is a slip of the hand, and
 * not an answer.
 */
export const endsOf = ({ from, to }: Pick<Request, 'from' | 'to'>, nowMs: number): readonly [Point, Point] => {
  const [begin, end] = [pointOf('--from', from), pointOf('--to', to)]
  const [first, last] = [placeOf(begin), placeOf(end)]
  if (begin.kind === end.kind && first !== null && last !== null && first >= last)
    throw new ReadflowError(
      'config',
      `--from ${from} is ${first === last ? 'the same as' : 'after'} --to ${to}: nothing lies between them.`,
      {
        hint: '--to is the first that is left out.',
      },
    )
  if (begin.kind === 'time' && begin.timeMs > nowMs)
    throw new ReadflowError('config', `--from ${from} is still to come: it is ${new Date(nowMs).toISOString()} now.`)
  return [begin, end]
}

const placeOf = (point: Point): number | null => (point.kind === 'offset' ? point.offset : point.kind === 'time' ? point.timeMs : null)
