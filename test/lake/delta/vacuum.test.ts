import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { type AddFile, filePath } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { type VacuumOptions, vacuum } from '../../../lake/delta/vacuum.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { openStore } from '../../../lake/store/open.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { batchOf, field } from '../sample.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const fields = [field('id', 'long'), field('_day', 'string')]
const partitionColumns = ['_day']

/** A table whose store's clock and commits' clock are now; vacuum is told a later one. */
const open = (store: ObjectStore = openMemoryStore()) => {
  const table = openTable(store, 't')
  let id = 0
  const stage = async (day: string): Promise<AddFile> =>
    (await stageFiles(table, batchOf(fields, [{ id: id++, _day: day }]), { partitionColumns }))[0]!
  const change = async (adds: string[], removes: AddFile[] = []) => {
    const staged = await Promise.all(adds.map(stage))
    await commit(table, { operation: 'WRITE', fields, partitionColumns, adds: staged, removes })
    return staged
  }
  const present = async () => {
    const paths: string[] = []
    for await (const object of store.list('t/')) if (object.path.endsWith('.parquet')) paths.push(object.path.slice(2))
    return paths.sort()
  }
  const sorted = (...files: (AddFile | undefined)[]) => files.map((file) => filePath(file!.path)).sort()
  const later = (ms: number, options: VacuumOptions = {}) => vacuum(table, { nowMs: Date.now() + ms, ...options })
  return { store, table, stage, change, present, sorted, later }
}

describe('vacuum', () => {
  it('keeps what retained versions need and removes it once none does', async () => {
    const { change, present, sorted, later } = open()
    const [a, b] = await change(['x', 'x'])
    const [c] = await change(['x'], [a!])
    assert.deepEqual(await later(7 * DAY - HOUR), { files: 0, bytes: 0 })
    assert.deepEqual(await present(), sorted(a, b, c))
    assert.deepEqual(await later(7 * DAY + HOUR), { files: 1, bytes: a!.size })
    assert.deepEqual(await present(), sorted(b, c))
    assert.deepEqual(await later(365 * DAY), { files: 0, bytes: 0 })
  })

  it('counts and names the same in a dry run, and removes nothing', async () => {
    const { change, present, later } = open()
    const [a] = await change(['x'])
    await change(['x'], [a!])
    const before = await present()
    const named: string[] = []
    assert.deepEqual(await later(8 * DAY, { isDryRun: true, onFile: (file) => named.push(file.path) }), { files: 1, bytes: a!.size })
    assert.deepEqual(named, [`t/${filePath(a!.path)}`])
    assert.deepEqual(await present(), before)
  })

  it('leaves files that are not committed yet alone for a day', async () => {
    const { change, stage, present, sorted, later } = open()
    const [a] = await change(['x'])
    const staged = await stage('x')
    await later(23 * HOUR)
    assert.deepEqual(await present(), sorted(a, staged))
    await later(25 * HOUR)
    assert.deepEqual(await present(), sorted(a))
  })

  it('never removes a file that is committed while it works', async () => {
    const { store, table, change, stage, present, sorted } = open()
    const [a] = await change(['x'])
    const staged = await stage('x')
    const slow: ObjectStore = {
      ...store,
      list: async function* (prefix, options) {
        yield* store.list(prefix, options)
        if (prefix === 't/') await commit(table, { operation: 'WRITE', adds: [staged] })
      },
    }
    assert.deepEqual(await vacuum(openTable(slow, 't'), { nowMs: Date.now() + 2 * DAY }), { files: 0, bytes: 0 })
    assert.deepEqual(await present(), sorted(a, staged))
  })

  it('leaves the log, hidden folders and files of other kinds alone, but not partitions whose column begins with _', async () => {
    const { store, change, later } = open()
    await change(['x'])
    const foreign = [
      't/_delta_log/x.parquet',
      't/_symlink/x.parquet',
      't/.hidden/x.parquet',
      't/notes.txt',
      't/_day=x/_tmp.parquet',
      'tt/x.parquet',
    ]
    for (const object of foreign) await store.put(object, new Uint8Array(1))
    await store.put('t/_day=x/orphan.parquet', new Uint8Array(1))
    await store.put('t/orphan.parquet', new Uint8Array(1))
    assert.deepEqual(await later(2 * DAY), { files: 2, bytes: 2 })
    for (const object of foreign) assert.equal((await store.get(object)).length, 1)
  })

  it('does what the table says of its retention', async () => {
    const { table, change, later } = open()
    const [a] = await change(['x'])
    await change(['x'], [a!])
    await commit(table, { operation: 'SET TBLPROPERTIES', configuration: { 'delta.deletedFileRetentionDuration': 'interval 30 days' } })
    assert.equal((await later(29 * DAY)).files, 0)
    await assert.rejects(later(29 * DAY, { retainMs: 10 * DAY }), { code: 'config' })
    assert.equal((await later(31 * DAY)).files, 1)
  })

  it('refuses a retention below a day unless it is told to', async () => {
    const { change, present, sorted, later } = open()
    const [a] = await change(['x'])
    const [b] = await change(['x'], [a!])
    await assert.rejects(later(0, { retainMs: 23 * HOUR }), { code: 'config', message: /23 h is shorter than the 24 h/ })
    assert.equal((await later(1000, { retainMs: 0, isShortAllowed: true })).files, 1)
    assert.deepEqual(await present(), sorted(b))
  })

  it('keeps further versions that it is told of, and longer than checkpoints remember', async () => {
    const { table, change, present, sorted, later } = open()
    const [a] = await change(['x'])
    const { version } = await table.snapshot()
    const [b] = await change(['x'], [a!])
    assert.equal((await later(8 * DAY, { keepVersions: [version, 99] })).files, 0)
    // As after a checkpoint that has forgotten the removed file.
    const forgetful: Table = { ...table, snapshot: async () => ({ ...(await table.snapshot()), tombstones: new Map() as never }) }
    assert.equal((await vacuum(forgetful, { nowMs: Date.now() + 20 * DAY, retainMs: 30 * DAY })).files, 0)
    assert.deepEqual(await present(), sorted(a, b))
  })

  it('does nothing where there is no table', async () => {
    assert.deepEqual(await open().later(DAY), { files: 0, bytes: 0 })
  })

  it('leaves no empty folder of a partition behind', async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'readflow-vacuum-'))
    t.after(() => rm(folder, { recursive: true }))
    const { change, later } = open(openStore(`file:${folder}`))
    const [a, b] = await change(['x', 'y', 'z'])
    await change(['x'], [a!, b!])
    assert.equal((await later(8 * DAY)).files, 2)
    assert.deepEqual((await readdir(path.join(folder, 't'))).sort(), ['_day=x', '_day=z', '_delta_log'])
  })
})
