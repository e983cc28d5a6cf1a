/** An Avro type as its schema has it. */
export type Avro =
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

/** The name by which a union's wrapped value tells its branch, as Avro's JSON encoding has it. */
export const branchName = (avro: Avro): string => {
  if (typeof avro === 'string') return avro
  if (Array.isArray(avro)) return 'union'
  if (avro.name) return avro.namespace && !avro.name.includes('.') ? `${avro.namespace}.${avro.name}` : avro.name
  return typeof avro.type === 'string' ? avro.type : branchName(avro.type)
}

const buckets: Record<string, string> = {
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  enum: 'string',
  bytes: 'buffer',
  fixed: 'buffer',
  boolean: 'boolean',
  array: 'array',
  map: 'object',
  record: 'object',
}
const kindBuckets: Record<string, string> = { long: 'number', double: 'number', string: 'string', binary: 'buffer', struct: 'object' }

/** The JavaScript type that a branch's values have; `kindOf` tells the column kind of a named type. */
export const bucketOf = (avro: Avro, kindOf: (name: string) => string | undefined): string => {
  const type = typeof avro === 'string' ? avro : Array.isArray(avro) ? 'union' : avro.type
  if (typeof type !== 'string') return bucketOf(type, kindOf)
  return buckets[type] ?? kindBuckets[kindOf(type) ?? ''] ?? 'unknown'
}
