import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAllThere, requireStaged } from '../../../consumers/replay/staged.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

test('what is staged must be there before it is committed; the first file that is gone is named', async () => {
  const store = openMemoryStore()
  const staged = Array.from({ length: 40 }, (_, index) => ({
    path: `day=2026-01-01/a%20${index}.parquet`,
    partitionValues: {},
    size: 1,
    modificationTime: 0,
    dataChange: true,
  }))
  for (let index = 0; index < 40; index++) await store.put(`silver/books/day=2026-01-01/a ${index}.parquet`, new Uint8Array([1]))
  await requireStaged(store, 'silver/books', staged)
  assert.equal(await isAllThere(store, 'silver/books', staged), true)
  await store.delete('silver/books/day=2026-01-01/a 37.parquet')
  assert.equal(await isAllThere(store, 'silver/books', staged), false)
  await assert.rejects(requireStaged(store, 'silver/books', staged), {
    code: 'lake-not-found',
    message: 'What was staged for silver/books is no more, such as silver/books/day=2026-01-01/a 37.parquet: nothing is changed.',
  })
})
