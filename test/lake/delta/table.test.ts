import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Action, type AddFile, encodeActions, entryName } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { everyField, field } from '../sample.ts'

const add = (path: string): AddFile => ({ path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true })
const counted = (store: ObjectStore) => {
  const calls: string[] = []
  const get: ObjectStore['get'] = (path) => {
    calls.push(path)
    return store.get(path)
  }
  return { store: { ...store, get }, calls }
}

describe('table', () => {
  it('is at version -1 where there is none', async () => {
    const { version, metadata, files } = await openTable(openMemoryStore(), 'gold/none').snapshot()
    assert.deepEqual({ version, metadata, files: files.size }, { version: -1, metadata: null, files: 0 })
  })

  it('reads only what is new since the last time', async () => {
    const { store, calls } = counted(openMemoryStore())
    const writer = openTable(store, 't')
    for (let index = 0; index < 5; index++)
      await commit(writer, { operation: 'WRITE', fields: [field('id', 'long')], adds: [add(`f${index}`)] })
    const reader = openTable(store, 't')
    await reader.snapshot()
    await commit(writer, { operation: 'WRITE', adds: [add('new')] })
    calls.length = 0
    assert.equal((await reader.snapshot()).files.size, 6)
    assert.deepEqual(calls, [`t/${entryName(5)}`, `t/${entryName(6)}`])
  })

  it('gives any older version, and names the newest where there is no such one', async () => {
    const table = openTable(openMemoryStore(), 't')
    for (let index = 0; index < 4; index++)
      await commit(table, { operation: 'WRITE', fields: [field('id', 'long')], adds: [add(`f${index}`)] })
    assert.deepEqual([...(await table.snapshot({ version: 1 })).files.keys()], ['f0', 'f1'])
    assert.equal((await table.snapshot()).version, 3)
    await assert.rejects(table.snapshot({ version: 4 }), { code: 'lake-not-found', message: /newest is 3/ })
  })

  it('tells its history, newest first', async () => {
    const table = openTable(openMemoryStore(), 't')
    await commit(table, { operation: 'CREATE TABLE', fields: [field('id', 'long')] })
    await commit(table, { operation: 'WRITE', info: { pollId: 'x' } })
    await commit(table, { operation: 'OPTIMIZE' })
    assert.deepEqual(
      (await table.history()).map(({ version, operation }) => [version, operation]),
      [
        [2, 'OPTIMIZE'],
        [1, 'WRITE'],
        [0, 'CREATE TABLE'],
      ],
    )
    const [newest] = await table.history({ limit: 1 })
    assert.equal(newest?.version, 2)
    assert.ok(newest.timestampMs > 1_600_000_000_000)
  })

  it('reads every type back from its schema', async () => {
    const store = openMemoryStore()
    await commit(openTable(store, 't'), { operation: 'WRITE', fields: everyField, partitionColumns: ['day'] })
    const { metadata } = await openTable(store, 't').snapshot()
    assert.deepEqual(metadata?.fields, everyField)
    assert.deepEqual(metadata?.partitionColumns, ['day'])
  })

  it('refuses a table that needs a newer reader, a log with a hole, and an entry that is not JSON', async () => {
    const entry = (...actions: object[]) => encodeActions(actions as Action[])
    const tableOf = async (entries: Record<number, Uint8Array>) => {
      const store = openMemoryStore()
      for (const [version, bytes] of Object.entries(entries)) await store.put(`t/${entryName(Number(version))}`, bytes)
      return openTable(store, 't')
    }
    await assert.rejects((await tableOf({ 0: entry({ protocol: { minReaderVersion: 3, minWriterVersion: 7 } }) })).snapshot(), {
      code: 'lake-invalid',
    })
    await assert.rejects((await tableOf({ 0: entry(), 2: entry() })).snapshot(), { code: 'lake-invalid', message: /lacks version 1/ })
    await assert.rejects((await tableOf({ 0: new TextEncoder().encode('{"add":') })).snapshot(), { code: 'lake-invalid' })
  })

  it('ignores what else lies in the log, and actions that it does not know', async () => {
    const store = openMemoryStore()
    await commit(openTable(store, 't'), { operation: 'WRITE', fields: [field('id', 'long')] })
    await store.put('t/_delta_log/.00000000000000000001.json.crc', new Uint8Array(1))
    await store.put(`t/${entryName(1)}`, encodeActions([{ domainMetadata: { domain: 'x' } } as never, { add: add('f') }]))
    assert.deepEqual([...(await openTable(store, 't').snapshot()).files.keys()], ['f'])
  })
})
