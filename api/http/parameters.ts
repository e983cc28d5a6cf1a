import { z } from 'zod'
import { isoTimePattern, parseIsoTime } from '../../runtime/iso-time.ts'
import { Problem } from './problem.ts'

/** A whole number from `min` to `max`. */
export const whole = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d{1,12}$/.test(text) && Number(text) >= min && Number(text) <= max, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .meta({ override: { type: 'integer', minimum: min, maximum: max } })

/** The same, and what counts where it is not given. */
export const wholeOr = (min: number, max: number, fallback: number) =>
  whole(min, max)
    .default(fallback)
    .meta({ override: { type: 'integer', minimum: min, maximum: max, default: fallback } })

/** Text of a length that a person would type, on one line. */
export const shortText = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(200, 'must not be longer than 200 characters')
  .regex(/^\P{Cc}*$/u, 'must have no control characters')

/** One of a few words. */
export const oneOf = <const W extends readonly [string, ...string[]]>(words: W) =>
  z.enum(words, { error: `must be one of ${words.join(', ')}` })

/** A day as YYYY-MM-DD, or a month as YYYY-MM: its first day. Gives YYYY-MM-DD. */
export const dayOrMonth = z
  .string()
  .transform((text) => (/^\d{4}-\d{2}$/.test(text) ? `${text}-01` : text))
  .refine(
    (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text),
    'must be a day as YYYY-MM-DD or a month as YYYY-MM',
  )
  .meta({ override: { type: 'string', pattern: '^\\d{4}-\\d{2}(-\\d{2})?$' } })

/** A time in ISO 8601, in UTC where it names no zone. Gives epoch milliseconds. */
export const isoTime = z
  .string()
  .transform((text, context) => {
    const timeMs = parseIsoTime(text)
    if (timeMs !== null) return timeMs
    context.addIssue('must be a time in ISO 8601, such as 2026-11-24T08:00:00Z')
    return z.NEVER
  })
  .meta({ override: { type: 'string', pattern: isoTimePattern.source } })

/** Some of a few words, with commas between. */
export const listOf = <const W extends string>(words: readonly W[]) =>
  z
    .string()
    .transform((text) => [...new Set(text.split(',').map((word) => word.trim()))] as W[])
    .refine((given) => given.every((word) => words.includes(word)), `must be of ${words.join(', ')}, with commas between`)
    .meta({ override: { type: 'string', pattern: `^(${words.join('|')})( *, *(${words.join('|')}))*$` } })

/** What charts and lists of facts are narrowed by. */
export const factFilters = {
  genre: shortText.optional().describe('slug of the primary genre, such as fantasy'),
  language_code: shortText.optional().describe('language of the book in ISO 639-3, such as eng'),
  from: dayOrMonth.optional().describe('first day, or month, that counts'),
  to: dayOrMonth.optional().describe('day, or month, that ends the range and does not count'),
}

/** Throws a 400 where a range of days is empty or goes backwards. */
export const requireRange = ({ from, to }: { from?: string | undefined; to?: string | undefined }): void => {
  if (from !== undefined && to !== undefined && from >= to) {
    throw new Problem(400, 'from must be before to.', { faults: [{ parameter: 'from', detail: 'must be before to' }] })
  }
}

/** The parameters that are given, for SQL. */
export const given = (params: Record<string, string | number | undefined>): Record<string, string | number> =>
  Object.fromEntries(Object.entries(params).filter((entry): entry is [string, string | number] => entry[1] !== undefined))
