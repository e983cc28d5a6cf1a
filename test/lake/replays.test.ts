import assert from 'node:assert/strict'
import { test } from 'node:test'
import { vacuumTable } from '../../compactor/upkeep/vacuum.ts'
import { findReplay, giveUpReplay, newReplay, saveReplay } from '../../consumers/replay/entry.ts'
import { newPartitionWork, type Work } from '../../consumers/replay/work.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { commit } from '../../lake/delta/commit.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openTable } from '../../lake/delta/table.ts'
import { listReplays, readReplay, stagedByReplays, writeReplay } from '../../lake/replays.ts'
import { openMemoryStore } from '../../lake/store/memory.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { processMark } from '../../runtime/process.mjs'
import { batchOf, field } from './sample.ts'

const fields = [field('id', 'long')]
const APP = 'silver/c/t/0'
const NOBODY = 2 ** 30
/** A process that is there and is not this one. */
const other = { pid: process.ppid, mark: processMark(process.ppid) }
const REQUEST = '--from earliest --to latest'

const workOf = (epoch: number | null): Work => ({
  kind: 'replay',
  topic: 'goodreads.books',
  topicId: 't',
  clusterId: 'c',
  tableId: 'id',
  code: '',
  partitions: [newPartitionWork({ partition: 0, from: 0, to: null, position: 5, undelivered: 0, epoch, beganAt: 9 })],
  fields,
  letters: { come: {}, go: {}, samples: [] },
  letterFiles: [],
  records: 5,
  fromBronze: 0,
  reencoded: 0,
})

/** A table with a row, and an open replay of it that has staged another one. */
const begun = async () => {
  const store = openMemoryStore()
  const table = openTable(store, 'silver/books')
  const stage = async (id: number): Promise<AddFile> => (await stageFiles(table, batchOf(fields, [{ id }])))[0]!
  await commit(table, { operation: 'WRITE', fields, adds: [await stage(1)], txns: [{ appId: APP, version: 9 }] })
  const entry = { ...newReplay('silver.books', REQUEST), staged: [await stage(2)], work: workOf(null) }
  await saveReplay(store, entry)
  const present = async (file: AddFile | undefined) => {
    for await (const { path } of store.list('silver/books/')) if (path.endsWith(file!.path)) return true
    return false
  }
  return { store, table, entry, present, left: { ...entry, pid: NOBODY } }
}

test('vacuum spares what a replay that is not over has staged, however old it is', async () => {
  const { store, table, entry, present, left } = await begun()
  const later = { nowMs: Date.now() + 30 * 86_400_000 }
  const of = { name: 'silver.books', table, sortBy: [] }
  assert.deepEqual([...(await stagedByReplays(store)).values()].flat(), [entry.staged[0]?.path])
  assert.equal((await vacuumTable(of, null, later)).files, 0)
  assert.ok(await present(entry.staged[0]))
  await writeReplay(store, { ...left, state: 'aborted' })
  assert.equal((await vacuumTable(of, null, later)).files, 1)
})

test('the same request goes on with a replay whose process is gone; one whose process is there is in the way', async () => {
  const { store, left } = await begun()
  await writeReplay(store, left)
  assert.equal((await findReplay(store, 'silver.books', REQUEST))?.id, left.id)
  assert.equal(await findReplay(store, 'silver.books', '--from 1 --to latest'), null)
  assert.equal(await findReplay(store, 'silver.authors', REQUEST), null)
  await writeReplay(store, { ...left, ...other })
  await assert.rejects(findReplay(store, 'silver.books', REQUEST), (error) => error instanceof ReadflowError && error.code === 'config')
  // Another process has got its number since.
  await writeReplay(store, { ...left, pid: process.ppid, mark: 'of another boot' })
  assert.equal((await findReplay(store, 'silver.books', REQUEST))?.id, left.id)
})

test('one that is given up leaves nothing, and its process stops at its next step', async () => {
  const { store, entry, present, left } = await begun()
  await writeReplay(store, left)
  assert.equal(await giveUpReplay(store, left), 'aborted')
  assert.equal(await present(entry.staged[0]), false)
  assert.deepEqual(
    (await listReplays(store)).map(({ id, state }) => [id, state]),
    [[entry.id, 'aborted']],
  )
  await assert.rejects(saveReplay(store, entry), (error) => error instanceof ReadflowError && error.code === 'stopped')
})

test('one whose process is there keeps its files: it may be in the middle of its swap', async () => {
  const { store, entry, present } = await begun()
  await writeReplay(store, { ...entry, ...other })
  assert.equal(await giveUpReplay(store, { ...entry, ...other }), 'aborted')
  assert.ok(await present(entry.staged[0]))
})

test('one that died after its swap is a swapped one, and its files are live', async () => {
  const { store, table, entry, present, left } = await begun()
  await writeReplay(store, left)
  const txns = [{ appId: `${APP}/epoch`, version: 1 }]
  const { version } = await commit(table, { operation: 'REPLAY', adds: entry.staged, txns, info: { replay: entry.id } })
  assert.equal(await giveUpReplay(store, left), 'swapped')
  assert.ok(await present(entry.staged[0]))
  assert.equal((await readReplay(store, entry.id))?.version, version)
})
