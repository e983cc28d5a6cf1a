import { isDeepStrictEqual } from 'node:util'
import type { ColumnType, Field } from '../../lake/columns/column.ts'
import { type Avro, branchName, bucketOf } from './avro-union.ts'

/** How an Avro type is kept: its column type, and what its decoded values need before they fit; null for nothing. */
interface Shape {
  type: ColumnType
  convert: ((value: unknown) => unknown) | null
}

/** Named types that a schema has defined so far, by every name that may refer to them. */
type Named = Map<string, Shape>

const plain = (type: ColumnType): Shape => ({ type, convert: null })

const primitives: Record<string, Shape> = {
  int: plain({ kind: 'long' }),
  long: plain({ kind: 'long' }),
  float: plain({ kind: 'double' }),
  double: plain({ kind: 'double' }),
  boolean: plain({ kind: 'boolean' }),
  string: plain({ kind: 'string' }),
  bytes: plain({ kind: 'binary' }),
}

const logical: Record<string, Shape> = { 'timestamp-millis': plain({ kind: 'timestamp' }), date: plain({ kind: 'date' }) }

/** The shape of an Avro type, or null where no column can hold it. */
const shapeOf = (avro: Avro, named: Named): Shape | null => {
  if (typeof avro === 'string') return primitives[avro] ?? named.get(avro) ?? null
  if (Array.isArray(avro)) return unionShape(avro, named)
  if (avro.logicalType !== undefined && logical[avro.logicalType]) return logical[avro.logicalType] ?? null
  if (typeof avro.type !== 'string') return shapeOf(avro.type, named)
  const built = complexShape(avro, named)
  if (built && avro.name) {
    named.set(avro.name, built)
    if (avro.namespace) named.set(`${avro.namespace}.${avro.name}`, built)
  }
  return built
}

const complexShape = (avro: Exclude<Avro, string | Avro[]>, named: Named): Shape | null => {
  switch (avro.type) {
    case 'enum':
      return plain({ kind: 'string' })
    case 'fixed':
      return plain({ kind: 'binary' })
    case 'array': {
      const element = shapeOf(avro.items ?? 'null', named)
      const convert = element?.convert
      return (
        element && {
          type: { kind: 'list', element: element.type },
          convert: convert ? (value) => (value as unknown[]).map(nullOr(convert)) : null,
        }
      )
    }
    case 'map': {
      const entry = shapeOf(avro.values ?? 'null', named)
      const convert = entry?.convert
      return (
        entry && {
          type: { kind: 'map', value: entry.type },
          convert: convert ? (value) => mapValues(value as object, nullOr(convert)) : null,
        }
      )
    }
    case 'record':
      return recordShape(avro.fields ?? [], named)
    default:
      return shapeOf(avro.type, named)
  }
}

const nullOr = (convert: (value: unknown) => unknown) => (value: unknown) => (value === null ? null : convert(value))
const mapValues = (value: object, convert: (value: unknown) => unknown) =>
  Object.fromEntries(Object.entries(value).map(([name, each]) => [name, convert(each)]))

const recordShape = (avroFields: readonly { name: string; type: Avro }[], named: Named): Shape | null => {
  const members = avroFields.map(({ name, type }) => ({ name, shape: shapeOf(type, named) }))
  if (members.some(({ shape }) => shape === null) || hasTwins(members.map(({ name }) => name))) return null
  const converts = new Map(members.flatMap(({ name, shape }) => (shape?.convert ? [[name, nullOr(shape.convert)] as const] : [])))
  return {
    type: { kind: 'struct', fields: members.map(({ name, shape }) => ({ name, type: (shape as Shape).type, nullable: true })) },
    convert:
      converts.size === 0
        ? null
        : (value) => Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, (converts.get(name) ?? same)(each)])),
  }
}

const same = <T>(value: T): T => value

/** Tables tell columns apart by their name whatever its case. */
const hasTwins = (names: readonly string[]) => new Set(names.map((name) => name.toLowerCase())).size < names.length

/**
 * A union of several types is a struct with a member for each, of which one is set. Its name is that of the column's
 * kind (or of the record), so that Avro's promotions keep it. Members that are kept alike are one plain column.
 */
const unionShape = (union: readonly Avro[], named: Named): Shape | null => {
  const branches = union.filter((member) => member !== 'null')
  const members = branches.map((avro) => ({ avro, shape: shapeOf(avro, named) }))
  const [first] = members
  if (!first?.shape || members.some(({ shape }) => shape === null)) return null
  if (members.length === 1) return first.shape
  const byBranch = new Map(members.map(({ avro, shape }) => [branchName(avro), shape as Shape]))
  const byBucket = new Map(members.map(({ avro }) => [bucketOf(avro, (name) => named.get(name)?.type.kind), branchName(avro)]))
  // avsc wraps the values of a union where their JavaScript types do not tell the branches apart.
  const isWrapped = byBucket.size < members.length
  const open = (value: unknown): [string, unknown] =>
    isWrapped ? (Object.entries(value as object)[0] as [string, unknown]) : [byBucket.get(jsBucket(value)) ?? '', value]
  if (members.every(({ shape }) => isDeepStrictEqual(shape?.type, first.shape?.type)))
    return { type: first.shape.type, convert: isWrapped ? (value) => converted(byBranch, open(value))[1] : null }
  const memberNames = new Map(members.map(({ avro, shape }) => [branchName(avro), memberName(branchName(avro), (shape as Shape).type)]))
  const fields = new Map(members.map(({ avro, shape }) => [memberNames.get(branchName(avro)) as string, (shape as Shape).type]))
  const isClear = members.every(({ avro, shape }) => isDeepStrictEqual(fields.get(memberNames.get(branchName(avro)) ?? ''), shape?.type))
  if (!isClear || hasTwins([...fields.keys()])) return null
  return {
    type: { kind: 'struct', fields: [...fields].map(([name, type]) => ({ name, type, nullable: true })) },
    convert: (value) => {
      const [branch, inner] = converted(byBranch, open(value))
      return { [memberNames.get(branch) ?? '']: inner }
    },
  }
}

const memberName = (branch: string, type: ColumnType) => (type.kind === 'struct' ? (branch.split('.').at(-1) ?? branch) : type.kind)

const converted = (byBranch: ReadonlyMap<string, Shape>, [branch, inner]: [string, unknown]): [string, unknown] => [
  branch,
  byBranch.get(branch)?.convert?.(inner) ?? inner,
]

const jsBucket = (value: unknown): string => {
  if (value instanceof Uint8Array) return 'buffer'
  return Array.isArray(value) ? 'array' : typeof value
}

export interface AvroFields {
  fields: Field[]
  /** Of those fields whose decoded values need a change before they fit their column. */
  converts: ReadonlyMap<string, (value: unknown) => unknown>
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
  const converts = new Map<string, (value: unknown) => unknown>()
  const unrepresented: string[] = []
  for (const { name, type } of (schema as { fields?: { name: string; type: Avro }[] }).fields ?? []) {
    const shape = shapeOf(type, named)
    if (shape === null || name.startsWith('_') || hasTwins([...fields.map((field) => field.name), name])) unrepresented.push(name)
    else {
      fields.push({ name, type: shape.type, nullable: true })
      if (shape.convert) converts.set(name, nullOr(shape.convert))
    }
  }
  return { fields, converts, unrepresented }
}
