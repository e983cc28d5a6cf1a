import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AddFile, decodeActions, entryName } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { field } from '../sample.ts'
import { plain } from './plain.ts'

const fields = [field('id', 'long', false), field('name', 'string')]
const add = (path: string): AddFile => ({ path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true })
const open = () => {
  const store = openMemoryStore()
  return { store, table: openTable(store, 'silver/books') }
}
const create = (table: ReturnType<typeof openTable>, paths = ['a']) =>
  commit(table, { operation: 'WRITE', fields, adds: paths.map(add), txns: [{ appId: 'p0', version: 10 }] })

describe('commit', () => {
  it('creates the table with its first entry, in the order that other writers use', async () => {
    const { store, table } = open()
    const snapshot = await commit(table, {
      operation: 'WRITE',
      fields,
      adds: [add('a')],
      txns: [{ appId: 'p0', version: 10 }],
      info: { stage: 'bronze' },
    })
    assert.equal(snapshot.version, 0)
    const actions = decodeActions(await store.get(`silver/books/${entryName(0)}`), 'entry')
    assert.deepEqual(
      actions.map((action) => Object.keys(action)[0]),
      ['commitInfo', 'protocol', 'metaData', 'txn', 'add'],
    )
    assert.deepEqual(actions[1], { protocol: { minReaderVersion: 1, minWriterVersion: 2 } })
    assert.match(JSON.stringify(actions[0]), /"operation":"WRITE".*"engineInfo":"ReadFlow\/.*"txnId":".*"stage":"bronze"/)
  })

  it('gives the same snapshot as a reader that comes later', async () => {
    const { store, table } = open()
    await create(table)
    await commit(table, { operation: 'WRITE', adds: [add('b')], removes: [{ path: 'a' }], txns: [{ appId: 'p1', version: 3 }] })
    const mine = await table.snapshot()
    const theirs = await openTable(store, 'silver/books').snapshot()
    assert.deepEqual(plain(theirs), plain(mine))
    assert.deepEqual([...theirs.files.keys()], ['b'])
    assert.deepEqual(
      [...theirs.txns],
      [
        ['p0', 10],
        ['p1', 3],
      ],
    )
  })

  it('refuses to write to a table that is not there without its columns', async () => {
    await assert.rejects(commit(open().table, { operation: 'WRITE', adds: [add('a')] }), { code: 'lake-not-found' })
  })

  it('lets any number of writers append at once, each once', async () => {
    const { store, table } = open()
    await create(table, [])
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => commit(openTable(store, 'silver/books'), { operation: 'WRITE', adds: [add(`f${index}`)] })),
    )
    const snapshot = await table.snapshot()
    assert.equal(snapshot.version, 12)
    assert.equal(snapshot.files.size, 12)
  })

  it('lets one of two writers of the same progress through and fences the other', async () => {
    const { store, table } = open()
    await create(table)
    const zombie = openTable(store, 'silver/books')
    await zombie.snapshot()
    const plan = (path: string) => ({
      operation: 'WRITE',
      adds: [add(path)],
      txns: [{ appId: 'p0', version: 20 }],
      requires: { txns: [{ appId: 'p0', version: 10 }] },
    })
    await commit(table, plan('mine'))
    await assert.rejects(commit(zombie, plan('zombie')), { code: 'lake-fenced' })
    assert.deepEqual([...(await zombie.snapshot()).files.keys()], ['a', 'mine'])
  })

  it('takes progress that nobody made yet as null', async () => {
    const { table } = open()
    await create(table)
    const plan = { operation: 'WRITE', txns: [{ appId: 'p9', version: 1 }], requires: { txns: [{ appId: 'p9', version: null }] } }
    await commit(table, plan)
    await assert.rejects(commit(table, plan), { code: 'lake-fenced' })
  })

  it('goes on from newer progress than the snapshot in memory has', async () => {
    const { store, table } = open()
    await create(table)
    await commit(openTable(store, 'silver/books'), { operation: 'WRITE', txns: [{ appId: 'p0', version: 15 }] })
    const after = await commit(table, {
      operation: 'WRITE',
      txns: [{ appId: 'p0', version: 20 }],
      requires: { txns: [{ appId: 'p0', version: 15 }] },
    })
    assert.equal(after.txns.get('p0'), 20)
  })

  it('refuses to remove a file twice, and to build on a file that is gone', async () => {
    const { store, table } = open()
    await create(table, ['a', 'b'])
    const slow = openTable(store, 'silver/books')
    await slow.snapshot()
    await commit(table, { operation: 'OPTIMIZE', adds: [add('c')], removes: [{ path: 'a' }], dataChange: false })
    await assert.rejects(commit(slow, { operation: 'OPTIMIZE', adds: [add('d')], removes: [{ path: 'a' }] }), { code: 'lake-conflict' })
    await assert.rejects(commit(slow, { operation: 'WRITE', adds: [add('d')], requires: { live: ['a'] } }), { code: 'lake-conflict' })
    assert.deepEqual([...(await slow.snapshot()).files.keys()], ['b', 'c'])
  })

  it('says of rewritten files that no data changed', async () => {
    const { store, table } = open()
    await create(table)
    await commit(table, { operation: 'OPTIMIZE', adds: [add('c')], removes: [{ path: 'a' }], dataChange: false })
    const actions = decodeActions(await store.get(`silver/books/${entryName(1)}`), 'entry')
    for (const action of actions) {
      if ('add' in action) assert.equal(action.add.dataChange, false)
      if ('remove' in action) assert.equal(action.remove.dataChange, false)
    }
    assert.equal(actions.length, 3)
  })

  it('gives up with a conflict where others always come first', async () => {
    const { store, table } = open()
    await create(table)
    const rival = openTable({ ...store, putIfAbsent: async () => 'exists' }, 'silver/books')
    await assert.rejects(commit(rival, { operation: 'WRITE', adds: [add('b')] }), { code: 'lake-conflict' })
  })
})

