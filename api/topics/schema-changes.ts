import type { SchemaVersion } from '../../runtime/registry.ts'

interface AvroField {
  name: string
  type: unknown
  doc?: string
}

export interface SchemaChange {
  version: number
  id: number
  schema: object
  /** What differs from the version before; null for the first. */
  changes: { added: string[]; removed: string[]; changed: { field: string; before: string; after: string }[] } | null
}

const fieldsOf = (schema: object): Map<string, string> =>
  new Map(((schema as { fields?: AvroField[] }).fields ?? []).map(({ name, type }) => [name, typeText(type)]))

const typeText = (type: unknown): string =>
  typeof type === 'string' ? type : Array.isArray(type) ? type.map(typeText).join(' or ') : JSON.stringify(type)

/** Each version of a subject with the fields that it added, removed or changed. Pure. */
export const schemaChanges = (versions: readonly SchemaVersion[]): SchemaChange[] =>
  versions.map(({ version, id, schema }, index) => {
    const last = versions[index - 1]
    if (!last) return { version, id, schema, changes: null }
    const [before, after] = [fieldsOf(last.schema), fieldsOf(schema)]
    return {
      ...{ version, id, schema },
      changes: {
        added: [...after.keys()].filter((name) => !before.has(name)),
        removed: [...before.keys()].filter((name) => !after.has(name)),
        changed: [...after].flatMap(([field, type]) => {
          const old = before.get(field)
          return old === undefined || old === type ? [] : [{ field, before: old, after: type }]
        }),
      },
    }
  })
