import type { EntityName } from '../records.ts'

const DAY_MS = 86_400_000
/** Clocks differ a little, and dates carry no zone: a day beyond the record's arrival still counts as now. */
export const CLOCK_TOLERANCE_MS = DAY_MS

/** What a text field holds; Silver brings it into this form, where it can. */
export type Format = 'html' | 'isbn-10' | 'isbn-13' | 'language'

/** What can be wrong with a record before its fields are looked at: the classes of such dead letters. */
export const recordFaults = ['null-key', 'too-large', 'not-avro', 'unknown-schema', 'schema-frozen', 'undecodable', 'key-mismatch'] as const
export type RecordFault = (typeof recordFaults)[number]

/**
 * What must hold. A field without a value satisfies every check but `required`. `arrival` is the Kafka timestamp of the
 * record (of one that a redrive has sent again: of the first time), so that a rule gives the same verdict whenever it is applied.
 */
export type Check =
  | { kind: 'required' }
  | { kind: 'range'; min: number; max: number }
  /** A time in epoch milliseconds. */
  | { kind: 'time'; fromMs: number; until: 'arrival' }
  /** A date in days since 1970-01-01. */
  | { kind: 'date'; fromDays: number; until: 'arrival' }
  /** The fields are year, month and day. */
  | { kind: 'calendar-date'; fromYear: number; until: 'arrival' }
  /** The fields before the last one sum to the last one, where all have a value. */
  | { kind: 'sum' }
  /** Looked for while the field is brought into its form: what could be repaired, or what could not. */
  | { kind: 'format'; format: Format; finds: 'repaired' | 'broken' }
  /** Looked for before the record's fields are. */
  | { kind: 'record'; fault: RecordFault }

export interface Rule {
  /** Stable name: the error class of a dead letter, or the flag of a row. */
  id: string
  /** schema: presence, types, formats, the way a record is written. business: what its values may be. */
  kind: 'schema' | 'business'
  /** Fields that it is about, the one that a message names first (of a sum: last); none where it is about the whole record. */
  fields: readonly string[]
  check: Check
  /** reject: the record is a dead letter. warn: it becomes a row, whose `_flags` name the rule. */
  severity: 'reject' | 'warn'
  /** What becomes of the value of a row that is kept; null where there is no row. */
  value: 'kept' | 'nulled' | 'repaired' | null
  /** Who can mend it: `source` delivered such a value, or `publisher`, the program that put the record on the topic, wrote it so. */
  owner: 'source' | 'publisher'
  /** Why, for a person: a whole sentence. */
  because: string
}

export interface FieldContract {
  name: string
  /** In Avro's words, such as `string` or `array of BookAuthor`. */
  type: string
  isRequired: boolean
  format: Format | null
  /** What it means. */
  meaning: string
}

/** What a record of an entity must be, and what becomes of one that is not. */
export interface Contract {
  entity: EntityName
  topic: string
  deadLetterTopic: string
  /** The Delta table, by its name. */
  table: string
  /** What a record is. */
  meaning: string
  fields: readonly FieldContract[]
  /** In the order in which they are judged: a dead letter names the first one that rejects it. */
  rules: readonly Rule[]
}

const formatWords: Readonly<Record<Format, string>> = {
  html: 'plain text',
  'isbn-10': 'an ISBN-10 with its check digit',
  'isbn-13': 'an ISBN-13 with its check digit',
  language: 'a language of ISO 639-3',
}

const faultWords: Readonly<Record<RecordFault, string>> = {
  'null-key': 'the record has a key',
  'too-large': 'the value fits into a flush',
  'not-avro': "the value begins with a zero byte and a schema id, as Confluent's wire format has it",
  'unknown-schema': "the registry knows the value's schema",
  'schema-frozen': 'the value has no field that the topic has not, where the entity is frozen',
  undecodable: 'the value fits its schema, and that one can be read as the topic has it',
  'key-mismatch': "the record's key is that of its value",
}

const day = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 10)
const year = (value: number): string => (value < 0 ? `${-value} BC` : String(value))
const code = (name: string): string => `\`${name}\``

/** What a rule requires, in words; fields stand in backticks. */
export const checkText = ({ check, fields }: Rule): string => {
  const [field = '', ...others] = fields.map(code)
  switch (check.kind) {
    case 'required':
      return `${field} has a value`
    case 'range':
      return check.max === Number.MAX_SAFE_INTEGER ? `${field} is at least ${check.min}` : `${field} is from ${check.min} to ${check.max}`
    case 'time':
      return `${field} is from ${day(check.fromMs)} to a day after the record's arrival`
    case 'date':
      return `${field} is from ${year(new Date(check.fromDays * DAY_MS).getUTCFullYear())} to a day after the record's arrival`
    case 'calendar-date':
      return `${[field, ...others].join(', ')} are a day that exists, from ${year(check.fromYear)} to a day after the record's arrival`
    case 'sum':
      return `${[field, ...others.slice(0, -1)].join(' + ')} = ${others.at(-1)}, where all have a value`
    case 'format':
      return `${field} is ${formatWords[check.format]}${check.finds === 'repaired' ? ' as it is delivered' : ', or can be made one'}`
    case 'record':
      return faultWords[check.fault]
  }
}

/** What becomes of a record that breaks a rule, in words. */
export const outcomeText = ({ severity, value }: Pick<Rule, 'severity' | 'value'>): string =>
  severity === 'reject' ? 'dead letter' : `flagged, value ${value}`
