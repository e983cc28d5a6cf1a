import type { LetterCase, LetterState } from '../../lineage/letters/states.ts'
import type { EntityName } from '../../schemas/records.ts'

/** Which letters are meant: those that meet all that is said. */
export interface Selection {
  entity?: EntityName | undefined
  /** The rule that refused it last. */
  reason?: string | undefined
  /** The topic that the record came from, or that the letter lies on. */
  topic?: string | undefined
  /** Refused at this time or later, epoch ms. */
  fromMs?: number | undefined
  /** Refused before this time. */
  toMs?: number | undefined
  key?: string | undefined
  state?: LetterState | undefined
  /** By name. */
  letters?: ReadonlySet<string> | undefined
}

/** Whether a letter is meant. Pure. */
export const isSelected = (of: Selection, { id, entity, letter, state }: LetterCase): boolean =>
  (of.entity === undefined || of.entity === entity) &&
  (of.reason === undefined || of.reason === letter.reason) &&
  (of.topic === undefined || of.topic === letter.topic || of.topic === `${letter.topic}.dlq`) &&
  (of.fromMs === undefined || letter.refusedMs >= of.fromMs) &&
  (of.toMs === undefined || letter.refusedMs < of.toMs) &&
  (of.key === undefined || of.key === letter.key) &&
  (of.state === undefined || of.state === state) &&
  (of.letters === undefined || of.letters.has(id))

/** Why a letter that is meant is not sent again, in a word; null for one that is. */
export type Skip = 'accepted' | 'repeat' | 'pending' | 'discarded' | 'no-bytes' | 'foreign-topic'

/**
 * Whether a letter is to be sent again. One that is discarded only where discarded ones are asked for. The letter of a value
 * that was too large to be held has no bytes: sent again it would be a deletion.
 */
export const skipOf = ({ state, letter }: LetterCase, topic: string, isDiscardedWanted: boolean): Skip | null => {
  if (state === 'discarded' ? !isDiscardedWanted : state !== 'open') return state as Skip
  if (letter.topic !== topic) return 'foreign-topic'
  return letter.reason === 'too-large' ? 'no-bytes' : null
}

/** What a skip means, for a person. */
export const skipText: Readonly<Record<Skip, string>> = {
  accepted: 'accepted already',
  repeat: 'found to be a repeat already',
  pending: 'sent again already, and Silver has not come to it yet',
  discarded: 'discarded (--state discarded takes those)',
  'no-bytes': 'too large for its bytes to be in the letter',
  'foreign-topic': 'of a topic that is not its entity’s',
}
