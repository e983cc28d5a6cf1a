import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Field } from '../../lake/columns/column.ts'
import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import { commit } from '../../lake/delta/commit.ts'
import { emptySnapshot } from '../../lake/delta/snapshot.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openTable } from '../../lake/delta/table.ts'
import { tableSql } from '../../lake/sql.ts'
import { openFolderStore } from '../../lake/store/folder.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { type DuckDb, openDuckDb } from '../../runtime/duckdb.ts'
import { batchOf, emptyRow, everyField, everyRow, field, nullRow, type Row } from './sample.ts'

describe('SQL over a table', () => {
  let folder: string
  let store: ObjectStore
  let db: DuckDb
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'readflow-sql-'))
    // A folder whose name a glob, an SQL text or a URL could take for something else.
    store = openFolderStore(join(folder, "la[k]e's {1}*? 100%25 é"))
    db = await openDuckDb({})
  })
  after(async () => {
    await db.close()
    await store.close()
    await rm(folder, { recursive: true })
  })

  let count = 0
  const newTable = (partitionColumns: string[] = []) => {
    const table = openTable(store, `silver/t${count++}`)
    const write = async (fields: Field[], rows: Row[], change: (add: AddFile) => Promise<AddFile> = async (add) => add) => {
      const adds = await Promise.all((await stageFiles(table, batchOf(fields, rows), { partitionColumns })).map(change))
      await commit(table, { operation: 'WRITE', fields, partitionColumns, adds })
    }
    const localPath = (path: string) => store.localPath(`${table.root}/${path}`)!
    const sql = async () => tableSql({ snapshot: await table.snapshot(), localPath })
    const rows = async (order = 'id') => db.rows(`SELECT * FROM (${await sql()}) ORDER BY ${order}`)
    const types = async () => {
      const described = await db.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${await sql()}`)
      return Object.fromEntries(described.map((row) => [row.column_name, row.column_type]))
    }
    return { table, write, rows, types, localPath }
  }

  const everyType = {
    id: 'BIGINT',
    name: 'VARCHAR',
    score: 'DOUBLE',
    ok: 'BOOLEAN',
    at: 'TIMESTAMP WITH TIME ZONE',
    day: 'DATE',
    raw: 'BLOB',
    tags: 'VARCHAR[]',
    work: 'STRUCT(id BIGINT, titles VARCHAR[])',
    extra: 'MAP(VARCHAR, VARCHAR)',
    counts: 'MAP(VARCHAR, BIGINT)',
  }
  const shown = (row: Row) => ({
    ...row,
    at: row['at'] === null ? null : new Date(row['at'] as number).toISOString(),
    day: row['day'] === null ? null : new Date((row['day'] as number) * 86_400_000).toISOString().slice(0, 10),
  })

  it('gives values and types of every kind', async () => {
    const { write, rows, types } = newTable()
    await write(everyField, [everyRow, nullRow])
    await write(everyField, [emptyRow])
    assert.deepEqual(await rows(), [emptyRow, nullRow, everyRow].map(shown))
    assert.deepEqual(await types(), everyType)
  })

  it('gives an empty relation with all columns where there is no file', async () => {
    const { write, rows, types } = newTable()
    await write(everyField, [])
    assert.deepEqual(await rows(), [])
    assert.deepEqual(await types(), everyType)
  })

  it('gives an empty relation of the fields named for a table that is not there, else says so', async () => {
    const localPath = () => assert.fail('there are no files')
    assert.deepEqual(await db.rows(tableSql({ snapshot: emptySnapshot, localPath, fields: everyField })), [])
    assert.throws(() => tableSql({ snapshot: emptySnapshot, localPath }), { code: 'lake-not-found' })
  })

  it('fills columns that a file lacks with nulls, also where all files lack one', async () => {
    const { table, write, rows } = newTable()
    await write([field('id', 'long')], [{ id: 1 }])
    await write([field('id', 'long'), field('title', 'string')], [{ id: 2, title: 'x' }])
    await commit(table, { operation: 'WRITE', fields: [field('id', 'long'), field('tags', 'string')] })
    assert.deepEqual(await rows(), [
      { id: 1, title: null, tags: null },
      { id: 2, title: 'x', tags: null },
    ])
  })

  const partitioned = [field('id', 'long'), field('day', 'date'), field('language', 'string'), field('ok', 'boolean')]
  const partitionedRows = [
    { id: 1, day: 20_779, language: 'en', ok: true },
    { id: 2, day: null, language: null, ok: null },
    { id: 3, day: 20_779, language: "a/b %41 +'*?[x]=&é", ok: false },
    { id: 4, day: 20_780, language: '007', ok: true },
    { id: 5, day: 20_780, language: 'x'.repeat(300), ok: true },
  ]
  const shownRows = partitionedRows.map((row) => ({
    ...row,
    day: row.day === null ? null : row.day === 20_779 ? '2026-11-22' : '2026-11-23',
  }))

  it('gives partition columns their values and types, nulls and odd texts too', async () => {
    const short = newTable(['day', 'language', 'ok'])
    await short.write(partitioned, partitionedRows.slice(0, 4))
    assert.deepEqual(await short.rows(), shownRows.slice(0, 4))
    assert.deepEqual(await short.types(), { id: 'BIGINT', day: 'DATE', language: 'VARCHAR', ok: 'BOOLEAN' })
    // The folder of a long value is cut: its value comes from the log.
    const long = newTable(['day', 'language', 'ok'])
    await long.write(partitioned, partitionedRows)
    assert.deepEqual(await long.rows(), shownRows)
    assert.deepEqual(await long.types(), { id: 'BIGINT', day: 'DATE', language: 'VARCHAR', ok: 'BOOLEAN' })
  })

  it('believes the log, not the folders', async () => {
    const { table, write, rows, localPath } = newTable(['day', 'language', 'ok'])
    let moved = 0
    await write(partitioned, partitionedRows, async (add) => {
      const path = `language=lie/file ${moved++}.parquet`
      await mkdir(dirname(localPath(path)), { recursive: true })
      await rename(localPath(filePath(add.path)), localPath(path))
      return { ...add, path: encodeURI(path) }
    })
    assert.deepEqual(await rows(), shownRows)
    assert.equal((await table.snapshot()).files.size, 5)
  })

  it('skips the files of other partitions', async () => {
    const { table, write, localPath } = newTable(['day'])
    await write(
      [field('id', 'long'), field('day', 'date')],
      Array.from({ length: 20 }, (_, id) => ({ id, day: 20_779 + id })),
    )
    const sql = `SELECT * FROM (${tableSql({ snapshot: await table.snapshot(), localPath })}) WHERE day = DATE '2026-11-25'`
    assert.deepEqual(await db.rows(sql), [{ id: 3, day: '2026-11-25' }])
    const [plan] = await db.rows<{ explain_value: string }>(`EXPLAIN ${sql}`)
    assert.match(plan!.explain_value, /Scanning Files: 1\/20/i)
  })
})
