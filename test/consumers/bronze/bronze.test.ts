import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import avro from 'avsc'
import { createBronze } from '../../../consumers/bronze/bronze.ts'
import type { StageTable } from '../../../consumers/stage.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { stageFiles } from '../../../lake/delta/stage.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { tableSql } from '../../../lake/sql.ts'
import { openFolderStore } from '../../../lake/store/folder.ts'
import { frameAvro } from '../../../runtime/avro.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import type { KafkaRecord } from '../../../runtime/kafka/record-batch.ts'
import type { Registry } from '../../../runtime/registry.ts'
import { readRows } from '../../helpers/tables.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'readflow-bronze-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const record = (fields: object[]) => ({ type: 'record', name: 'Book', fields })
const recordOf = (types: Readonly<Record<string, string | object>>) => record(Object.entries(types).map(([name, type]) => ({ name, type })))
const kafkaRecord = (offset: number, value: Buffer): KafkaRecord => ({
  offset,
  timestampMs: 1_700_000_000_000 + offset,
  isLogAppendTime: true,
  key: Buffer.from(String(offset)),
  value,
  headers: [],
})

/** A Bronze table of a topic whose writers use `schemas`, by id. `write` is one flush. */
const bronzeOf = (name: string, schemas: Record<number, object>) => {
  const registry = { schemaById: async (id: number) => schemas[id] ?? null } as unknown as Registry
  const stageTable = createBronze({ registry }).tables.find(({ entity }) => entity === 'books') as StageTable
  const lakeUrl = `file:${path.join(folder, name)}`
  const table: Table = openTable(openFolderStore(path.join(folder, name), lakeUrl), stageTable.root)
  let nextOffset = 0
  const write = async (records: [schemaId: number, value: object][]) => {
    const fromOffset = nextOffset
    const { fields = [] } = (await table.snapshot()).metadata ?? {}
    const encoded = records.map(([id, value]) =>
      kafkaRecord(nextOffset++, frameAvro(id, avro.Type.forSchema(schemas[id] as never, { wrapUnions: 'auto' as never }).toBuffer(value))),
    )
    const input = { topic: 't', topicId: 'i', partition: 0, records: encoded, fromOffset, nextOffset, undelivered: 0 }
    const { batch } = await stageTable.transform([input], fields)
    const { partitionColumns } = stageTable
    await commit(table, {
      operation: 'WRITE',
      fields: batch.fields,
      partitionColumns,
      adds: await stageFiles(table, batch, { partitionColumns }),
    })
  }
  const rows = (columns: string[]) => readRows(lakeUrl, stageTable.root, columns)
  /** The same by DuckDB, as the API and the compactor read. */
  const sqlRows = async (columns: string[]) => {
    const duckdb = await openDuckDb()
    try {
      const select = tableSql({
        snapshot: await table.snapshot(),
        localPath: (file) => table.store.localPath(`${table.root}/${file}`) ?? '',
      })
      return await duckdb.rows(`SELECT ${columns.join(', ')} FROM (${select}) ORDER BY _offset`)
    } finally {
      await duckdb.close()
    }
  }
  return { write, rows, sqlRows, table }
}

test('promotions never change a column: int and long, float and double are one', async () => {
  const { write, rows } = bronzeOf('promotion', {
    1: recordOf({ n: 'int', x: 'float' }),
    2: recordOf({ n: 'long', x: 'double' }),
  })
  await write([[1, { n: 1, x: 0.5 }]])
  await write([[2, { n: 2 ** 40, x: 0.25 }]])
  assert.deepEqual(await rows(['n', 'x', '_error']), [
    { n: 1, x: 0.5, _error: null },
    { n: 2 ** 40, x: 0.25, _error: null },
  ])
})

