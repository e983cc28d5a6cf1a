import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ColumnType, Field } from '../../../lake/columns/column.ts'
import { type Action, type AddFile, encodeActions, entryName } from '../../../lake/delta/actions.ts'
import { type CommitPlan, commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { field } from '../sample.ts'

const fields = [field('id', 'long'), field('day', 'date')]
const add = (path: string, day = '2026-11-22'): AddFile => ({
  path,
  partitionValues: { day },
  size: 1,
  modificationTime: 1,
  dataChange: true,
})

const created = async (configuration: Record<string, string> = {}) => {
  const store = openMemoryStore()
  const table = openTable(store, 't')
  const adds = [add('a'), add('b'), add('c', '2026-11-23')]
  await commit(table, { operation: 'WRITE', fields, partitionColumns: ['day'], adds, configuration })
  const write = (plan: Omit<CommitPlan, 'operation'>, as = table) => commit(as, { operation: 'WRITE', ...plan })
  return { store, table, write, other: openTable(store, 't') }
}
const paths = ({ files }: { files: ReadonlyMap<string, AddFile> }) => [...files.keys()].sort()

describe('overwrite', () => {
  it('replaces all rows in one commit, those that came while it was made too', async () => {
    const { table, write, other } = await created()
    await other.snapshot()
    await write({ adds: [add('late')] })
    const after = await write({ replaces: 'all', adds: [add('new')] }, other)
    assert.deepEqual(paths(after), ['new'])
    assert.equal(after.version, 2)
    assert.deepEqual([...after.tombstones.keys()].sort(), ['a', 'b', 'c', 'late'])
    assert.deepEqual(paths(await table.snapshot()), ['new'])
  })

  it('replaces the rows of some partitions, and leaves the others', async () => {
    const { write } = await created()
    const after = await write({ replaces: ({ partitionValues }) => partitionValues['day'] === '2026-11-22', adds: [add('new')] })
    assert.deepEqual(paths(after), ['c', 'new'])
  })

  it('takes a file out once that is named twice', async () => {
    const { write } = await created()
    assert.deepEqual(paths(await write({ replaces: 'all', removes: [{ path: 'a' }] })), [])
  })

  it('conflicts where another overwrite took the files that it was to replace', async () => {
    const { write, other } = await created()
    await other.snapshot()
    await write({ replaces: 'all', adds: [add('first')] })
    await assert.rejects(write({ removes: [{ path: 'a' }], adds: [add('second')] }, other), { code: 'lake-conflict' })
  })
})

describe('a plan is refused', () => {
  const refused = async (plan: Omit<CommitPlan, 'operation'>, message: RegExp, configuration = {}) => {
    const { write, table } = await created(configuration)
    await assert.rejects(write(plan), { code: 'lake-invalid', message })
    assert.equal((await table.snapshot()).version, 0)
  }

  it('where one thing comes twice in it', async () => {
    await refused({ adds: [add('x'), add('x')] }, /x comes twice/)
    await refused({ adds: [add('a')], removes: [{ path: 'a' }] }, /a comes twice/)
    await refused({ txns: [1, 2].map((version) => ({ appId: 'p', version })) }, /p comes twice/)
  })

  it('where a file lacks its partition values', async () => {
    await refused({ adds: [{ ...add('x'), partitionValues: {} }] }, /x does not say its values of the partition columns day/)
  })

  it('where it takes rows out of a table that only grows; files may be rewritten', async () => {
    const appendOnly = { 'delta.appendOnly': 'true' }
    await refused({ removes: [{ path: 'a' }] }, /append-only/, appendOnly)
    await refused({ replaces: 'all' }, /append-only/, appendOnly)
    const { write } = await created(appendOnly)
    assert.equal((await write({ removes: [{ path: 'a' }], adds: [add('x')], dataChange: false })).version, 1)
  })

  it('where the table has invariants that we can not check, or needs a newer writer', async () => {
    const { store, table, write } = await created()
    const { action } = table.known().metadata!
    const schemaString = action.schemaString.replace('"metadata":{}', '"metadata":{"delta.invariants":"{}"}')
    await store.put(`t/${entryName(1)}`, encodeActions([{ metaData: { ...action, schemaString } }]))
    await assert.rejects(write({ adds: [add('x')] }), { code: 'lake-invalid', message: /invariants/ })
    await store.put(`t/${entryName(2)}`, encodeActions([{ protocol: { minReaderVersion: 1, minWriterVersion: 4 } } as Action]))
    await assert.rejects(write({ txns: [{ appId: 'p', version: 1 }] }), { code: 'lake-invalid', message: /writer version 4/ })
  })
})

describe('table properties', () => {
  it('of two writers at once are all kept', async () => {
    const { table, write, other } = await created({ old: '1' })
    await other.snapshot()
    await write({ configuration: { a: '1', old: null } })
    await write({ configuration: { b: '2' }, fields: [...fields, field('title', 'string')] }, other)
    await write({ configuration: { c: '3' } })
    const { metadata } = await table.snapshot()
    assert.deepEqual(metadata?.configuration, { a: '1', b: '2', c: '3' })
    assert.deepEqual(
      metadata?.fields.map(({ name }) => name),
      ['id', 'day', 'title'],
    )
  })

  it('that must be what they were conflict where another writer changed them', async () => {
    const { write, other } = await created({ owner: 'a' })
    await other.snapshot()
    const claim = (owner: string) => ({ configuration: { owner }, requires: { configuration: { owner: 'a', epoch: null } } })
    await write(claim('b'))
    await assert.rejects(write(claim('c'), other), { code: 'lake-conflict', message: /owner to b/ })
  })
})

describe('schema evolution inside of columns', () => {
  const struct = (...inner: Field[]): ColumnType => ({ kind: 'struct', fields: inner })
  const list = (element: ColumnType): ColumnType => ({ kind: 'list', element })
  const map = (value: ColumnType): ColumnType => ({ kind: 'map', value })
  const evolve = async (before: ColumnType, after: ColumnType) => {
    const table = openTable(openMemoryStore(), 't')
    const write = (type: ColumnType) => commit(table, { operation: 'WRITE', fields: [{ name: 'x', type, nullable: true }] })
    await write(before)
    const { metadata } = await write(after)
    return metadata?.fields[0]?.type
  }
  const a = field('a', 'long')
  const b = field('b', 'string')

  it('adds fields to structs, also in lists and maps, after those that were there', async () => {
    for (const wrap of [
      (type: ColumnType) => type,
      list,
      map,
      (type: ColumnType) => struct({ name: 's', type: list(type), nullable: true }),
    ]) {
      assert.deepEqual(await evolve(wrap(struct(a)), wrap(struct(b, a))), wrap(struct(a, b)))
      assert.deepEqual(await evolve(wrap(struct(a, b)), wrap(struct(b))), wrap(struct(a, b)))
    }
  })

  it('refuses another type by the whole name of the field', async () => {
    await assert.rejects(evolve(list(struct(a)), list(struct(field('a', 'string')))), {
      code: 'lake-invalid',
      message: /column x\.element\.a is long in the table and can not become string/,
    })
    await assert.rejects(evolve(map(struct(a)), map(a.type)), { code: 'lake-invalid', message: /x\.value is struct<a:long>/ })
    await assert.rejects(evolve(struct(a), struct(field('A', 'long'))), { code: 'lake-invalid', message: /same name but for case/ })
  })

  it('refuses rows that may have nulls where the table may not', async () => {
    const table = openTable(openMemoryStore(), 't')
    await commit(table, { operation: 'WRITE', fields: [field('id', 'long', false)] })
    await assert.rejects(commit(table, { operation: 'WRITE', fields: [field('id', 'long')] }), {
      code: 'lake-invalid',
      message: /id may not be null/,
    })
  })
})
