import type { EntityName } from '../../schemas/records.ts'
import { type Position, positionId } from './headers.ts'
import type { Letter } from './letter.ts'
import { type Attempt, type Discard, letterId, type Marker, type Markers, type Outcome } from './markers.ts'

/**
 * open: it waits for a person, refused once or again; pending: it was sent again, and Silver has not come to it; accepted: a
 * row; repeat: what it says was accepted before; discarded: somebody took it off the list.
 */
export const letterStates = ['open', 'pending', 'accepted', 'repeat', 'discarded'] as const
export type LetterState = (typeof letterStates)[number]

/** A letter and all that became of it. */
export interface LetterCase {
  id: string
  entity: EntityName
  /** The record that was refused first. */
  origin: Position
  /** The newest refusal that there is on the topic. */
  letter: Letter
  state: LetterState
  /** With their outcomes, as far as these are known. */
  attempts: readonly Attempt[]
  discarded: Discard | null
  /** What is on record; null where nothing is. */
  marker: Marker | null
}

/** What Silver says of some positions. */
export interface SilverFindings {
  /** Of the positions that were asked for, those whose record is a row. */
  accepted: ReadonlySet<string>
  /** Whether Silver has come past a record. */
  hasPassed: (position: Position) => boolean
  /** Whether Silver never will, as the topic is gone or a person left it out. */
  isLost: (position: Position) => boolean
}

/** Before Silver is asked: which letters are one case does not depend on it. */
export const nothingKnown: SilverFindings = { accepted: new Set(), hasPassed: () => false, isLost: () => false }

/** Where every record lies that a redrive has sent, as `entity/position`: of which letter it is, and which of its attempts. */
export type Sent = ReadonlyMap<string, { marker: Marker; index: number }>

export const sentOf = (markers: Iterable<Marker>): Sent => {
  const sent = new Map<string, { marker: Marker; index: number }>()
  for (const marker of markers)
    for (const [index, { position }] of marker.attempts.entries()) sent.set(`${marker.entity}/${positionId(position)}`, { marker, index })
  return sent
}

/**
 * What became of a letter. `refusals` has every letter of its last attempts, by its own record; it must have been read after
 * what `silver` says, as a letter is there before Silver has passed. Pure.
 */
export const historyOf = (
  { entity, origin, marker }: { entity: EntityName; origin: Position; marker: Marker | null },
  refusals: ReadonlyMap<string, Letter>,
  silver: SilverFindings,
): Pick<LetterCase, 'state' | 'attempts'> => {
  const attempts = (marker?.attempts ?? []).map((attempt) => ({ ...attempt, outcome: outcomeOf(attempt, entity, refusals, silver) }))
  return { attempts, state: stateOf({ marker, origin, attempts, silver }) }
}

/**
 * The cases that some refusals are of: a record that was sent again and refused is one with its first letter, by the
 * positions in the markers alone, which nobody but a redrive writes. Of `letters` holds what `historyOf` says. Pure.
 */
export const casesOf = (letters: Iterable<Letter>, markers: Markers, silver: SilverFindings): LetterCase[] => {
  const sent = sentOf(markers.values())
  const newest = new Map<string, { marker: Marker | null; index: number; letter: Letter }>()
  const refusals = new Map<string, Letter>()
  for (const letter of letters) {
    const own = letterId(letter)
    const of = sent.get(own)
    const [id, index] = of ? [letterId(of.marker), of.index] : [own, -1]
    const before = newest.get(id)
    refusals.set(own, letter)
    // A refusal may be told twice; the last one says what Silver makes of it now.
    if (!before || index > before.index || (index === before.index && isLater(letter, before.letter)))
      newest.set(id, { marker: of?.marker ?? markers.get(own) ?? null, index, letter })
  }
  return [...newest].map(([id, { marker, letter }]) => {
    const { entity } = letter
    const origin = marker?.origin ?? letter.origin
    return {
      id,
      entity,
      origin,
      letter,
      marker,
      discarded: marker?.discarded ?? null,
      ...historyOf({ entity, origin, marker }, refusals, silver),
    }
  })
}

const isLater = (a: Letter, b: Letter) => a.refusedMs > b.refusedMs || (a.refusedMs === b.refusedMs && a.at.offset > b.at.offset)

const plain = (state: Outcome['state']): Outcome => ({ state, reason: null, message: null })

/**
 * What Silver shows now counts for more than what was written down once: a replay may have changed it. So `accepted` on record
 * holds only as long as the row is there, or Silver has not come to it (again).
 */
const outcomeOf = (
  { position, outcome }: Attempt,
  entity: EntityName,
  refusals: ReadonlyMap<string, Letter>,
  silver: SilverFindings,
): Outcome | null => {
  if (silver.accepted.has(positionId(position))) return plain('accepted')
  if (outcome && !(outcome.state === 'accepted' && silver.hasPassed(position))) return outcome
  const letter = refusals.get(`${entity}/${positionId(position)}`)
  if (letter) return { state: 'refused', reason: letter.reason, message: letter.message }
  if (silver.isLost(position)) return plain('lost')
  return silver.hasPassed(position) ? plain('repeat') : null
}

const stateOf = (of: { marker: Marker | null; origin: Position; attempts: readonly Attempt[]; silver: SilverFindings }): LetterState => {
  if (of.marker?.state === 'discarded') return 'discarded'
  if (of.silver.accepted.has(positionId(of.origin)) || of.attempts.some(({ outcome }) => outcome?.state === 'accepted')) return 'accepted'
  const last = of.attempts.at(-1)
  if (!last) return 'open'
  if (last.outcome === null) return 'pending'
  return last.outcome.state === 'repeat' ? 'repeat' : 'open'
}

/** Whether an outcome was found that is not on record yet. */
export const isUnsettled = ({ marker, attempts }: LetterCase): boolean =>
  attempts.some(({ outcome }, index) => outcome !== null && outcome.state !== marker?.attempts[index]?.outcome?.state)

/** Which attempt the next redrive of a letter is: refusals count, and records that nobody came to. Pure. */
export const nextAttempt = ({ letter, attempts }: Pick<LetterCase, 'letter' | 'attempts'>): number =>
  Math.max(letter.attempt, ...attempts.map(({ attempt }) => attempt)) + 1
