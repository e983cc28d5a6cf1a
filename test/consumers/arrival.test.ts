import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBronze } from '../../consumers/bronze/bronze.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { columnOf, valueAt } from '../../lake/columns/column.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openMemoryStore } from '../../lake/store/memory.ts'
import type { Registry } from '../../runtime/registry.ts'

const registry = { schemaById: async () => assert.fail('a tombstone needs no schema') } as unknown as Registry
// The last but one is today, but in microseconds: a common mistake of producers.
const timestamps = [1_700_000_000_000, -1, -(2 ** 62), 2 ** 62, 1_700_000_000_000_000, 253_402_300_800_000]
const input = {
  topic: 'goodreads.books',
  topicId: 'id',
  partition: 0,
  fromOffset: 0,
  nextOffset: timestamps.length,
  undelivered: 0,
  records: timestamps.map((timestampMs, offset) => ({
    offset,
    timestampMs,
    isLogAppendTime: false,
    key: Buffer.from(String(offset)),
    value: null,
    headers: [],
  })),
}

for (const stage of [createBronze({ registry }), createSilver({ registry, store: openMemoryStore() })])
  test(`${stage.name}: a record of a time that no reader takes is a row without time and day, and stops nothing`, async () => {
    const table = stage.tables.find(({ entity }) => entity === 'books')
    assert.ok(table)
    const { batch } = await table.transform([input], [])
    const times = timestamps.map((_, row) => valueAt(columnOf(batch, 'ingestion_timestamp'), row))
    assert.deepEqual(times, [1_700_000_000_000, -1, null, null, null, null])
    const { partitionColumns } = table
    const adds = await stageFiles({ store: openMemoryStore(), root: 't' }, batch, { partitionColumns })
    assert.deepEqual(
      adds.map(({ partitionValues, stats }) => [partitionValues['ingestion_date'], JSON.parse(stats ?? '').numRecords]),
      [
        ['2023-11-14', 1],
        ['1969-12-31', 1],
        [null, 4],
      ],
    )
  })
