import { ReadflowError } from '../../runtime/errors.ts'
import type { ColumnType, Field } from '../columns/column.ts'

type DeltaType =
  | string
  | { type: 'array'; elementType: DeltaType; containsNull: boolean }
  | { type: 'struct'; fields: DeltaField[] }
  | { type: 'map'; keyType: DeltaType; valueType: DeltaType; valueContainsNull: boolean }

interface DeltaField {
  name: string
  type: DeltaType
  nullable: boolean
  metadata: Record<string, unknown>
}

interface DeltaSchema {
  type: 'struct'
  fields: DeltaField[]
}

const deltaType = (type: ColumnType): DeltaType => {
  switch (type.kind) {
    case 'list':
      return { type: 'array', elementType: deltaType(type.element), containsNull: true }
    case 'map':
      return { type: 'map', keyType: 'string', valueType: deltaType(type.value), valueContainsNull: true }
    case 'struct':
      return { type: 'struct', fields: type.fields.map((field) => deltaField({ ...field, nullable: true })) }
    default:
      return type.kind
  }
}

const deltaField = ({ name, type, nullable }: Field): DeltaField => ({ name, type: deltaType(type), nullable, metadata: {} })

// What other writers' tables may hold, and the kind that it is read as; a decimal is read as its text.
const primitives: Readonly<Record<string, ColumnType>> = {
  string: { kind: 'string' },
  long: { kind: 'long' },
  integer: { kind: 'long' },
  short: { kind: 'long' },
  byte: { kind: 'long' },
  double: { kind: 'double' },
  float: { kind: 'double' },
  boolean: { kind: 'boolean' },
  timestamp: { kind: 'timestamp' },
  date: { kind: 'date' },
  binary: { kind: 'binary' },
}

const columnType = (type: DeltaType, column: string): ColumnType => {
  if (typeof type === 'string') {
    const known = type.startsWith('decimal(') ? primitives['string'] : primitives[type]
    if (!known) throw new ReadflowError('lake-invalid', `column ${column} has the type ${type}, which ReadFlow does not read`)
    return known
  }
  if (type.type === 'array') return { kind: 'list', element: columnType(type.elementType, column) }
  if (type.type === 'struct') return { kind: 'struct', fields: type.fields.map(columnField) }
  if (type.keyType !== 'string') throw new ReadflowError('lake-invalid', `column ${column} is a map with keys that are not strings`)
  return { kind: 'map', value: columnType(type.valueType, column) }
}

const columnField = ({ name, type, nullable }: DeltaField): Field => ({ name, type: columnType(type, name), nullable })

/** The fields of a Delta schema. Throws `lake-invalid` for a type that we lack. */
export const parseSchema = (schemaString: string): Field[] => (JSON.parse(schemaString) as DeltaSchema).fields.map(columnField)

/** Fields as a Delta schema. Throws `lake-invalid` for names that a table without column mapping can not have. */
export const schemaString = (fields: readonly Field[]): string => {
  const schema: DeltaSchema = { type: 'struct', fields: fields.map(deltaField) }
  checkNames(schema.fields)
  return JSON.stringify(schema)
}

/**
 * The schema with the columns and inner fields that `fields` has beyond it, nullable and after those that were there;
 * the very same text where it has none. Throws `lake-invalid` where a type differs, or a column that may not be null is
 * missing in `fields` or may be null there.
 */
export const mergeSchema = (current: string, fields: readonly Field[]): string => {
  const schema = JSON.parse(current) as DeltaSchema
  const merged = mergeFields(schema.fields, fields, '')
  return merged === schema.fields ? current : JSON.stringify({ ...schema, fields: merged })
}

/** The same array where nothing is new. */
const mergeFields = (before: DeltaField[], given: readonly Field[], prefix: string): DeltaField[] => {
  const byName = new Map(given.map((field) => [field.name, field]))
  const known = new Set(before.map(({ name }) => name))
  const kept = before.map((field) => mergeField(field, byName.get(field.name), `${prefix}${field.name}`))
  const added = given.filter(({ name }) => !known.has(name)).map((field) => deltaField({ ...field, nullable: true }))
  if (added.length === 0 && kept.every((field, index) => field === before[index])) return before
  const merged = [...kept, ...added]
  checkNames(merged)
  return merged
}

const mergeField = (before: DeltaField, given: Field | undefined, path: string): DeltaField => {
  if (!before.nullable && (given?.nullable ?? true))
    throw new ReadflowError(
      'lake-invalid',
      `column ${path} may not be null, and the new rows ${given ? 'may have nulls there' : 'do not have it'}`,
    )
  if (!given) return before
  const type = mergeType(before.type, given.type, path)
  return type === before.type ? before : { ...before, type }
}

const mergeType = (before: DeltaType, given: ColumnType, path: string): DeltaType => {
  if (typeof before === 'object') {
    if (before.type === 'struct' && given.kind === 'struct') {
      const fields = mergeFields(before.fields, given.fields, `${path}.`)
      return fields === before.fields ? before : { ...before, fields }
    }
    if (before.type === 'array' && given.kind === 'list') {
      const elementType = mergeType(before.elementType, given.element, `${path}.element`)
      return elementType === before.elementType ? before : { ...before, elementType }
    }
    if (before.type === 'map' && given.kind === 'map' && before.keyType === 'string') {
      const valueType = mergeType(before.valueType, given.value, `${path}.value`)
      return valueType === before.valueType ? before : { ...before, valueType }
    }
  } else if (before === given.kind) return before
  throw new ReadflowError(
    'lake-invalid',
    `column ${path} is ${typeText(before)} in the table and can not become ${typeText(deltaType(given))}`,
  )
}

/** A type for people and for comparing: nullability and metadata left out. */
const typeText = (type: DeltaType): string => {
  if (typeof type === 'string') return type
  if (type.type === 'array') return `array<${typeText(type.elementType)}>`
  if (type.type === 'map') return `map<${typeText(type.keyType)},${typeText(type.valueType)}>`
  return `struct<${type.fields.map((field) => `${field.name}:${typeText(field.type)}`).join(',')}>`
}

/** At every depth. Throws `lake-invalid` for names that a table without column mapping can not have. */
const checkNames = (fields: readonly DeltaField[]): void => {
  const seen = new Map<string, string>()
  for (const { name, type } of fields) {
    if (name === '' || /[ ,;{}()\n\t=]/.test(name))
      throw new ReadflowError('lake-invalid', `${JSON.stringify(name)} can not be the name of a column`)
    const twin = seen.get(name.toLowerCase())
    if (twin !== undefined) throw new ReadflowError('lake-invalid', `the columns ${twin} and ${name} have the same name but for case`)
    seen.set(name.toLowerCase(), name)
    checkInnerNames(type)
  }
}

const checkInnerNames = (type: DeltaType): void => {
  if (typeof type === 'string') return
  if (type.type === 'struct') checkNames(type.fields)
  else checkInnerNames(type.type === 'array' ? type.elementType : type.valueType)
}
