import { type AvroSchema, catalogue } from './catalogue.ts'
import type { EntityName } from './records.ts'

/** Topic of an entity's accepted changes, as Silver has them. */
export const cleanTopic = (name: EntityName): string => `${catalogue[name].topic}.clean`

/** Its subject by TopicNameStrategy. */
export const cleanSubject = (name: EntityName): string => `${cleanTopic(name)}-value`

/** What cleaning changes of what a field's sentence says. */
const plainDoc = (doc: string) => doc.replace('may hold HTML', 'as plain text')

/**
 * Schema of the clean topic: the entity's own fields, all of them, by their names and types, as Silver's columns of the same
 * names have them. In a namespace of its own, as its values are others than those of the source topic. It changes with the
 * entity's schema, and so by its rules.
 */
export const cleanSchema = (name: EntityName): AvroSchema => {
  const { schema }: { schema: AvroSchema & { doc?: string } } = catalogue[name]
  const fields = schema.fields.map((field) => ({ ...field, doc: plainDoc(field.doc) }))
  return {
    ...schema,
    namespace: `${schema.namespace}.clean`,
    doc: `${schema.doc} Valid and clean, as Silver has it.`,
    fields,
  } as AvroSchema
}
