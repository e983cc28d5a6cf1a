import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBronze } from '../../consumers/bronze/bronze.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import type { Stage } from '../../consumers/stage.ts'
import { columnOf, valueAt } from '../../lake/columns/column.ts'
import { openMemoryStore } from '../../lake/store/memory.ts'
import type { Registry } from '../../runtime/registry.ts'

const registry = { schemaById: async () => assert.fail('a record without a value needs no schema') } as unknown as Registry
const input = {
  topic: 'goodreads.books',
  topicId: 'id',
  partition: 0,
  fromOffset: 5,
  nextOffset: 6,
  undelivered: 0,
  records: [
    {
      offset: 5,
      timestampMs: 1_700_000_000_000,
      isLogAppendTime: true,
      key: Buffer.from('1'),
      value: null,
      headers: [],
      oversizedBytes: 70_000_000,
      oversizedHash: 'ab'.repeat(32),
    },
  ],
}
const transform = (stage: Stage) => {
  const table = stage.tables.find(({ entity }) => entity === 'books')
  assert.ok(table)
  return table.transform([input], [])
}

test('a record too large to be held is a row of Bronze with its hash and the reason', async () => {
  const { batch, outcomes } = await transform(createBronze({ registry }))
  const value = (name: string) => valueAt(columnOf(batch, name), 0)
  assert.deepEqual([value('_offset'), value('_value_hash'), value('_raw')], [5, 'ab'.repeat(32), null])
  assert.match(String(value('_error')), /^too-large: the value has 70000000 bytes/)
  assert.deepEqual(outcomes.get(0), { rows: 1 })
})

test('a record too large to be held is no tombstone in Silver but a dead letter', async () => {
  const { batch, outcomes, deadLetters } = await transform(createSilver({ registry, store: openMemoryStore() }))
  assert.equal(batch.length, 0)
  assert.deepEqual(outcomes.get(0), { dead: 1, 'dead/too-large': 1 })
  assert.equal(deadLetters[0]?.headers?.['readflow.error-class'], 'too-large')
  assert.match(String(deadLetters[0]?.headers?.['readflow.error-message']), /70000000 bytes.*SHA-256 is abab/)
})
