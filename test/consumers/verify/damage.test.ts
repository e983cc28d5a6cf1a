import assert from 'node:assert/strict'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { inspectFiles } from '../../../consumers/verify/data-files.ts'
import { pinTables } from '../../../consumers/verify/pin.ts'
import { encodeActions, entryName } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openLocalFiles } from '../../../lake/store/local-files.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { openStore } from '../../../lake/store/open.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { batchOf, field } from '../../lake/sample.ts'

const fields = [field('_partition', 'long'), field('_offset', 'long'), field('text', 'string')]
const root = 'bronze/ratings'
const ROWS = 500

/** A table of three files of 500 rows, of one partition. */
const writeTable = async (store: ObjectStore) => {
  const table = openTable(store, root)
  for (let from = 0; from < 3 * ROWS; from += ROWS) {
    const rows = Array.from({ length: ROWS }, (_, at) => ({ _partition: 2, _offset: from + at, text: `${(from + at) ** 3}` }))
    const adds = await stageFiles(table, batchOf(fields, rows), { partitionColumns: [] })
    await commit(table, { operation: 'WRITE', fields, partitionColumns: [], adds })
  }
  const snapshot = await table.snapshot()
  return { snapshot, names: [...snapshot.files.values()].map((file) => `${root}/${file.path}`) }
}

test('a data file that is gone, cut, not decodable or not what the log says is named with what it held', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-test-'))
  const duckdb = await openDuckDb()
  t.after(() => duckdb.close().then(() => rm(dir, { recursive: true })))
  const folder = openStore(`file:${dir}/lake`)
  const { snapshot, names } = await writeTable(folder)
  const local = (name: string | undefined) => folder.localPath(name!)!
  const signal = new AbortController().signal
  // The folder itself, and copies, as of a store that is elsewhere.
  const remote: ObjectStore = { ...folder, localPath: () => null }
  const inspect = async (store = folder) => {
    const files = openLocalFiles({ store, dir: path.join(dir, 'copies'), maxBytes: 0 })
    const found = await inspectFiles({ files, duckdb, signal }, { root, snapshot })
    found.release()
    return { left: found.snapshot.files.size, faults: found.faults.join('\n') }
  }
  const held = '500 rows, by the log of partitions 2, offsets 500–999'
  const whole = await folder.get(names[1]!)
  assert.deepEqual(await inspect(), { left: 3, faults: '' })
  assert.deepEqual(await inspect(remote), { left: 3, faults: '' })

  await truncate(local(names[1]), 1000)
  for (const store of [folder, remote]) {
    const { left, faults } = await inspect(store)
    assert.equal(left, 2)
    assert.match(faults, new RegExp(`has 1000 bytes, where the log says ${whole.length}`))
    assert.ok(faults.includes(held), faults)
  }
  const flipped = Uint8Array.from(whole, (byte, at) => (at > 4 && at < 400 ? byte ^ 0x5a : byte))
  await writeFile(local(names[1]), flipped)
  const undecodable = await inspect()
  assert.equal(undecodable.left, 2)
  assert.match(undecodable.faults, /can not be read \(.*\); what it held is lost: 500 rows/)

  await rm(local(names[1]))
  for (const store of [folder, remote]) {
    const { left, faults } = await inspect(store)
    assert.equal(left, 2)
    assert.match(faults, /\.parquet is not there; what it held is lost: /)
    assert.ok(faults.includes(held), faults)
  }
  // Rows of another number are read: what is missing among them is for the comparison to say.
  const [fewer] = await stageFiles({ store: folder, root }, batchOf(fields, [{ _partition: 2, _offset: 500, text: '' }]), {
    partitionColumns: [],
  })
  await folder.put(names[1]!, await folder.get(`${root}/${fewer!.path}`))
  const other = await inspect()
  assert.equal(other.left, 3)
  assert.match(other.faults, /has 1 rows, where the log says 500$/)
})

test('a store that does not answer is no damage', async () => {
  const store = openMemoryStore()
  const { snapshot } = await writeTable(store)
  const duckdb = await openDuckDb()
  const refuse = () => Promise.reject(new ReadflowError('lake-unavailable', 'the store is away'))
  const away: ObjectStore = { ...store, getRange: refuse, get: refuse, pieces: refuse }
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-test-'))
  const files = openLocalFiles({ store: away, dir, maxBytes: 0 })
  const signal = new AbortController().signal
  await assert.rejects(inspectFiles({ files, duckdb, signal }, { root, snapshot }), { code: 'lake-unavailable' })
  await assert.rejects(pinTables(away), { code: 'lake-unavailable' })
  await duckdb.close()
  await rm(dir, { recursive: true, maxRetries: 5 })
})

test('a log that lacks an entry, or has one that can not be read, is damage of that table alone', async () => {
  const text = (value: string) => new TextEncoder().encode(value)
  const entry = `${root}/${entryName(1)}`
  const cases: [RegExp, (store: ObjectStore) => Promise<void>][] = [
    [/lacks version 1\. Bring the file back/, (store) => store.delete(entry)],
    [/00001\.json can not be read: .*JSON/, async (store) => store.put(entry, (await store.get(entry)).slice(0, 100))],
    [/00001\.json can not be read: it is empty/, (store) => store.put(entry, text(''))],
    [/00001\.json can not be read: a line is no JSON object/, (store) => store.put(entry, text('null\n'))],
    [/00001\.json can not be read: an action "add" lacks/, (store) => store.put(entry, encodeActions([{ add: {} as never }]))],
    [
      /has data files, such as .*\.parquet, and no log/,
      async (store) => {
        for await (const { path: name } of store.list(`${root}/_delta_log/`)) await store.delete(name)
      },
    ],
  ]
  for (const [expected, break_] of cases) {
    const store = openMemoryStore()
    await writeTable(store)
    assert.deepEqual((await pinTables(store)).damage, [])
    await break_(store)
    const { bronze, silver, damage } = await pinTables(store)
    assert.deepEqual(
      damage.map(({ table }) => table),
      ['bronze.ratings'],
    )
    assert.match(damage[0]?.fault ?? '', expected)
    assert.equal(bronze.has('ratings'), false)
    assert.deepEqual([bronze.size, silver.size], [4, 4])
  }
})
