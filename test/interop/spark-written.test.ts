import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { entryName } from '../../lake/delta/actions.ts'
import { listLog } from '../../lake/delta/log-files.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { ourAnswer } from './answer.ts'
import { type Reader, readerSkip, startReader } from './readers.ts'

describe('a table that Spark wrote', { skip: readerSkip('Spark') }, () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  let store: ObjectStore
  let spark: Reader
  before(async () => {
    folder = await tempDataDir()
    store = openStore(`file:${folder.dir}`)
    spark = startReader('Spark')
  })
  after(async () => {
    await spark.close()
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
})
