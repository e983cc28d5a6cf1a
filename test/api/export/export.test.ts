import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { appendGate, type GateHold, openState } from '../../../lake/gate-log.ts'
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
import json, os, sys, zipfile
import pyarrow.parquet as pq
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    # Files, not Python's buffers: a thread of Arrow that still holds one aborts the process as Python ends.
    read = lambda name: pq.read_table(archive.extract(name + ".parquet", os.path.dirname(sys.argv[1]))).to_pylist()
    print(json.dumps({"names": sorted(archive.namelist()), "titles": [row["title"] for row in read("gold_dim_book")], "version": read("readflow_export")[0]["gold_version"]}))
`
  const { stdout } = await run(python, ['-c', script, file])
  const { names, titles, version } = JSON.parse(stdout)
  assert.ok(names.includes('gold_fact_rating.parquet'))
  assert.deepEqual([titles, version], [['Old'], 0])
  assert.equal((await get('/v1/export?version=9')).status, 404)
  assert.equal((await get('/v1/export?format=xlsx')).status, 400)
})

test('an export says which Gold it is, is whole or nothing, and is not made for a HEAD', async (t) => {
  const api = await withGold(t)
  const hold = {
    ...{ run: 'run-1', at: '2026-11-23T17:01:00.000Z', since: '2026-11-23T17:00:00.000Z', runs: 1, baseVersion: 1, inputs: {} },
    isStaged: true,
    checks: [
      { id: 'x', table: 'gold.x', column: null, verdict: 'fail', measured: 1, threshold: '', message: 'It is odd.', sampleKeys: [] },
    ],
  } as GateHold
  await appendGate(api.store, null, {
    at: hold.at,
    event: { kind: 'held', run: 'run-1', checks: hold.checks, baseVersion: 1, changes: [], publish: {} },
    state: { ...openState, hold },
  })
  await api.gate.refresh()
  const { headers } = await fetch(new URL('/v1/export', api.url), { headers: { range: 'bytes=0-9' } }).then(async (response) => {
    assert.equal(response.status, 200)
    assert.ok((await response.arrayBuffer()).byteLength > 10)
    return response
  })
  const said = (of: Headers) =>
    ['readflow-version', 'readflow-complete-through', 'readflow-held-since', 'readflow-held-reason'].map((name) => of.get(name))
  assert.deepEqual(said(headers), ['1', '2026-01-02T03:04:05.000Z', hold.since, 'It is odd.'])
  assert.deepEqual(
    [headers.get('accept-ranges'), headers.get('etag'), headers.get('last-modified')].filter((each) => each !== null && each !== 'none'),
    [],
  )
  const older = await fetch(new URL('/v1/export?version=0', api.url), { method: 'HEAD' })
  assert.deepEqual(said(older.headers), ['0', '2026-01-02T03:04:05.000Z', null, null])
  assert.match(older.headers.get('content-disposition') ?? '', /readflow-gold-v0\.duckdb/)
  assert.equal(older.headers.get('content-type'), 'application/vnd.duckdb')
  assert.equal(older.headers.get('content-length'), null)
})

test('an export that one reader leaves lying keeps no other from the next', async (t) => {
  const api = await startApi(t)
  const many = Array.from({ length: 20_000 }, (_, index) => book(String(index), { title: randomBytes(150).toString('hex') }))
  await publishGold(api.store, { dim_book: many })
  await api.gold.refresh()
  const lying = request(new URL('/v1/export', api.url)).end()
  t.after(() => lying.destroy())
  const [response] = await once(lying, 'response')
  assert.equal(response.statusCode, 200)
  // Nothing of it is read.
  const { status, body } = await api.get('/v1/export?format=parquet')
  assert.equal(status, 200, JSON.stringify(body).slice(0, 300))
})
