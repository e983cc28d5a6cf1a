import { type AvroSchema, catalogue, dlqTopic } from '../catalogue.ts'
import type { EntityName } from '../records.ts'
import { type Check, type Contract, type Format, type RecordFault, type Rule, recordFaults } from './contract.ts'

const DAY_MS = 86_400_000

const ofField = (field: string, suffix: string, rule: Pick<Rule, 'kind' | 'check' | 'because'> & Partial<Rule>): Rule => ({
  id: `${field}-${suffix}`,
  fields: [field],
  severity: 'reject',
  value: null,
  owner: 'source',
  ...rule,
})

export const required = (field: string, because: string): Rule =>
  ofField(field, 'missing', { kind: 'schema', check: { kind: 'required' }, because })

export const range = (field: string, min: number, max: number, because: string): Rule =>
  ofField(field, 'out-of-range', { kind: 'business', check: { kind: 'range', min, max }, because })

export const counts = (...fields: string[]): Rule[] =>
  fields.map((field) =>
    ofField(field, 'negative', {
      kind: 'business',
      check: { kind: 'range', min: 0, max: Number.MAX_SAFE_INTEGER },
      because: 'A count is never below zero.',
    }),
  )

// GoodReads went public in 2007; imports carry a few earlier dates.
const SOURCE_BEGINS_MS = Date.UTC(2000, 0, 1)

const plausible = (field: string, check: Check, because: string): Rule =>
  ofField(field, 'implausible', { kind: 'business', check, because })

/** A time that the source gives to a change. */
export const time = (field: string): Rule =>
  plausible(
    field,
    { kind: 'time', fromMs: SOURCE_BEGINS_MS, until: 'arrival' },
    'A time lies between the beginning of the source and the arrival of the record.',
  )

/** A rule whose value is nulled instead of the record refused. */
export const nulled = (rule: Rule): Rule => ({ ...rule, severity: 'warn', value: 'nulled' })

/** A day of a person's life: readers type these by hand, and some read long before the source existed. */
export const lifeTime = (field: string): Rule =>
  nulled(
    plausible(
      field,
      { kind: 'time', fromMs: Date.UTC(1900, 0, 1), until: 'arrival' },
      'Readers type this date by hand; one in the future, or before anybody now alive could read, says nothing.',
    ),
  )

export const birth = (field: string): Rule =>
  nulled(
    plausible(
      field,
      { kind: 'date', fromDays: Date.UTC(0, 0, 1) / DAY_MS - 6000 * 365, until: 'arrival' },
      'A day of birth or death is not in the future.',
    ),
  )

export const published = (prefix: '' | 'original_'): Rule => ({
  ...plausible(
    `${prefix}publication`,
    { kind: 'calendar-date', fromYear: -4000, until: 'arrival' },
    'A book that was reviewed was published, on a day that exists, and not in the future.',
  ),
  fields: ['year', 'month', 'day'].map((part) => `${prefix}publication_${part}`),
})

/** Parts of a whole that the source counts itself: where they differ nobody knows which of them is right, and both are kept. */
export const sum = (id: string, parts: readonly string[], total: string, because: string): Rule => ({
  ...{ id, kind: 'business', fields: [...parts, total], check: { kind: 'sum' }, severity: 'warn', value: 'kept', owner: 'source', because },
})

interface FormatOptions {
  format: Format
  finds: 'repaired' | 'broken'
  because: string
}

/** What is found while a field is brought into its form. */
export const formatted = (id: string, field: string, { format, finds, because }: FormatOptions): Rule => ({
  ...{ id, kind: 'schema', fields: [field], check: { kind: 'format', format, finds } },
  ...{ severity: 'warn', value: finds === 'broken' ? 'nulled' : 'repaired', owner: 'source', because },
})

const faultReasons: Readonly<Record<RecordFault, string>> = {
  'null-key': 'The key names what the record is about; without one nothing can be deduplicated or deleted.',
  'too-large': 'A value of more than a flush can hold would take the memory of all others; Bronze keeps its size and SHA-256.',
  'not-avro': 'Every value names its schema; bytes without one could mean anything.',
  'unknown-schema': 'A value can not be read without the schema that it was written with.',
  'schema-frozen': 'Somebody chose to take in nothing unknown before they have looked at it.',
  undecodable: 'The bytes end early, hold another type than their schema says, or their schema lost a field that the topic requires.',
  'key-mismatch': 'A record under the key of another one would replace it.',
}

/** Faults of a record, before and after its value is read. */
const faultRule = (fault: RecordFault): Rule => ({
  ...{ id: fault, kind: 'schema', fields: [], check: { kind: 'record', fault }, severity: 'reject', value: null },
  ...{ owner: 'publisher', because: faultReasons[fault] },
})

/** Where the name says nothing more, a type as Avro has it. */
const typeText = (type: unknown): string => {
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return typeText(type.find((each) => each !== 'null'))
  const { type: inner, logicalType, items, values, name } = type as Record<string, unknown>
  if (logicalType) return String(logicalType)
  if (inner === 'array') return `array of ${typeText(items)}`
  if (inner === 'map') return `map of ${typeText(values)}`
  return String(name ?? inner)
}

interface ContractOptions {
  formats?: Readonly<Record<string, Format>>
  rules: readonly Rule[]
}

/** The contract of an entity: fields as its Avro schema has them, and rules for their values beside those for every record. */
export const contractOf = (entity: EntityName, { formats = {}, rules }: ContractOptions): Contract => {
  const { schema, topic }: { schema: AvroSchema & { doc?: string }; topic: string } = catalogue[entity]
  // What Avro itself requires and a rule need not: of a list or a map that would say nothing, it may be empty.
  const isRequired = ({ name, type }: AvroSchema['fields'][number]) =>
    typeof type === 'string' || rules.some(({ check, fields: [field] }) => check.kind === 'required' && field === name)
  // A key is compared once the fields that make it up are known to be there.
  const before = recordFaults.filter((fault) => fault !== 'key-mismatch')
  return {
    entity,
    topic,
    deadLetterTopic: dlqTopic(entity),
    table: `silver.${entity}`,
    meaning: schema.doc ?? '',
    fields: schema.fields.map((field) => ({
      ...{ name: field.name, type: typeText(field.type), isRequired: isRequired(field) },
      ...{ format: formats[field.name] ?? null, meaning: field.doc },
    })),
    rules: [...before.map(faultRule), ...rules, faultRule('key-mismatch')],
  }
}
