import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filePath } from '../../../lake/delta/actions.ts'
import { changedFiles } from '../../../lake/delta/changed-files.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { append, fields, partitionColumns } from './upkeep-lake.ts'

test('what changed can not be told where a file that went is cut short or gone', async () => {
  const store = openMemoryStore()
  const table = openTable(store, 't')
  await append(table, [{ id: 1, name: 'a', day: 20_000 }])
  const [file] = (await table.snapshot()).files.values()
  await commit(table, { operation: 'DELETE', fields, partitionColumns, removes: [file!] })
  assert.equal((await changedFiles(table, 0, 1))?.removed.length, 1)
  const at = `t/${filePath(file!.path)}`
  await store.put(at, (await store.get(at)).slice(0, -20))
  assert.equal(await changedFiles(table, 0, 1), null)
  await store.delete(at)
  assert.equal(await changedFiles(table, 0, 1), null)
})
