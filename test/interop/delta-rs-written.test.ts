import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { entryName } from '../../lake/delta/actions.ts'
import { commit } from '../../lake/delta/commit.ts'
import { scan } from '../../lake/delta/scan.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openTable, type Table } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { batchOf, field, type Row, rowsOf } from '../lake/sample.ts'
import { python, readerSkip } from './readers.ts'

const script = fileURLToPath(new URL('./writers/delta_rs.py', import.meta.url))

describe('a table that delta-rs wrote', { skip: readerSkip('delta-rs') }, () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  let store: ObjectStore
  before(async () => {
    folder = await tempDataDir()
    store = openStore(`file:${folder.dir}`)
  })
  after(async () => {
    await store.close()
    await folder.remove()
  })

  /** Lets delta-rs do something with a table of that name; gives the table and what delta-rs says is in it. */
  const writtenBy = async (what: 'types' | 'partitions' | 'log' | 'again', name: string = what) => {
    const { stdout } = await promisify(execFile)(python, ['-B', script, what, `${folder.dir}/${name}`])
    return { table: openTable(store, name), told: sorted(JSON.parse(stdout) as Row[]) }
  }

  const ourRows = async (table: Table, at?: { version?: number }): Promise<Row[]> => {
    const snapshot = await table.snapshot(at)
    const rows: Row[] = []
    for await (const batch of scan(store, snapshot, { root: table.root, columns: snapshot.metadata!.fields.map(({ name }) => name) }))
      rows.push(...rowsOf(batch))
    // As JSON has them: bytes in hex.
    return sorted(
      JSON.parse(JSON.stringify(rows, (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))),
    )
  }

  it('is read with numbers of every width, decimals, every text, bytes and time, and with those inside of others', async () => {
    const { table, told } = await writtenBy('types')
    assert.deepEqual(await ourRows(table), told)
    assert.equal(told.length, 2)
  })

  it('is read with partitions of every type, whatever their values do to a path', async () => {
    const { table, told } = await writtenBy('partitions')
    assert.deepEqual(await ourRows(table), told)
    assert.equal(told[0]!['text'], 'a b/c=%25é')
  })

  it('is read from its checkpoint on, at each version, and written further for both', async () => {
    const { table, told } = await writtenBy('log')
    assert.deepEqual(await ourRows(table), told)
    const { version } = await table.snapshot()
    const ids = (rows: Row[]) => rows.map((row) => row['id'])
    assert.deepEqual(ids(await ourRows(table, { version: 4 })), [21, 30, 31])
    // delta-rs cleaned the log up behind its checkpoint.
    await assert.rejects(table.snapshot({ version: 2 }), { code: 'lake-not-found', message: /oldest is 4/ })
    await store.delete(`log/${entryName(4)}`)
    const later = openTable(store, 'log')
    assert.deepEqual(await ourRows(later), told)

    const fields = [field('id', 'long'), field('day', 'date'), field('title', 'string'), field('score', 'double')]
    const adds = await stageFiles(later, batchOf(fields, [{ id: 50, day: 20_779, title: 'ours', score: 0.5 }]), {
      partitionColumns: ['day'],
    })
    await commit(later, { operation: 'WRITE', fields, partitionColumns: ['day'], adds, configuration: { 'delta.checkpointInterval': '1' } })
    await later.settled()
    const after = await writtenBy('again', 'log')
    assert.deepEqual(await ourRows(after.table), after.told)
    assert.deepEqual(after.told.at(-1), { id: 50, day: 20_779, title: 'ours', score: 0.5 })
    // From our checkpoint alone.
    await store.delete(`log/${entryName(version)}`)
    await store.delete(`log/${entryName(version + 1)}`)
    assert.deepEqual((await writtenBy('again', 'log')).told, after.told)
  })

  it('is not written to in types that are not those of its files', async () => {
    const { table } = await writtenBy('types', 'narrow')
    await assert.rejects(commit(table, { operation: 'WRITE', fields: [field('i32', 'long')] }), {
      code: 'lake-invalid',
      message: /column i32 is integer in the table and can not become long/,
    })
    await assert.rejects(commit(table, { operation: 'WRITE', fields: [field('dec', 'string')] }), {
      code: 'lake-invalid',
      message: /dec is decimal\(10,2\)/,
    })
  })

  it('is refused where its files lie elsewhere', async () => {
    const { table } = await writtenBy('types', 'elsewhere')
    await table.snapshot()
    const add = { path: 'file:///elsewhere/x.parquet', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
    await commit(table, { operation: 'WRITE', adds: [add] })
    await assert.rejects(ourRows(table), { code: 'lake-invalid', message: /file:\/\/\/elsewhere\/x\.parquet of the table lies outside/ })
  })
})

const sorted = (rows: Row[]): Row[] => rows.sort((a, b) => Number(a['id']) - Number(b['id']))
