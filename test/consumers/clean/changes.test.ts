import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publishDifference } from '../../../consumers/clean/difference.ts'
import { createKeyVersions, NO_VALUE, valueDigest } from '../../../consumers/clean/key-versions.ts'
import { type Outgoing, recordsOf } from '../../../consumers/clean/publish.ts'
import { type Change, readChanges, scanOrigins } from '../../../consumers/clean/rows.ts'
import { type Ranges, takeWindow } from '../../../consumers/clean/window.ts'
import { createSilver } from '../../../consumers/silver/silver.ts'
import { appendValue, newBatch } from '../../../lake/columns/column.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { compileAvro } from '../../../runtime/avro.ts'
import type { Registry } from '../../../runtime/registry.ts'
import { catalogue, entityNames } from '../../../schemas/catalogue.ts'
import { cleanSchema } from '../../../schemas/clean.ts'
import { contracts } from '../../../schemas/contracts/contracts.ts'

const root = 'silver/ratings'
const schema = cleanSchema('ratings')
const codec = compileAvro(schema)
const names = { source: 'goodreads.ratings', topic: 'goodreads.ratings.clean', schemaId: 1 }
const [fields] = createSilver({ registry: {} as Registry, store: openMemoryStore() })
  .tables.filter(({ entity }) => entity === 'ratings')
  .map((table) => table.fields)

interface Row {
  key: string
  order: number
  offset: number
  partition?: number
  rating?: number | null
  isLate?: boolean
  topicId?: string
}

const hashOf = ({ order, rating = 3 }: Row) => (rating === null ? '0' : String(rating)).repeat(30) + String(order % 100).padStart(2, '0')

const openRatings = async () => {
  const store = openMemoryStore()
  const table = openTable(store, root)
  const rows = { store, root, schema, encode: codec.encode }
  /** One commit of some rows, as Silver makes it. */
  const add = async (list: readonly Row[], { removes = [] as string[] } = {}) => {
    const batch = newBatch([...(fields ?? [])])
    for (const row of list) {
      const { key, order, offset, partition = 0, rating = 3, isLate = false, topicId = 't' } = row
      const [user_id, book_id] = key.split(':')
      const values: Record<string, unknown> = {
        ...(rating === null ? {} : { user_id, book_id, rating, rated_at: order, extra: { a: 'b' } }),
        ...{ _key: key, _order: order, _hash: hashOf(row), _late: isLate, _deleted: rating === null },
        ...{ _topic_id: topicId, _partition: partition, _offset: offset, ingestion_date: 1 },
      }
      for (const [index, { name }] of batch.fields.entries()) appendValue(batch.columns[index]!, values[name] ?? null)
      batch.length++
    }
    const live = (await table.snapshot()).files
    await commit(table, {
      ...{ operation: 'TEST', fields: batch.fields, partitionColumns: ['ingestion_date'] },
      adds: await stageFiles(table, batch, { partitionColumns: ['ingestion_date'] }),
      removes: removes.map((path) => live.get(path)!),
    })
    return table.snapshot()
  }
  return { store, table, rows, add }
}

const collect = async <T>(iterable: AsyncIterable<T>) => {
  const list: T[] = []
  for await (const each of iterable) list.push(each)
  return list
}

test('a row becomes the Avro record of its own fields, a deletion none; late rows are passed over', async () => {
  const { rows, add } = await openRatings()
  const snapshot = await add([
    { key: 'u:1', order: 10, offset: 1, rating: 4 },
    { key: 'u:2', order: 5, offset: 2, isLate: true },
    { key: 'u:3', order: 20, offset: 3, rating: null },
  ])
  const changes = await collect(readChanges(rows, snapshot, { isWanted: () => true }))
  assert.deepEqual(
    changes.map(({ key, offset, value }) => [key, offset, value && { ...(codec.decode(value) as object) }]),
    [
      ['u:1', 1, { user_id: 'u', book_id: '1', rating: 4, rated_at: 10, review_id: null, extra: { a: 'b' } }],
      ['u:3', 3, null],
    ],
  )
})

test('of a key no version comes after a newer one, whatever its partition', () => {
  const held = createKeyVersions()
  held.set('a', { order: 5, hash: 'b'.repeat(32), value: NO_VALUE })
  const change = (key: string, order: number, more: Partial<Change> = {}): Change => ({
    ...{ key, order, hash: 'b'.repeat(32), topicId: 't', partition: 0, offset: order, schemaId: 3, value: Buffer.from(key), ...more },
  })
  const changes = [
    change('k', 7, { partition: 1, offset: 1 }),
    change('k', 9, { offset: 4 }),
    change('a', 4),
    change('a', 5, { hash: 'c'.repeat(32) }),
    change('k', 8, { offset: 2 }),
  ]
  const { records } = recordsOf(names, held, changes, () => false)
  assert.deepEqual(
    records.map(({ key, headers }) => [key, headers?.['readflow.order'], headers?.['readflow.partition'], headers?.['readflow.offset']]),
    [
      ['k', '8', '0', '2'],
      ['k', '9', '0', '4'],
      ['a', '5', '0', '5'],
    ],
  )
  const again = recordsOf(names, held, [change('a', 4), change('a', 5)], () => true)
  assert.deepEqual(
    again.records.map(({ headers }) => headers?.['readflow.order']),
    ['5'],
    'the same version once more, an older one never',
  )
})

