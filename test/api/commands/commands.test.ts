import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openStore } from '../../../lake/store/open.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { book, publishGold, rating } from '../helpers/gold-lake.ts'

const bin = fileURLToPath(new URL('../../../bin/readflow.mjs', import.meta.url))
let data = ''
before(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'readflow-commands-'))
  const store = openStore(`file:${data}/lake`)
  await publishGold(store, { dim_book: [book('1')], fact_rating: [rating('1', 4, '2026-01-02')] })
  await publishGold(store, { dim_book: [book('1'), book('2', { title: 'A\u001b[31m\nb' })], fact_rating: [rating('1', 4, '2026-01-02')] })
  await store.close()
})
after(() => rm(data, { recursive: true }))

const readflow = (args: string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args, '--data', data], { encoding: 'utf8', input, cwd: data })
  return { status, stdout, stderr }
}

describe('readflow sql', () => {
  it('prints a table, with nothing in it that a terminal would obey', () => {
    const { status, stdout } = readflow(['sql', 'SELECT title, ratings_count FROM gold_dim_book ORDER BY book_id'])
    assert.equal(status, 0)
    assert.equal(
      stdout,
      'title           ratings_count\n──────────────  ─────────────\nBook 1                    100\nA\\x1b[31m\\x0ab            100\n(2 rows)\n',
    )
  })
  it('prints JSON, NDJSON and CSV, of a version, from stdin', () => {
    assert.deepEqual(JSON.parse(readflow(['sql', 'SELECT count(*) AS n FROM gold_dim_book', '--format', 'json']).stdout), [{ n: 2 }])
    assert.equal(readflow(['sql', 'SELECT 1 AS a UNION ALL SELECT 2 ORDER BY 1', '--format', 'ndjson']).stdout, '{"a":1}\n{"a":2}\n')
    assert.equal(
      readflow(['sql', '-', '--format', 'csv', '--version', '0'], 'SELECT count(*) AS n FROM gold_dim_book').stdout,
      'n\r\n1\r\n',
    )
  })
  it('says in one go what is wrong, with the place, and changes nothing', () => {
    const wrong = readflow(['sql', 'SELECT nope FROM gold_dim_book'])
    assert.equal(wrong.status, 2)
    assert.match(wrong.stderr, /nope.*not found[\s\S]*LINE 1/)
    assert.doesNotMatch(wrong.stderr, / {4}at /)
    for (const args of [
      ['sql'],
      ['sql', "COPY (SELECT 1) TO 'x.csv'"],
      ['sql', "SELECT * FROM read_text('/etc/passwd')"],
      ['sql', 'SELECT 1', '--format', 'parquet'],
      ['sql', 'SELECT 1', '--version', '99'],
    ]) {
      const { status, stderr, stdout } = readflow(args)
      assert.notEqual(status, 0, args.join(' '))
      assert.equal(stdout, '')
      assert.equal(stderr.trim().split('\n').length <= 2, true, stderr)
    }
    assert.ok(!existsSync(path.join(data, 'x.csv')))
    const cut = readflow(['sql', 'SELECT * FROM range(10)', '--max-rows', '3'])
    assert.equal(cut.status, 1)
    assert.match(cut.stderr, /more rows than these 3/)
  })
})

describe('readflow export', () => {
  it('writes a published Gold to a file, and never over one', async () => {
    const first = readflow(['export', '--version', '0', '--output', path.join(data, 'gold.duckdb')])
    assert.equal(first.status, 0, first.stderr)
    const told = JSON.parse(first.stdout)
    assert.deepEqual([told.version, told.format], [0, 'duckdb'])
    const db = await openDuckDb()
    await db.run(`ATTACH '${told.file}' AS g (READ_ONLY)`)
    assert.deepEqual(await db.rows('SELECT count(*) AS n FROM g.gold_dim_book'), [{ n: 1 }])
    await db.close()
    const again = readflow(['export', '--output', told.file])
    assert.equal(again.status, 2)
    assert.match(again.stderr, /is there already/)
    assert.ok(readflow(['export', '--format', 'parquet']).stdout.includes('readflow-gold-v1.parquet.zip'))
    assert.ok(existsSync(path.join(data, 'readflow-gold-v1.parquet.zip')))
    assert.notEqual(readflow(['export', '--version', '7', '--output', path.join(data, 'none.duckdb')]).status, 0)
    const nowhere = readflow(['export', '--output', path.join(data, 'no/such/gold.duckdb')])
    assert.equal(nowhere.status, 2)
    assert.match(nowhere.stderr, /There is no folder .*no\/such\..*Make it/)
    assert.ok(!existsSync(path.join(data, 'none.duckdb')))
  })
})

describe('readflow keys', () => {
  it('makes a key, lists it without its secret, and takes it back', () => {
    assert.match(readflow(['keys']).stdout, /no keys/)
    const made = JSON.parse(readflow(['keys', 'add', '--name', 'board', '--scopes', 'read', '--json']).stdout)
    assert.match(made.key, /^rf_[0-9a-f]{10}_[\w-]{43}$/)
    const listed = readflow(['keys']).stdout
    assert.match(listed, new RegExp(`${made.id}.*read.*board`))
    assert.ok(!listed.includes(made.key.split('_').slice(2).join('_')))
    assert.match(readflow(['keys', 'revoke', made.id]).stdout, /revoked/)
    assert.equal(readflow(['keys', 'revoke', 'nope']).status, 2)
    assert.equal(readflow(['keys', 'sing']).status, 2)
    assert.equal(readflow(['keys', 'add', '--scopes', 'all']).status, 2)
  })
})
