import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBronze } from '../../../consumers/bronze/bronze.ts'
import { openBronzeSource } from '../../../consumers/replay/bronze-source.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { compileAvro, frameAvro } from '../../../runtime/avro.ts'
import type { KafkaRecord } from '../../../runtime/kafka/record-batch.ts'
import type { Registry } from '../../../runtime/registry.ts'
import { catalogue, topicNames } from '../../../schemas/catalogue.ts'
import type { TopicName } from '../../../schemas/records.ts'

const registry = { schemaById: async (id: number) => (id === 9 ? null : catalogue[topicNames[id - 1]!].schema) } as unknown as Registry

/** A value that fits an Avro type, with something in every field. */
const sampleOf = (type: unknown): unknown => {
  if (Array.isArray(type)) return sampleOf(type.find((member) => member !== 'null'))
  if (typeof type === 'string')
    return { string: 'Über – 書', long: 2 ** 53 - 2, int: -7, double: 0.1, float: 1.5, boolean: true, bytes: Buffer.from([0, 255]) }[type]
  const { type: kind, items, values, fields, symbols, logicalType } = type as Record<string, unknown>
  if (logicalType === 'timestamp-millis') return 1_700_000_000_123
  if (logicalType === 'date') return 19_000
  if (kind === 'array') return [sampleOf(items), sampleOf(items)]
  if (kind === 'map') return { b: sampleOf(values), '1': sampleOf(values), a: sampleOf(values) }
  if (kind === 'enum') return (symbols as string[])[0]
  if (kind === 'record')
    return Object.fromEntries((fields as { name: string; type: unknown }[]).map(({ name, type: of }) => [name, sampleOf(of)]))
  return sampleOf(kind)
}

const record = (offset: number, value: Buffer | null, more: Partial<KafkaRecord> = {}): KafkaRecord => ({
  offset,
  timestampMs: 1_700_000_000_000 + offset,
  isLogAppendTime: true,
  key: Buffer.from(`k${offset}`),
  value,
  headers: [['readflow.source', Buffer.from('test')]],
  ...more,
})

const readBack = async (entity: TopicName, records: readonly KafkaRecord[]) => {
  const table = openTable(openMemoryStore(), `bronze/${entity}`)
  const stageTable = createBronze({ registry }).tables.find((each) => each.entity === entity)!
  const input = { topic: `goodreads.${entity}`, topicId: 't', partition: 0, records, fromOffset: 0, nextOffset: 100, undelivered: 0 }
  const { batch } = await stageTable.transform([input], [])
  const partitionColumns = ['ingestion_date']
  await commit(table, {
    operation: 'WRITE',
    fields: batch.fields,
    partitionColumns,
    adds: await stageFiles(table, batch, { partitionColumns }),
  })
  let reencoded = 0
  const source = openBronzeSource({
    table,
    snapshot: await table.snapshot(),
    topicId: 't',
    registry,
    limits: { maxRecords: 2, maxBytes: 1 },
    onReencoded: () => {
      reencoded++
    },
  })
  const read: KafkaRecord[] = []
  let next = 0
  await source.read(
    [{ partition: 0, from: 0, to: 100 }],
    async (pieces) => {
      const piece = pieces.get(0)!
      assert.equal(piece.fromOffset, next)
      next = piece.nextOffset
      read.push(...piece.records)
    },
    new AbortController().signal,
  )
  assert.equal(next, 100)
  return { read, reencoded }
}

for (const [index, entity] of topicNames.entries())
  test(`${entity}: a record comes back from Bronze as it was delivered, bytes, key, time and headers`, async () => {
    const { schema } = catalogue[entity]
    const codec = compileAvro(schema)
    const empty = Object.fromEntries(schema.fields.map(({ name, type, default: of }) => [name, of === undefined ? sampleOf(type) : of]))
    const records = [sampleOf(schema), empty].map((value, offset) => record(offset, frameAvro(index + 1, codec.encode(value))))
    const all = [...records, record(2, null), record(7, Buffer.from('not avro')), record(9, null, { key: null })]
    assert.deepEqual(await readBack(entity, all), { read: all, reencoded: 0 })
  })

test('a record that was too large comes back as such; other bytes of the same fields are told', async () => {
  const oversized = record(0, null, { oversizedBytes: 40_000_000, oversizedHash: 'ab'.repeat(32) })
  assert.deepEqual((await readBack('ratings', [oversized])).read, [oversized])
  const { schema } = catalogue.ratings
  const id = topicNames.indexOf('ratings') + 1
  const bytes = compileAvro(schema).encode(sampleOf(schema))
  // A map in two blocks is the same map: the first block's count, one entry, the second's, two entries, and the end.
  const at = bytes.lastIndexOf(Buffer.from([6]))
  const entries = bytes.subarray(at + 1, -1)
  const one = entries.length / 3
  const blocks = Buffer.concat([
    bytes.subarray(0, at),
    Buffer.from([2]),
    entries.subarray(0, one),
    Buffer.from([4]),
    entries.subarray(one),
    Buffer.from([0]),
  ])
  const { read, reencoded } = await readBack('ratings', [record(0, frameAvro(id, blocks))])
  assert.equal(reencoded, 1)
  assert.deepEqual(read[0]?.value, frameAvro(id, bytes))
})
