import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryName } from '../../../lake/delta/actions.ts'
import { appendRows } from '../../../lake/delta/append-rows.ts'
import { findAdd } from '../../../lake/delta/find-add.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

const fields = [{ name: 'n', type: { kind: 'long' as const }, nullable: true }]

test('the commit of each file is found, also among files of one moment, and where older entries are gone', async () => {
  const store = openMemoryStore()
  const table = openTable(store, 'things')
  for (let n = 0; n < 40; n++) await appendRows(table, { fields, rows: [{ n }], info: { publishId: `p${n}` } })
  const snapshot = await table.snapshot()
  for (const file of snapshot.files.values()) {
    const added = await findAdd(table, file, snapshot.version)
    const n = (JSON.parse(file.stats ?? '{}') as { minValues: { n: number } }).minValues.n
    assert.deepEqual([added?.version, added?.commitInfo?.['publishId']], [n, `p${n}`])
  }

  for (let version = 0; version < 20; version++) await store.delete(`things/${entryName(version)}`)
  const found = await Promise.all([...snapshot.files.values()].map((file) => findAdd(table, file, snapshot.version)))
  assert.deepEqual(
    found.map((added) => added?.version ?? null).sort((a, b) => (a ?? -1) - (b ?? -1)),
    Array.from({ length: 40 }, (_, n) => (n < 20 ? null : n)),
  )
})

test('a file that was written long before its neighbours is found by its own time', async () => {
  const store = openMemoryStore()
  const table = openTable(store, 'things')
  const hour = 3_600_000
  const clock = Date.now
  try {
    const start = clock()
    for (let n = 0; n < 30; n++) {
      Date.now = () => start + n * hour
      await appendRows(table, { fields, rows: [{ n }] })
    }
  } finally {
    Date.now = clock
  }
  const snapshot = await table.snapshot()
  for (const [index, file] of [...snapshot.files.values()].entries())
    assert.equal((await findAdd(table, file, snapshot.version))?.version, index)
  const first = [...snapshot.files.values()][0]!
  assert.equal(await findAdd(table, { ...first, path: 'part-of-nobody.parquet' }, snapshot.version), null)
})
