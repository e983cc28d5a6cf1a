import assert from 'node:assert/strict'
import { test } from 'node:test'
import pino from 'pino'
import { watchFreshness } from '../../../api/gold/freshness.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

const log = pino({ level: 'silent' })
const field = { name: 'a', type: { kind: 'long' as const }, nullable: true }

/** A Silver table whose commits say when their records came. */
const open = () => {
  const store = openMemoryStore()
  const table = openTable(store, 'silver/books')
  let made = 0
  const add = (minMs: number) => ({
    path: `${made++}.parquet`,
    partitionValues: {},
    size: 1,
    modificationTime: 0,
    dataChange: true,
    stats: JSON.stringify({ numRecords: 1, minValues: { ingestion_timestamp: new Date(minMs).toISOString() } }),
  })
  const write = async (operation: string, arrivals: number[]) =>
    (
      await commit(table, {
        operation,
        fields: [field],
        partitionColumns: [],
        adds: arrivals.map(add),
        configuration: { made: String(made) },
      })
    ).version
  const observed: string[] = []
  const freshness = watchFreshness({ store, log, observe: (entity, seconds) => observed.push(`${entity} ${seconds}`) })
  const served = async (from: number | null, to: number, servedMs: number) => {
    freshness.serving({ inputs: { books: to } }, from === null ? null : { inputs: { books: from } }, servedMs)
    await freshness.settled()
    return observed.splice(0)
  }
  return { write, served, store }
}

test('each commit of new rows counts once, by the oldest record in it', async () => {
  const { write, served } = open()
  const first = await write('STREAMING UPDATE', [1000])
  await write('STREAMING UPDATE', [6000, 5000, 9000])
  const last = await write('STREAMING UPDATE', [12_000])
  assert.deepEqual(await served(first, last, 15_000), ['books 10', 'books 3'])
  assert.deepEqual(await served(last, last, 20_000), [])
})

test('rows that were there before, and commits without any, do not count', async () => {
  const { write, served } = open()
  const first = await write('STREAMING UPDATE', [1000])
  for (const operation of ['REPLAY', 'OPTIMIZE', 'WRITE']) await write(operation, [1000])
  await write('COMPLETE THROUGH', [])
  const last = await write('STREAMING UPDATE', [])
  assert.deepEqual(await served(first, last, 15_000), [])
})

test('the first version that is opened tells nothing, nor does one that goes back', async () => {
  const { write, served } = open()
  const first = await write('STREAMING UPDATE', [1000])
  const last = await write('STREAMING UPDATE', [2000])
  assert.deepEqual(await served(null, last, 15_000), [])
  assert.deepEqual(await served(last, first, 15_000), [])
})

test('a clock that is behind the broker makes no negative time, and a log that is gone none at all', async () => {
  const { write, served, store } = open()
  const first = await write('STREAMING UPDATE', [1000])
  const last = await write('STREAMING UPDATE', [9000])
  assert.deepEqual(await served(first, last, 8000), ['books 0'])
  await store.delete(`silver/books/_delta_log/${String(last).padStart(20, '0')}.json`)
  assert.deepEqual(await served(first, last, 8000), [])
})
