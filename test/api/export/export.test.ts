import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { tool } from '../../helpers/tool.ts'
import { python } from '../../interop/readers.ts'
import { startApi } from '../helpers/api.ts'
import { book, publishGold, rating } from '../helpers/gold-lake.ts'

const run = promisify(execFile)
const skip = tool(python, ['-c', 'import duckdb, duckdb_engine, pyarrow'], 'bash test/interop/install.sh')

const withGold = async (t: Parameters<typeof startApi>[0]) => {
  const api = await startApi(t)
  const folder = await mkdtemp(path.join(tmpdir(), 'readflow-export-'))
  t.after(() => rm(folder, { recursive: true }))
  await publishGold(api.store, { dim_book: [book('1', { title: 'Old' })] })
  await publishGold(api.store, {
    dim_book: [book('1', { title: 'Éclair' }), book('2', { title: null })],
    fact_rating: [rating('1', 5, '2026-01-02'), rating('2', 3, '2026-02-02'), rating('2', 1, null)],
  })
  await api.gold.refresh()
  const save = async (route: string, name: string) => {
    const response = await fetch(new URL(route, api.url))
    assert.equal(response.status, 200)
    const file = path.join(folder, name)
    await writeFile(file, Buffer.from(await response.arrayBuffer()))
    return { file, response }
  }
  return { ...api, folder, save }
}

test('one published Gold as a DuckDB file is read by duckdb-engine, which Superset uses', { skip }, async (t) => {
  const { save } = await withGold(t)
  const { file, response } = await save('/v1/export', 'gold.duckdb')
  assert.match(response.headers.get('content-disposition') ?? '', /readflow-gold-v1\.duckdb/)
  const script = `
import json, sys
from sqlalchemy import create_engine, inspect, text
engine = create_engine("duckdb:///" + sys.argv[1], connect_args={"read_only": True})
with engine.connect() as db:
    rows = [list(row) for row in db.execute(text("SELECT b.title, f.rating, f.rated_month FROM gold_fact_rating f JOIN gold_dim_book b USING (book_sk) ORDER BY f.rating"))]
    version = db.execute(text("SELECT gold_version FROM readflow_export")).scalar()
    columns = [c["name"] for c in inspect(engine).get_columns("gold_dim_book")]
print(json.dumps({"rows": rows, "version": version, "tables": sorted(inspect(engine).get_table_names()), "columns": len(columns)}))
`
  const { stdout } = await run(python, ['-W', 'ignore', '-c', script, file])
  const { rows, version, tables, columns } = JSON.parse(stdout)
  assert.deepEqual(rows, [
    [null, 1, 'unknown'],
    [null, 3, '2026-02'],
    ['Éclair', 5, '2026-01'],
  ])
  assert.equal(version, 1)
  assert.ok(tables.includes('gold_agg_ratings_daily') && tables.includes('readflow_export'))
  assert.ok(columns > 20)
})

test('as Parquet it is a zip with a file a table, of the version that is asked for', { skip }, async (t) => {
  const { save, get } = await withGold(t)
  const { file } = await save('/v1/export?format=parquet&version=0', 'gold.zip')
  const script = `
import io, json, sys, zipfile
import pyarrow.parquet as pq
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    read = lambda name: pq.read_table(io.BytesIO(archive.read(name + ".parquet"))).to_pylist()
    print(json.dumps({"names": sorted(archive.namelist()), "titles": [row["title"] for row in read("gold_dim_book")], "version": read("readflow_export")[0]["gold_version"]}))
`
  const { stdout } = await run(python, ['-c', script, file])
  const { names, titles, version } = JSON.parse(stdout)
  assert.ok(names.includes('gold_fact_rating.parquet'))
  assert.deepEqual([titles, version], [['Old'], 0])
  assert.equal((await get('/v1/export?version=9')).status, 404)
  assert.equal((await get('/v1/export?format=xlsx')).status, 400)
})
