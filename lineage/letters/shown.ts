import { positionId } from './headers.ts'
import type { LetterCase } from './states.ts'

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

/** What became of a letter, as commands and the API tell it. */
export const shownHistory = ({ id, state, attempts, discarded }: Pick<LetterCase, 'id' | 'state' | 'attempts' | 'discarded'>) => ({
  letter: id,
  state,
  attempts: attempts.map(({ attempt, at, by, reason, position, outcome }) => ({
    ...{ attempt, at, by, refused_before_by: reason, sent_to: positionId(position) },
    outcome: outcome && { state: outcome.state, reason: outcome.reason, message: outcome.message },
  })),
  discarded,
})

/** A letter without its bytes, as commands tell it. */
export const shownCase = (of: LetterCase) => {
  const { entity, letter } = of
  return {
    ...shownHistory(of),
    entity,
    reason: letter.reason,
    message: letter.message,
    key: letter.key,
    topic: letter.topic,
    topic_id: letter.origin.topicId,
    partition: letter.origin.partition,
    offset: letter.origin.offset,
    attempt: letter.attempt,
    arrived_at: iso(letter.arrivedMs),
    refused_at: iso(letter.refusedMs),
    size_bytes: letter.sizeBytes,
  }
}
