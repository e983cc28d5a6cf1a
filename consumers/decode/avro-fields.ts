import type { ColumnType, Field } from '../../lake/columns/column.ts'

type Avro =
  | string
  | Avro[]
  | {
      type: Avro
      logicalType?: string
      items?: Avro
      values?: Avro
      fields?: { name: string; type: Avro }[]
      name?: string
      namespace?: string
    }

/** Named types that a schema has defined so far, by every name that may refer to them. */
type Named = Map<string, ColumnType>

const primitives: Record<string, ColumnType> = {
  int: { kind: 'long' },
  long: { kind: 'long' },
  float: { kind: 'double' },
  double: { kind: 'double' },
  boolean: { kind: 'boolean' },
  string: { kind: 'string' },
  bytes: { kind: 'binary' },
}

const logical: Record<string, ColumnType> = { 'timestamp-millis': { kind: 'timestamp' }, date: { kind: 'date' } }

/** The column type of an Avro type, or null where no column can hold it. */
const columnType = (avro: Avro, named: Named): ColumnType | null => {
  if (typeof avro === 'string') return primitives[avro] ?? named.get(avro) ?? null
  if (Array.isArray(avro)) {
    const members = avro.filter((member) => member !== 'null')
    return members.length === 1 && members[0] !== undefined ? columnType(members[0], named) : null
  }
  if (avro.logicalType !== undefined && logical[avro.logicalType]) return logical[avro.logicalType] ?? null
  if (typeof avro.type !== 'string') return columnType(avro.type, named)
  const built = complexType(avro, named)
  if (built && avro.name) {
    named.set(avro.name, built)
    if (avro.namespace) named.set(`${avro.namespace}.${avro.name}`, built)
  }
  return built
}

const complexType = (avro: Exclude<Avro, string | Avro[]>, named: Named): ColumnType | null => {
  switch (avro.type) {
    case 'enum':
      return { kind: 'string' }
    case 'fixed':
      return { kind: 'binary' }
    case 'array': {
      const element = columnType(avro.items ?? 'null', named)
      return element && { kind: 'list', element }
    }
    case 'map': {
      const value = columnType(avro.values ?? 'null', named)
      return value && { kind: 'map', value }
    }
    case 'record': {
      const fields = (avro.fields ?? []).map(({ name, type }) => ({ name, type: columnType(type, named), nullable: true }))
      return fields.every((field): field is Field => field.type !== null) ? { kind: 'struct', fields } : null
    }
    default:
      return columnType(avro.type, named)
  }
}

export interface AvroFields {
  fields: Field[]
  /** Fields that no column can hold; a record with one keeps its bytes in `_raw`. */
  unrepresented: string[]
}

/**
 * The table columns of a record schema: int and long are one type, float and double another, so that Avro's
 * promotions never change a column. All are nullable: a later schema may drop a field.
 */
export const avroFields = (schema: object): AvroFields => {
  const named: Named = new Map()
  const fields: Field[] = []
  const unrepresented: string[] = []
  for (const { name, type } of (schema as { fields?: { name: string; type: Avro }[] }).fields ?? []) {
    const column = columnType(type, named)
    if (column === null || name.startsWith('_')) unrepresented.push(name)
    else fields.push({ name, type: column, nullable: true })
  }
  return { fields, unrepresented }
}