test('a window has about as many rows as it may, in offset order, however compaction has sorted them', async () => {
  const { rows, table, add } = await openRatings()
  const offsets = Array.from({ length: 60 }, (_, index) => ((index * 37) % 60) + 100)
  for (let from = 0; from < 60; from += 20)
    await add(offsets.slice(from, from + 20).map((offset) => ({ key: `u:${offset}`, order: offset, offset, partition: offset % 2 })))
  const snapshot = await table.snapshot()
  const files = [...snapshot.files.values()]
  const origins = (some: typeof files) =>
    scanOrigins(rows.store, { ...snapshot, files: new Map(some.map((file) => [file.path, file])) }, root)
  const seen: number[] = []
  let ranges: Ranges = new Map([0, 1].map((partition) => [partition, { from: 100, to: 160 }]))
  for (let step = 0; step < 8 && ranges.size > 0; step++) {
    const ends = await takeWindow({ topicId: 't', files, ranges, maxRows: 10, origins: (some) => origins([...some]) })
    const taken = offsets.filter((offset) => {
      const range = ranges.get(offset % 2)
      return range && offset >= range.from && offset < (ends.get(offset % 2) ?? 0)
    })
    assert.ok(taken.length <= 10, `${taken.length} rows`)
    seen.push(...taken.sort((a, b) => a - b))
    ranges = new Map(
      [...ranges].flatMap(([partition, { to }]) =>
        (ends.get(partition) ?? 0) < to ? [[partition, { from: ends.get(partition)!, to }] as const] : [],
      ),
    )
  }
  assert.equal(ranges.size, 0)
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [...offsets].sort((a, b) => a - b),
    'each row once',
  )
})

test('a comparison publishes what differs, deletes what is gone, and nothing else', async () => {
  const { rows, add } = await openRatings()
  await add([
    { key: 'u:1', order: 10, offset: 1, rating: 4 },
    { key: 'u:2', order: 10, offset: 2, rating: 4 },
    { key: 'u:3', order: 10, offset: 3 },
  ])
  const snapshot = await add([
    { key: 'u:2', order: 9, offset: 1, partition: 1, isLate: true },
    { key: 'u:3', order: 11, offset: 4, rating: null },
    { key: 'u:4', order: 12, offset: 5 },
    { key: 'u:5', order: 12, offset: 6, rating: null },
    { key: 'u:2', order: 10, offset: 2, partition: 1, rating: 4 },
  ])
  const bytes = (key: string, rating: number, rated_at: number) =>
    codec.encode({ user_id: 'u', book_id: key.slice(2), rating, rated_at, review_id: null, extra: { a: 'b' } })
  const held = createKeyVersions()
  const hold = (key: string, order: number, rating: number, value = rating) =>
    held.set(key, { order, hash: hashOf({ key, order, offset: 0, rating }), value: valueDigest(bytes(key, value, order)) })
  hold('u:1', 10, 4)
  hold('u:2', 10, 4, 1) // The same version, cleaned by other rules.
  hold('u:3', 10, 3)
  hold('u:9', 10, 3)
  const published: Outgoing[] = []
  const run = () =>
    publishDifference({
      ...{ names, rows, snapshot, held, limits: { rows: 2, bytes: 1e6 } },
      eachKey: async (call) => {
        for (const key of ['u:1', 'u:9', 'u:9', 'u:2']) await call(key)
      },
      publish: async (outgoing) => {
        published.push(outgoing)
        for (const [key, version] of outgoing.held) held.set(key, version)
      },
    })
  await run()
  assert.deepEqual(
    published
      .flatMap(({ records }) => records)
      .map(({ key, value, headers }) => [key, value !== null, headers?.['readflow.order']])
      .sort(),
    [
      ['u:2', true, '10'],
      ['u:3', false, '11'],
      ['u:4', true, '12'],
      ['u:9', false, undefined],
    ],
  )
  assert.ok(published.every(({ records }) => records.length <= 2))
  published.length = 0
  await run()
  assert.deepEqual(published, [], 'a second one finds nothing')
})

test('the topic’s schema has every field of its entity, and room for what cleaning takes away', () => {
  for (const entity of entityNames) {
    const clean = cleanSchema(entity)
    assert.deepEqual(
      clean.fields.map(({ name, type }) => [name, type]),
      catalogue[entity].schema.fields.map(({ name, type }) => [name, type]),
    )
    assert.equal(clean.namespace, 'io.readflow.clean')
    compileAvro(clean)
    const nullable = new Set(clean.fields.filter(({ type }) => Array.isArray(type) && type[0] === 'null').map(({ name }) => name))
    for (const { value, fields: of } of contracts[entity].rules)
      if (value === 'nulled') for (const name of of) assert.ok(nullable.has(name), `${entity}.${name} may become null`)
  }
})
