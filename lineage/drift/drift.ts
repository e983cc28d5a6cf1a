import { hash } from 'node:crypto'
import type { TopicName } from '../../schemas/records.ts'

/**
 * `appeared`: a field that was not known. `vanished`: one that was, and is missing. `type-changed`: one whose values have
 * another type.
 */
export type DriftKind = 'appeared' | 'vanished' | 'type-changed'
export const driftKinds = ['appeared', 'vanished', 'type-changed'] as const satisfies readonly DriftKind[]

/**
 * What becomes of a field that was not known, by an entity's choice: `evolve` takes it in, `freeze` makes its records dead
 * letters of Silver, `discard` leaves it out.
 */
export type DriftPolicy = 'evolve' | 'freeze' | 'discard'
/** Those that a person chose; the others evolve. */
export type DriftPolicies = Partial<Record<TopicName, DriftPolicy>>

export interface Drift {
  entity: TopicName
  /** A path of names with dots between: of what is inside lists and maps too. */
  field: string
  kind: DriftKind
  /** `source`: in what a source sent, at the poller. `schema`: in a writer's schema, at the consumer. */
  place: 'source' | 'schema'
  /** What was chosen for the entity when it was found. */
  policy: DriftPolicy
  /** Types; null where there is none. */
  before: string | null
  after: string | null
  /** The first value that was met, as JSON or text, cut; null where there is none. */
  sample: string | null
  /** Time of the poll, or the Kafka timestamp of the record. */
  foundMs: number
  source: string | null
  pollId: string | null
  requestId: string | null
  topic: string | null
  partition: number | null
  offset: number | null
  schemaId: number | null
  /** How often it had happened before: what has vanished may come back, and vanish again. */
  times?: number
}

const MAX_SAMPLE_CHARS = 200

/** Two findings with the same id are the same one. */
export const driftId = ({ place, source, entity, field, kind, before, after, times = 0 }: Drift): string =>
  hash('sha256', JSON.stringify([place, source, entity, field, kind, before, after, times]), 'hex').slice(0, 32)

const outcomes: Readonly<Record<DriftPolicy, string>> = {
  evolve: 'it is taken in',
  freeze: 'records with it are dead letters of Silver',
  discard: 'it is left out',
}

/** Text of a publisher's own, as a terminal may show it. */
const quoted = (text: string | null): string =>
  JSON.stringify(text).replaceAll(/[\u007f-\u009f\u2028-\u202e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
const named = (text: string | null): string => (text !== null && /^[\w.: -]+$/.test(text) ? text : quoted(text))

/** A finding in a line, for a person. */
export const driftLine = ({ entity, field, kind, before, after, sample, policy }: Drift): string => {
  const change = {
    appeared: `is new (${named(after)})`,
    vanished: `has vanished (it was ${named(before)})`,
    'type-changed': `is ${named(after)}, and was ${named(before)}`,
  }
  const value = sample === null ? '' : `, such as ${quoted(sample)}`
  return `schema drift: ${entity}.${named(field)} ${change[kind]}${value}${kind === 'vanished' ? '' : `; ${outcomes[policy]}`}`
}

/** A value as it may be shown and kept: cut to a length. */
export const sampleOf = (value: unknown): string | null => {
  if (value === null || value === undefined) return null
  const text = typeof value === 'string' ? value : JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each))
  return text.length > MAX_SAMPLE_CHARS ? `${text.slice(0, MAX_SAMPLE_CHARS)}…` : text
}
