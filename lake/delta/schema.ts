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

// What other writers' tables may hold, and the kind that it is read as.
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
    const known = primitives[type]
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
  checkNames(fields.map((field) => field.name))
  return JSON.stringify({ type: 'struct', fields: fields.map(deltaField) } satisfies DeltaSchema)
}

/**
 * The schema with the columns that `fields` has beyond it, nullable and at its end; the very same text where it has
 * none. Throws `lake-invalid` where a column's type differs, or a column that may not be null is missing in `fields`.
 */
export const mergeSchema = (current: string, fields: readonly Field[]): string => {
  const schema = JSON.parse(current) as DeltaSchema
  const known = new Map(schema.fields.map((field) => [field.name, field]))
  const given = new Set(fields.map((field) => field.name))
  const missing = schema.fields.find((field) => !field.nullable && !given.has(field.name))
  if (missing) throw new ReadflowError('lake-invalid', `column ${missing.name} may not be null, and the new rows do not have it`)
  const added: DeltaField[] = []
  for (const field of fields) {
    const before = known.get(field.name)
    if (!before) added.push(deltaField({ ...field, nullable: true }))
    else if (typeText(before.type) !== typeText(deltaType(field.type)))
      throw new ReadflowError(
        'lake-invalid',
        `column ${field.name} is ${typeText(before.type)} in the table and can not become ${typeText(deltaType(field.type))}`,
      )
  }
  if (added.length === 0) return current
  checkNames([...schema.fields, ...added].map((field) => field.name))
  return JSON.stringify({ ...schema, fields: [...schema.fields, ...added] })
}

/** A type for people and for comparing: nullability and metadata left out. */
const typeText = (type: DeltaType): string => {
  if (typeof type === 'string') return type
  if (type.type === 'array') return `array<${typeText(type.elementType)}>`
  if (type.type === 'map') return `map<${typeText(type.keyType)},${typeText(type.valueType)}>`
  return `struct<${type.fields.map((field) => `${field.name}:${typeText(field.type)}`).join(',')}>`
}

const checkNames = (names: readonly string[]) => {
  const seen = new Map<string, string>()
  for (const name of names) {
    if (name === '' || /[ ,;{}()\n\t=]/.test(name))
      throw new ReadflowError('lake-invalid', `${JSON.stringify(name)} can not be the name of a column`)
    const twin = seen.get(name.toLowerCase())
    if (twin !== undefined) throw new ReadflowError('lake-invalid', `the columns ${twin} and ${name} have the same name but for case`)
    seen.set(name.toLowerCase(), name)
  }
}
