import type { Avro } from './avro-union.ts'

export interface SchemaChange {
  field: string
  kind: 'appeared' | 'vanished' | 'type-changed'
  before: string | null
  after: string | null
}

const MAX_TYPE_CHARS = 200
/** Of a schema with more differences, the first ones. */
const MAX_CHANGES = 200

/** What is left of a union once null is taken out; its only member where it has one. */
const withoutNull = (avro: Avro): Avro => {
  if (!Array.isArray(avro)) return avro
  const members = avro.filter((member) => member !== 'null')
  return members.length === 1 ? members[0]! : members
}

type Named = Map<string, Exclude<Avro, string | Avro[]>>

/** Names what a type is, in short. Records, lists and maps are told apart by what is in them. */
const typeName = (avro: Avro): string => {
  const type = withoutNull(avro)
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return `union of ${type.map(typeName).join(', ')}`.slice(0, MAX_TYPE_CHARS)
  return type.logicalType ?? (typeof type.type === 'string' ? type.type : typeName(type.type))
}

/**
 * The fields of a record schema with their types, by paths such as `authors.name`: fields of records, also inside lists and maps.
 * Whether a field may be null is no part of its type. Pure.
 */
export const schemaFields = (schema: object): Map<string, string> => {
  const found = new Map<string, string>()
  const named: Named = new Map()
  const resolve = (avro: Avro): Avro => {
    const type = withoutNull(avro)
    if (typeof type === 'string') return named.get(type) ?? type
    if (Array.isArray(type) || !type.name) return type
    named.set(type.name, type)
    if (type.namespace) named.set(`${type.namespace}.${type.name}`, type)
    return type
  }
  /** `inside`: records that are being walked through, as one may hold itself. */
  const walk = (avro: Avro, path: string, inside: readonly Avro[]): void => {
    const type = resolve(avro)
    if (typeof type === 'string' || Array.isArray(type) || inside.includes(type)) return
    if (typeof type.type !== 'string') walk(type.type, path, inside)
    else if (type.type === 'array' || type.type === 'map') {
      const element = resolve(type.items ?? type.values ?? 'null')
      found.set(path, `${type.type} of ${typeName(element)}`)
      walk(element, path, inside)
    }
    for (const { name, type: fieldType } of type.fields ?? []) {
      const at = path === '' ? name : `${path}.${name}`
      found.set(at, typeName(resolve(fieldType)))
      walk(fieldType, at, [...inside, type])
    }
  }
  walk(schema as Avro, '', [])
  return found
}

/** In what a writer's schema differs from the reader's: what is inside a field that differs as a whole is not told. Pure. */
export const compareSchemas = (reader: object, writer: object): SchemaChange[] => {
  const [known, written] = [schemaFields(reader), schemaFields(writer)]
  const changes: SchemaChange[] = []
  const differs = new Set<string>()
  const isInside = (field: string) => {
    for (let at = field.lastIndexOf('.'); at > 0; at = field.lastIndexOf('.', at - 1)) if (differs.has(field.slice(0, at))) return true
    return false
  }
  const add = (change: SchemaChange) => {
    differs.add(change.field)
    changes.push(change)
  }
  for (const [field, after] of written) {
    if (isInside(field)) continue
    const before = known.get(field) ?? null
    if (before === null) add({ field, kind: 'appeared', before, after })
    else if (before !== after) add({ field, kind: 'type-changed', before, after })
  }
  for (const [field, before] of known) if (!written.has(field) && !isInside(field)) add({ field, kind: 'vanished', before, after: null })
  return changes.slice(0, MAX_CHANGES)
}

/** The first value at a path that is not null, looking into lists and maps; undefined where there is none. */
export const firstValueAt = (value: unknown, path: string): unknown => {
  const look = (at: unknown, [name, ...rest]: readonly string[]): unknown => {
    if (at === null || at === undefined) return undefined
    if (name === undefined) return at
    if (Array.isArray(at)) return firstOf(at, [name, ...rest])
    if (!isObject(at)) return undefined
    const record = at as Record<string, unknown>
    // A map's entries have names of their own.
    return Object.hasOwn(record, name) ? look(record[name], rest) : firstOf(Object.values(record).filter(isObject), [name, ...rest])
  }
  const firstOf = (values: readonly unknown[], names: readonly string[]): unknown => {
    for (const each of values) {
      const found = look(each, names)
      if (found !== undefined) return found
    }
    return undefined
  }
  return look(value, path.split('.'))
}

const isObject = (value: unknown) => typeof value === 'object' && !(value instanceof Uint8Array)

/** A schema without some of its fields, by their paths: what is left gives the columns that a table is to have. Pure. */
export const withoutFields = (schema: object, paths: ReadonlySet<string>): object => {
  const strip = (avro: Avro, path: string): Avro => {
    if (typeof avro === 'string') return avro
    if (Array.isArray(avro)) return avro.map((member) => strip(member, path))
    if (typeof avro.type !== 'string') return { ...avro, type: strip(avro.type, path) }
    if (avro.items !== undefined) return { ...avro, items: strip(avro.items, path) }
    if (avro.values !== undefined) return { ...avro, values: strip(avro.values, path) }
    if (!avro.fields) return avro
    const fields = avro.fields.flatMap((field) => {
      const at = path === '' ? field.name : `${path}.${field.name}`
      return paths.has(at) ? [] : [{ ...field, type: strip(field.type, at) }]
    })
    return { ...avro, fields }
  }
  return strip(schema as Avro, '') as object
}
