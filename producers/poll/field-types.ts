import { catalogue } from '../../schemas/catalogue.ts'
import type { TopicName } from '../../schemas/records.ts'

/** The type that a text has as JSON, numbers told apart; by the names that Avro has for them. */
export type TextType = 'string' | 'long' | 'double' | 'boolean' | 'array' | 'record'

/** The type of a value that a source sent as text. Pure. */
export const typeOfText = (text: string): TextType => {
  if (/^[+-]?\d{1,18}$/.test(text)) return 'long'
  if (/^[+-]?\d{1,17}(?:\.\d{1,17})?(?:[eE][+-]?\d{1,3})?$/.test(text)) return 'double'
  if (text === 'true' || text === 'false') return 'boolean'
  if (!/^[[{]/.test(text)) return 'string'
  try {
    return Array.isArray(JSON.parse(text)) ? 'array' : 'record'
  } catch {
    // Text in brackets, or JSON that was cut.
    return 'string'
  }
}

/**
 * Whether values of a type are no news where there were values of another: all numbers are alike, and where there is text,
 * one that reads as a number or a truth value is a text as well.
 */
export const isCoveredBy = (known: string, type: string): boolean =>
  known === type || (isNumber(known) && isNumber(type)) || (known === 'string' && (isNumber(type) || type === 'boolean'))
const isNumber = (type: string) => type === 'long' || type === 'double'

const fitting: Record<string, readonly TextType[]> = {
  int: ['long'],
  long: ['long'],
  float: ['long', 'double'],
  double: ['long', 'double'],
  boolean: ['boolean'],
  string: ['string', 'long', 'double', 'boolean'],
}

/** Whether a text of that type is what a field of that Avro type may hold. */
export const fitsField = (fieldType: string, type: TextType): boolean => fitting[fieldType]?.includes(type) ?? false

type AvroType = string | readonly AvroType[] | { type: AvroType; logicalType?: string }

const nameOf = (avro: AvroType): string => {
  if (typeof avro === 'string') return avro
  if (Array.isArray(avro)) return nameOf((avro as readonly AvroType[]).find((member) => member !== 'null') ?? 'null')
  const { type, logicalType } = avro as { type: AvroType; logicalType?: string }
  return logicalType ?? nameOf(type)
}

/** The fields of an entity that a source fills, with their Avro types: neither its key nor `extra`. */
export const sourceFields = (entity: TopicName): ReadonlyMap<string, string> => {
  const { schema, keyFields } = catalogue[entity]
  const fields = schema.fields.filter(({ name }) => name !== 'extra' && !(keyFields as readonly string[]).includes(name))
  return new Map(fields.map(({ name, type }) => [name, nameOf(type as AvroType)]))
}
