import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { stageLocalFile } from '../../../lake/delta/stage.ts'
import { readParquet } from '../../../lake/parquet/read.ts'
import { openFolderStore } from '../../../lake/store/folder.ts'
import { type DuckDb, openDuckDb } from '../../../runtime/duckdb.ts'
import { rowsOf } from '../sample.ts'

describe('Parquet files of other writers', () => {
  let folder: string
  let db: DuckDb
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'readflow-foreign-'))
    db = await openDuckDb({})
  })
  after(async () => {
    await db.close()
    await rm(folder, { recursive: true })
  })

  const writtenBy = async (select: string, name: string) => {
    const file = join(folder, name)
    await db.run(`COPY (${select}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`)
    return file
  }

  it('are read into our types from narrower and wider ones', async () => {
    const file = await writtenBy(
      `SELECT 7::INTEGER AS i, -7::SMALLINT AS s, 1.5::FLOAT AS f, TIMESTAMP_MS '2026-11-22 01:02:03.004' AS ms,
        TIMESTAMPTZ '2026-11-22 01:02:03.004+00' AS us, DATE '2026-11-22' AS d, [1, NULL]::INTEGER[] AS l,
        {a: 1::INTEGER, b: 'x'} AS st, MAP {'k': 1::INTEGER} AS m, 'a'::ENUM('a', 'b') AS e, -1.05::DECIMAL(10, 2) AS p,
        12::DECIMAL(38, 0) AS big, TIMESTAMP_NS '1969-12-31 23:59:59.999999999' AS ns
       UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
      'types.parquet',
    )
    const read = readParquet(await readFile(file))
    const ms = Date.UTC(2026, 10, 22, 1, 2, 3, 4)
    assert.deepEqual(rowsOf(read), [
      {
        i: 7,
        s: -7,
        f: 1.5,
        ms,
        us: ms,
        d: 20_779,
        l: [1, null],
        st: { a: 1, b: 'x' },
        m: { k: 1 },
        e: 'a',
        p: '-1.05',
        big: '12',
        ns: -1,
      },
      { i: null, s: null, f: null, ms: null, us: null, d: null, l: null, st: null, m: null, e: null, p: null, big: null, ns: null },
    ])
    assert.deepEqual(
      read.fields.map(({ type }) => type.kind),
      ['long', 'long', 'double', 'timestamp', 'timestamp', 'date', 'list', 'struct', 'map', 'string', 'string', 'string', 'timestamp'],
    )
  })

  it('are refused by the name of the column where we have no such type', async () => {
    const file = await writtenBy("SELECT TIME '01:02:03' AS opens", 'time.parquet')
    const bytes = await readFile(file)
    assert.throws(() => readParquet(bytes), { code: 'lake-invalid', message: /opens/ })
  })

  it('are taken into a table as they are', async () => {
    const localFilePath = await writtenBy('SELECT 1::BIGINT AS id', 'built.parquet')
    const bytes = await readFile(localFilePath)
    const store = openFolderStore(join(folder, 'lake'))
    const add = await stageLocalFile(
      { store, root: 'gold/t' },
      { localFilePath, sizeBytes: bytes.length, partitionValues: { month: '2026-11' }, stats: '{"numRecords":1}' },
    )
    assert.match(add.path, /^month=2026-11\/part-/)
    assert.equal(add.size, bytes.length)
    assert.deepEqual(rowsOf(readParquet(await store.get(`gold/t/${add.path}`))), [{ id: 1 }])
  })
})
