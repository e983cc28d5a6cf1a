import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { type Position, parsePosition, positionId } from './headers.ts'

/** What became of a record that was sent again. */
export interface Outcome {
  /** accepted: a row; repeat: a version that was accepted before; refused: a dead letter again; lost: no stage will come to it. */
  state: 'accepted' | 'repeat' | 'refused' | 'lost'
  /** The rule, where it was refused. */
  reason: string | null
  message: string | null
}

/** One redrive of a letter. */
export interface Attempt {
  /** Counts judgements: the first redrive is attempt 2. */
  attempt: number
  /** ISO 8601, UTC. */
  at: string
  by: string
  /** What had refused it before. */
  reason: string
  /** Where the record was sent to. */
  position: Position
  /** Null until it is known. */
  outcome: Outcome | null
}

export interface Discard {
  at: string
  by: string
  why: string
  /** The rule that had refused it. */
  reason: string
}

/** All that was done about one letter: a record of the topic `readflow.dead-letters`, which replaces the one before it. */
export interface Marker {
  entity: EntityName
  /** The record that was refused first: it is what names the letter. */
  origin: Position
  /** What was done last. */
  state: 'redriven' | 'discarded'
  attempts: readonly Attempt[]
  /** The last discard, also where the letter was redriven after it. */
  discarded: Discard | null
}

export type Markers = ReadonlyMap<string, Marker>

/** The name of a letter: `entity/topic id/partition/offset` of the record that was refused first. */
export const letterId = ({ entity, origin }: Pick<Marker, 'entity' | 'origin'>): string => `${entity}/${positionId(origin)}`

/** Reads the name of a letter; null for anything else. */
export const parseLetterId = (text: string): Pick<Marker, 'entity' | 'origin'> | null => {
  const [name, rest] = [text.slice(0, text.indexOf('/')), text.slice(text.indexOf('/') + 1)]
  const [entity, origin] = [entityNames.find((each) => each === name), parsePosition(rest)]
  return entity && origin ? { entity, origin } : null
}

export const encodeMarker = (marker: Marker): { key: string; value: Buffer } => ({
  key: letterId(marker),
  value: Buffer.from(
    JSON.stringify({
      readflow: 1,
      state: marker.state,
      attempts: marker.attempts.map(({ position, ...attempt }) => ({ ...attempt, position: positionId(position) })),
      discarded: marker.discarded,
    }),
  ),
})

/** A marker from its record; null for what is none of ours. */
export const decodeMarker = ({ key, value }: Pick<DeliveredRecord, 'key' | 'value'>): Marker | null => {
  const of = parseLetterId(key?.toString('utf8') ?? '')
  if (!of || value === null) return null
  try {
    const { readflow, state, attempts, discarded } = JSON.parse(value.toString('utf8')) as Record<string, unknown>
    if (readflow !== 1 || (state !== 'redriven' && state !== 'discarded') || !Array.isArray(attempts)) return null
    return { ...of, state, attempts: attempts.map(attemptOf), discarded: (discarded as Discard | null) ?? null }
  } catch {
    return null // not ours: whoever writes there is no redrive
  }
}

const attemptOf = ({ position, ...attempt }: Omit<Attempt, 'position'> & { position: string }): Attempt => {
  const parsed = parsePosition(position)
  if (!parsed) throw new Error(`'${position}' is no position`)
  return { ...attempt, position: parsed }
}
