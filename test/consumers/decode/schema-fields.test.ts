import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareSchemas, firstValueAt, schemaFields, withoutFields } from '../../../consumers/decode/schema-fields.ts'
import { catalogue } from '../../../schemas/catalogue.ts'

const record = (...fields: object[]) => ({ type: 'record', name: 'R', fields })
const inner = { type: 'record', name: 'Inner', fields: [{ name: 'id', type: 'string' }] }

test('fields are told by their paths, with their types, nullable or not', () => {
  const schema = record(
    { name: 'a', type: ['null', 'long'] },
    { name: 'at', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }] },
    { name: 'list', type: { type: 'array', items: inner } },
    { name: 'again', type: ['null', 'Inner'] },
    { name: 'map', type: { type: 'map', values: 'string' } },
    { name: 'either', type: ['null', 'string', 'long'] },
  )
  assert.deepEqual(Object.fromEntries(schemaFields(schema)), {
    a: 'long',
    at: 'timestamp-millis',
    list: 'array of record',
    'list.id': 'string',
    again: 'record',
    'again.id': 'string',
    map: 'map of string',
    either: 'union of string, long',
  })
})

test('a schema compared with itself has not changed, and one that holds itself ends', () => {
  for (const { schema } of Object.values(catalogue)) assert.deepEqual(compareSchemas(schema, schema), [])
  const tree = record({ name: 'children', type: { type: 'array', items: 'R' } })
  assert.deepEqual(compareSchemas(tree, tree), [])
})

test('new, missing and changed fields are told, also inside lists; of what differs as a whole not its parts', () => {
  const ours = record(
    { name: 'a', type: 'int' },
    { name: 'b', type: 'string' },
    { name: 'list', type: { type: 'array', items: inner } },
    { name: 'deep', type: ['null', { ...inner, name: 'Deep' }] },
  )
  const theirs = record(
    { name: 'a', type: ['null', 'string'] },
    { name: 'list', type: { type: 'array', items: { ...inner, fields: [...inner.fields, { name: 'nick', type: 'string' }] } } },
    { name: 'more', type: { ...inner, name: 'More' } },
  )
  assert.deepEqual(
    compareSchemas(ours, theirs).map(({ field, kind, before, after }) => [field, kind, before, after]),
    [
      ['a', 'type-changed', 'int', 'string'],
      ['list.nick', 'appeared', null, 'string'],
      ['more', 'appeared', null, 'record'],
      ['b', 'vanished', 'string', null],
      ['deep', 'vanished', 'record', null],
    ],
  )
})

test('the first value at a path is found in lists and maps; null is none', () => {
  assert.equal(firstValueAt({ list: [{ nick: null }, { nick: 'N' }] }, 'list.nick'), 'N')
  assert.equal(firstValueAt({ map: { x: { nick: 0 } } }, 'map.nick'), 0)
  assert.equal(firstValueAt({ list: [] }, 'list.nick'), undefined)
  assert.equal(firstValueAt({ a: null }, 'a'), undefined)
})

test('a schema without some fields keeps the others', () => {
  const schema = record({ name: 'a', type: 'int' }, { name: 'list', type: ['null', { type: 'array', items: inner }] })
  assert.deepEqual([...schemaFields(withoutFields(schema, new Set(['a', 'list.id']))).keys()], ['list'])
})
