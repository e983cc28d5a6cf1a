import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Field } from '../../../lake/columns/column.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { type ScanOptions, scan } from '../../../lake/delta/scan.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { batchOf, field, type Row, rowsOf } from '../sample.ts'

const first = [field('id', 'long'), field('day', 'date'), field('n', 'long')]
const evolved = [...first, field('title', 'string')]

const written = async () => {
  const store = openMemoryStore()
  const table = openTable(store, 't')
  const write = async (fields: Field[], rows: Row[]) => {
    const adds = await stageFiles(table, batchOf(fields, rows), { partitionColumns: ['day', 'n'] })
    await commit(table, { operation: 'WRITE', fields, partitionColumns: ['day', 'n'], adds })
  }
  await write(first, [
    { id: 1, day: 20_779, n: 5 },
    { id: 2, day: null, n: null },
  ])
  await write(evolved, [{ id: 3, day: 20_779, n: -1, title: 'new' }])
  return async (options: Omit<ScanOptions, 'root'>) => {
    const rows: Row[] = []
    for await (const batch of scan(store, await table.snapshot(), { root: 't', ...options })) rows.push(...rowsOf(batch))
    return rows
  }
}

it('gives the named columns, stored, partitioned or missing in a file, in the order asked for', async () => {
  const rows = await written()
  assert.deepEqual(await rows({ columns: ['title', 'day', 'id', 'n'] }), [
    { title: null, day: 20_779, id: 1, n: 5 },
    { title: null, day: null, id: 2, n: null },
    { title: 'new', day: 20_779, id: 3, n: -1 },
  ])
})

it('reads only the files asked for', async () => {
  const rows = await written()
  assert.deepEqual(await rows({ columns: ['id'], where: (file) => file.partitionValues['n'] === '-1' }), [{ id: 3 }])
})

it('counts the rows where no stored column is asked for', async () => {
  const rows = await written()
  assert.deepEqual(await rows({ columns: ['n'] }), [{ n: 5 }, { n: null }, { n: -1 }])
})

it('names a column that the table does not have, and gives nothing for a table that is not there', async () => {
  const rows = await written()
  await assert.rejects(rows({ columns: ['nothing'] }), /no column nothing/)
  const store = openMemoryStore()
  for await (const _ of scan(store, await openTable(store, 'none').snapshot(), { root: 'none', columns: ['id'] })) assert.fail('no rows')
})