test('a union of several types is a struct of its members, of which one is set', async () => {
  const inner = { type: 'record', name: 'Pair', fields: [{ name: 'a', type: ['null', 'long', 'string'] }] }
  const { write, rows, sqlRows } = bronzeOf('union', {
    1: record([
      { name: 'u', type: ['null', 'string', 'int', inner] },
      { name: 'w', type: ['int', 'float'] },
      { name: 'l', type: { type: 'array', items: ['string', 'boolean'] } },
    ]),
    // Promoted and with one type more: the same struct with one member more.
    2: record([
      { name: 'u', type: ['null', 'string', 'long', inner, 'boolean'] },
      { name: 'w', type: ['int', 'float'] },
    ]),
  })
  await write([
    [1, { u: 'text', w: { int: 1 }, l: ['x', true] }],
    [1, { u: 7, w: { float: 0.5 }, l: [] }],
    [1, { u: null, w: { int: 2 }, l: [] }],
    [1, { u: { a: 'deep' }, w: { int: 3 }, l: [] }],
  ])
  await write([[2, { u: true, w: { int: 4 } }]])
  const of = (members: object) => ({ string: null, long: null, Pair: null, boolean: null, ...members })
  const expected = [
    of({ string: 'text' }),
    of({ long: 7 }),
    null,
    of({ Pair: { a: { long: null, string: 'deep' } } }),
    of({ boolean: true }),
  ]
  const found = await rows(['u', 'w', 'l', '_error'])
  assert.deepEqual(
    found.map(({ u }) => u),
    expected,
  )
  assert.deepEqual(
    found.map(({ w }) => w),
    [
      { long: 1, double: null },
      { long: null, double: 0.5 },
      { long: 2, double: null },
      { long: 3, double: null },
      { long: 4, double: null },
    ],
  )
  assert.deepEqual(found[0]?.['l'], [
    { string: 'x', boolean: null },
    { string: null, boolean: true },
  ])
  assert.deepEqual(
    found.map(({ _error }) => _error),
    [null, null, null, null, null],
  )
  assert.deepEqual(
    (await sqlRows(['u'])).map((row) => row['u']),
    expected,
    'and DuckDB reads the same',
  )
})

test('a record inside of a record grows a field: old rows have null there, old writers go on', async () => {
  const place = (...fields: string[]) => ({ type: 'record', name: 'Place', fields: fields.map((name) => ({ name, type: 'string' })) })
  const { write, rows, sqlRows } = bronzeOf('nested', {
    1: record([
      { name: 'p', type: place('city') },
      { name: 'l', type: { type: 'array', items: { ...place('city'), name: 'Q' } } },
    ]),
    2: record([
      { name: 'p', type: place('city', 'zip') },
      { name: 'l', type: { type: 'array', items: { ...place('city', 'zip'), name: 'Q' } } },
    ]),
  })
  await write([[1, { p: { city: 'A' }, l: [{ city: 'x' }] }]])
  await write([
    [1, { p: { city: 'B' }, l: [] }],
    [2, { p: { city: 'C', zip: '1' }, l: [{ city: 'y', zip: '2' }] }],
    [1, { p: { city: 'D' }, l: [] }],
  ])
  await write([[1, { p: { city: 'E' }, l: [] }]])
  const cities = ['A', 'B', 'C', 'D', 'E'].map((city) => ({ city, zip: city === 'C' ? '1' : null }))
  assert.deepEqual(
    (await rows(['p', '_offset'])).sort((a, b) => (a['_offset'] as number) - (b['_offset'] as number)).map(({ p }) => p),
    cities,
  )
  const read = await sqlRows(['p', 'l', '_error'])
  assert.deepEqual(
    read.map((row) => row['p']),
    cities,
  )
  assert.deepEqual(
    read.map((row) => row['l']),
    [[{ city: 'x', zip: null }], [], [{ city: 'y', zip: '2' }], [], []],
  )
  assert.deepEqual(
    read.map((row) => row['_error']),
    [null, null, null, null, null],
  )
})

test('what no column can hold goes to _raw and _error, with the other fields kept, and nothing stalls', async () => {
  const { write, rows } = bronzeOf('collisions', {
    1: recordOf({ title: 'string', n: 'int' }),
    2: recordOf({ Title: 'string', n: 'int' }),
    3: recordOf({ title: 'string', n: 'string' }),
    4: recordOf({ _offset: 'long', n: 'int' }),
    5: recordOf({ a: 'int', A: 'int', n: 'int' }),
    6: recordOf({ self: { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] }, n: 'int' }),
  })
  await write([[1, { title: 'one', n: 1 }]])
  await write([
    [2, { Title: 'two', n: 2 }],
    [3, { title: 'three', n: 'x' }],
    [4, { _offset: 99, n: 4 }],
    [5, { a: 1, A: 2, n: 5 }],
    [6, { self: { next: null }, n: 6 }],
  ])
  const found = await rows(['_offset', 'title', 'n', '_error', '_raw'])
  assert.deepEqual(
    found.map(({ title, n }) => [title, n]),
    [
      ['one', 1],
      [null, 2],
      ['three', null],
      [null, 4],
      [null, 5],
      [null, 6],
    ],
  )
  assert.deepEqual(
    found.map(({ _error }) => /field (\w+)/.exec((_error as string | null) ?? '')?.[1] ?? null),
    [null, 'Title', 'n', '_offset', 'A', 'self'],
  )
  assert.deepEqual(
    found.map(({ _raw }) => _raw !== null),
    [false, true, true, true, true, true],
  )
  assert.deepEqual(
    found.map(({ _offset }) => _offset),
    [0, 1, 2, 3, 4, 5],
  )
})
