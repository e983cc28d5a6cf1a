import { z } from 'zod'
import { parseIsoTime } from '../iso-time.ts'
import { aSwitch, count, durationMs, text } from './units.ts'

const timeMs = z.string().transform((given, context) => {
  const ms = parseIsoTime(given)
  if (ms !== null) return ms
  context.addIssue({ code: 'custom', message: `'${given}' must be a time in ISO 8601, such as 2026-11-24T08:00:00Z` })
  return z.NEVER
})
const oneOf = <const W extends readonly [string, ...string[]]>(words: W) => z.enum(words, { error: `is one of ${words.join(', ')}` })

/** Which dead letters are meant, and what is done about them. */
export const letterKnobs = {
  letterEntity: {
    flag: 'entity',
    schema: oneOf(['books', 'authors', 'reviews', 'ratings']),
    programs: ['dlq'],
    doc: 'only dead letters of this entity: books, authors, reviews or ratings',
  },
  letterReason: { flag: 'reason', schema: text, programs: ['dlq'], doc: 'only those that this rule refused' },
  letterTopic: { flag: 'topic', schema: text, programs: ['dlq'], doc: 'only those of this topic, such as goodreads.books' },
  lettersFromMs: { flag: 'from', schema: timeMs, programs: ['dlq'], doc: 'only those that were refused at this time (ISO 8601) or later' },
  lettersToMs: { flag: 'to', schema: timeMs, programs: ['dlq'], doc: 'only those that were refused before this time' },
  letterKey: { flag: 'key', schema: text, programs: ['dlq'], doc: 'only those of records with this key' },
  letterState: {
    flag: 'state',
    default: 'open',
    schema: oneOf(['open', 'pending', 'accepted', 'repeat', 'discarded', 'all']),
    programs: ['dlq'],
    doc: 'only those that are open (wait for a person), pending (sent again), accepted, repeat or discarded; or all',
  },
  areAllLetters: {
    flag: 'all',
    schema: aSwitch,
    isSwitch: true,
    programs: ['dlq'],
    doc: 'redrive or discard every open letter, where nothing else says which',
  },
  letterLimit: {
    flag: 'limit',
    default: '20',
    schema: count(),
    programs: ['dlq'],
    doc: 'how many dead letters to list, those refused last first; all are counted',
  },
  outcomeWaitMs: {
    flag: 'wait',
    default: '30s',
    schema: durationMs,
    programs: ['dlq'],
    doc: 'longest time that a redrive waits for what becomes of the records; 0s does not',
  },
  by: { flag: 'by', schema: text, programs: ['dlq'], doc: 'who asks, for the record (default: the user of the terminal)' },
} as const
