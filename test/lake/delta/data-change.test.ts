import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Field } from '../../../lake/columns/column.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { mayDiffer } from '../../../lake/delta/data-change.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

const fields: Field[] = [{ name: 'a', type: { kind: 'long' }, nullable: true }]
const file = (path: string) => ({ path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true })

test('a table differs by rows, not by progress or rewritten files, and what was looked at is not read again', async () => {
  const store = openMemoryStore()
  const reads: string[] = []
  const get: typeof store.get = (path) => {
    reads.push(path)
    return store.get(path)
  }
  const writer = openTable(store, 't')
  const table = openTable({ ...store, get }, 't')
  await commit(writer, { operation: 'WRITE', fields, adds: [file('a'), file('b')] })
  for (let version = 1; version <= 5; version++) await commit(writer, { operation: 'PROGRESS', txns: [{ appId: 'p', version }] })
  assert.equal(await mayDiffer(table, 0, 5), false)
  assert.equal(reads.length, 5)
  await commit(writer, { operation: 'OPTIMIZE', adds: [file('c')], removes: [file('a')], dataChange: false })
  assert.equal(await mayDiffer(table, 0, 6), false)
  assert.equal(await mayDiffer(table, 0, 6), false)
  assert.equal(reads.length, 6)
  assert.equal(await mayDiffer(table, 0, 3), false, 'an older version is looked at anew')
  await commit(writer, { operation: 'WRITE', adds: [file('d')] })
  assert.deepEqual(
    [await mayDiffer(table, 0, 7), await mayDiffer(table, 0, 7), await mayDiffer(table, 7, 7), await mayDiffer(table, 6, 7)],
    [true, true, false, true],
  )
})
