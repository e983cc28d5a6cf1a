import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avroFields } from '../../consumers/decode/avro-fields.ts'
import { emptyAuthor, emptyBook } from '../../producers/sources/empty.ts'
import { compileAvro } from '../../runtime/avro.ts'
import { authorKeyOfName, catalogue, topicNames } from '../../schemas/catalogue.ts'

type AvroNode = {
  name?: string
  doc?: string
  type?: unknown
  fields?: AvroNode[]
  items?: unknown
  values?: unknown
  logicalType?: string
}
const walk = (node: unknown, visit: (field: AvroNode) => void): void => {
  if (Array.isArray(node)) for (const each of node) walk(each, visit)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  const { fields, type, items, values } = node as AvroNode
  for (const field of fields ?? []) visit(field)
  for (const each of [fields, type, items, values]) walk(each, visit)
}

for (const name of topicNames) {
  const { schema, topic, subject } = catalogue[name]
  test(`${name}: every field has a doc, times are logical types, and there is a place for the rest`, () => {
    assert.equal(subject, `${topic}-value`)
    walk(schema, (field) => assert.ok(field.doc && field.doc.length > 3, `${name}.${field.name} has no doc`))
    const text = JSON.stringify(schema)
    for (const field of schema.fields.filter((each) => /(_at|_added|_updated)$/.test(each.name)))
      assert.match(JSON.stringify(field.type), /timestamp-millis|"date"/, field.name)
    assert.equal(text.includes('"extra"'), name !== 'raw')
  })
  test(`${name}: every field has a column, and optional ones have a default`, () => {
    assert.deepEqual(avroFields(schema).unrepresented, [])
    for (const field of schema.fields) if (Array.isArray(field.type)) assert.equal(field.default, null, field.name)
  })
}

test('the TypeScript shapes fit the schemas', () => {
  for (const [name, value] of [
    ['books', emptyBook('1')],
    ['authors', emptyAuthor('1')],
  ] as const) {
    const codec = compileAvro(catalogue[name].schema)
    assert.deepEqual({ ...(codec.decode(codec.encode(value)) as object) }, value)
    assert.deepEqual(
      Object.keys(value),
      catalogue[name].schema.fields.map((field) => field.name),
    )
  }
})

test('an author without an id has a key from the name', () => {
  assert.equal(authorKeyOfName('  J.K.  Rowling '), 'name:j-k-rowling')
  assert.equal(authorKeyOfName('Émile Zola'), authorKeyOfName('EMILE ZOLA'))
  assert.equal(authorKeyOfName('村上 春樹'), 'name:村上-春樹')
})