describe('schema evolution', () => {
  it('adds new columns at the end, nullable, whoever else adds some at the same time', async () => {
    const { store, table } = open()
    await create(table)
    const other = openTable(store, 'silver/books')
    await other.snapshot()
    await commit(table, { operation: 'WRITE', fields: [...fields, field('isbn', 'string', false)] })
    const { metadata } = await commit(other, { operation: 'WRITE', fields: [...fields, field('pages', 'long')] })
    assert.deepEqual(metadata?.fields, [...fields, field('isbn', 'string'), field('pages', 'long')])
  })

  it('writes no metadata where nothing changes', async () => {
    const { store, table } = open()
    await create(table)
    await commit(table, { operation: 'WRITE', fields: fields.slice(0, 1), adds: [add('b')] })
    assert.ok(!new TextDecoder().decode(await store.get(`silver/books/${entryName(1)}`)).includes('metaData'))
  })

  it('refuses a changed type, a missing required column, another partitioning, and names that collide', async () => {
    const { table } = open()
    await create(table)
    const refused = (plan: object) => assert.rejects(commit(table, { operation: 'WRITE', ...plan }), { code: 'lake-invalid' })
    await refused({ fields: [field('id', 'string')] })
    await refused({ fields: [field('name', 'string')] })
    await refused({ fields: [...fields, field('Name', 'string')] })
    await refused({ fields: [...fields, field('a b', 'string')] })
    await refused({ fields, partitionColumns: ['name'] })
  })

  it('sets table properties and keeps the others', async () => {
    const { table } = open()
    await commit(table, { operation: 'CREATE TABLE', fields, configuration: { a: '1' } })
    const { metadata } = await commit(table, { operation: 'SET TBLPROPERTIES', configuration: { b: '2' } })
    assert.deepEqual(metadata?.configuration, { a: '1', b: '2' })
    const later = await commit(table, { operation: 'SET TBLPROPERTIES', configuration: { a: null, b: '3', c: null } })
    assert.deepEqual(later.metadata?.configuration, { b: '3' })
    assert.deepEqual((await openTable(table.store, table.root).snapshot()).metadata?.configuration, { b: '3' })
  })
})
