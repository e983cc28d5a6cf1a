import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { entryName } from '../../lake/delta/actions.ts'
import { listLog } from '../../lake/delta/log-files.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { assertSameAnswer, ourAnswer } from './answer.ts'
import { type Reader, readerSkip } from './readers.ts'
import { sharedReader } from './shared.ts'

describe('a table that Spark wrote', { skip: readerSkip('Spark') || readerSkip('DuckDB') }, () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  let store: ObjectStore
  let spark: Reader
  let duckdb: Reader
  before(async () => {
    folder = await tempDataDir()
    store = openStore(`file:${folder.dir}`)
    spark = await sharedReader('Spark')
    duckdb = await sharedReader('DuckDB')
  })
  after(async () => {
    await store.close()
    await folder.remove()
  })

  const run = async (name: string, statements: string[]) => {
    const table = `${folder.dir}/${name}`
    await spark.ask('sql', { table, statements: statements.map((statement) => statement.replaceAll('TABLE_HERE', `delta.\`${table}\``)) })
  }
  const create = `CREATE TABLE TABLE_HERE (id INT, small SMALLINT, tiny TINYINT, f FLOAT, price DECIMAL(12, 3), at TIMESTAMP, day DATE,
      inner STRUCT<a: INT, b: ARRAY<FLOAT>>, m MAP<STRING, INT>, part TIMESTAMP) USING delta PARTITIONED BY (part)
    TBLPROPERTIES ('delta.checkpointInterval' = '3', 'delta.checkpoint.writeStatsAsStruct' = 'true')`
  const insert = (id: number) =>
    `INSERT INTO TABLE_HERE VALUES (${id}, -2S, 3Y, 1.5F, -1.050, TIMESTAMP '1969-12-31 23:59:59.123456', DATE '2026-11-22',
      named_struct('a', 1, 'b', array(0.5F, NULL)), map('k', 7), TIMESTAMP '2026-11-22 01:02:03'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`
  const row = (id: number) => [
    String(id),
    '-2',
    '3',
    1.5,
    '-1.050',
    '-876544',
    20_779,
    { a: '1', b: [0.5, null] },
    [['k', '7']],
    String(Date.UTC(2026, 10, 22, 1, 2, 3) * 1000),
  ]

  const readFromCheckpoint = async (name: string, parts: number) => {
    const place = { store, root: name }
    const { checkpoints, newestVersion } = await listLog(place)
    const checkpoint = checkpoints.find(({ version, paths }) => version === 3 && paths.length === parts)
    assert.ok(checkpoint, JSON.stringify(checkpoints))
    for (let version = 0; version <= 3; version++) await store.delete(`${name}/${entryName(version)}`)
    const snapshot = await openTable(store, name).snapshot()
    assert.equal(snapshot.version, newestVersion)
    const { rows } = await ourAnswer(store, name, snapshot)
    const filled = rows.filter((values) => values[0] !== null).sort((a, b) => Number(a[0]) - Number(b[0]))
    assert.deepEqual(filled, [1, 2, 3, 4].map(row))
    const empty = rows.filter((values) => values[0] === null)
    // Spark's INSERT makes a struct of nulls of a null struct.
    const nulls = Array.from({ length: 10 }, (_, index) => (index === 7 ? { a: null, b: null } : null))
    assert.deepEqual(empty, [nulls, nulls, nulls, nulls])
  }

  it('is read from its checkpoint, with types of every width and times of 96 bits', async () => {
    await run('spark', [create, ...[1, 2, 3, 4].map(insert)])
    await readFromCheckpoint('spark', 1)
  })

  it('is read from a checkpoint in parts', async () => {
    await run('parts', ['SET spark.databricks.delta.checkpoint.partSize = 3', create, ...[1, 2, 3, 4].map(insert)])
    const { checkpoints } = await listLog({ store, root: 'parts' })
    await readFromCheckpoint('parts', checkpoints.find(({ version }) => version === 3)!.paths.length)
    assert.ok(checkpoints[0]!.paths.length > 1)
  })

  it('is read as Spark and DuckDB read it: partitions, nulls, a checkpoint, changes, old versions', async () => {
    const columns = `id BIGINT NOT NULL, small INT, real FLOAT, name STRING, ok BOOLEAN, at TIMESTAMP, born DATE, raw BINARY,
      tags ARRAY<STRING>, extra MAP<STRING, BIGINT>, work STRUCT<id: BIGINT, titles: ARRAY<STRING>>, place STRING, day DATE`
    const rows = `(1, 7, 1.5, 'Ünïcode 😀', true, TIMESTAMP '2026-11-22 01:02:03.456789', DATE '1969-12-31', X'00ff', array('a', null),
        map('k', 1L, 'n', null), named_struct('id', 2L, 'titles', array('x')), 'a b/c=d%25', DATE '2026-11-22'),
      (2, null, null, null, null, null, null, null, null, null, null, null, null),
      (-3, -7, float('NaN'), '', false, TIMESTAMP '1700-02-28 12:00:00', DATE '0001-01-01', X'', array(), map(),
        named_struct('id', null, 'titles', null), 'ü', DATE '0001-01-01')`
    await run('changes', [
      `CREATE TABLE TABLE_HERE (${columns}) USING delta PARTITIONED BY (place, day) TBLPROPERTIES ('delta.checkpointInterval' = '3', 'delta.minReaderVersion' = '1', 'delta.minWriterVersion' = '2')`,
      `INSERT INTO TABLE_HERE VALUES ${rows}`,
      `INSERT INTO TABLE_HERE VALUES ${rows}`,
      `DELETE FROM TABLE_HERE WHERE id = 2`,
      `UPDATE TABLE_HERE SET name = 'changed' WHERE id = 1`,
      `ALTER TABLE TABLE_HERE ADD COLUMNS (later STRING)`,
    ])
    assert.ok((await readdir(`${folder.dir}/changes/_delta_log`)).some((name) => name.includes('.checkpoint.')))
    const table = openTable(store, 'changes')
    const newest = await table.snapshot()
    for (const version of [1, 2, newest.version]) {
      const ours = await ourAnswer(store, 'changes', await table.snapshot({ version }))
      for (const reader of [spark, duckdb]) {
        const theirs = await reader.ask('rows', { table: `${folder.dir}/changes`, version })
        // What is narrower there is read as ours.
        const fields = theirs.fields.map(([name, type]): [string, string] => [name, { int32: 'long', float: 'double' }[type] ?? type])
        assertSameAnswer({ ...theirs, fields }, ours, `version ${version} by ${reader.name}`)
      }
    }
    const told = await spark.ask<{ version: number; operation: string }[]>('history', { table: `${folder.dir}/changes` })
    assert.deepEqual(
      (await table.history()).map(({ version, operation }) => [version, operation]),
      told.map(({ version, operation }) => [version, operation]),
    )
  })

  for (const [what, create, message] of [
    [
      'column mapping',
      `CREATE TABLE TABLE_HERE (id BIGINT) USING delta TBLPROPERTIES ('delta.columnMapping.mode' = 'name')`,
      /Delta reader version 2/,
    ],
    [
      'deletion vectors',
      `CREATE TABLE TABLE_HERE (id BIGINT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')`,
      /Delta reader version 3/,
    ],
    ['times without a zone', 'CREATE TABLE TABLE_HERE (at TIMESTAMP_NTZ) USING delta', /type timestamp_ntz/],
  ] as const)
    it(`is refused with one line where it has ${what}`, async () => {
      const name = what.replaceAll(' ', '-')
      await run(name, [create])
      await assert.rejects(openTable(store, name).snapshot(), (error: Error & { code: string }) => {
        assert.equal(error.code, 'lake-invalid')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /\n/)
        return true
      })
    })
})
