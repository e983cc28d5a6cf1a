import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { upkeepTables } from '../../compactor/upkeep/tables.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { readflow, tempDir } from '../helpers/up.ts'
import { append, rowsAt } from '../lake/delta/upkeep-lake.ts'

test('optimize, vacuum and history on a lake, for people and for machines', async (t) => {
  const data = await tempDir(t)
  const store = openStore(`file:${path.join(data, 'lake')}`)
  const table = openTable(store, 'silver/books')
  for (let id = 0; id < 3; id++) await append(table, [{ id, name: 'x', day: 20_000 }])
  const rows = await rowsAt(table)
  const run = (...args: string[]) => readflow([...args, '--data', data])

  const optimized = await run('optimize', 'silver.books', 'silver.authors')
  assert.equal(optimized.code, 0, optimized.stderr)
  assert.match(optimized.stdout, /^silver.books: 3 files, .* MB → 1 files, .* MB\nsilver.authors: nothing to merge\n$/)
  assert.deepEqual(await rowsAt(table), rows)
  assert.deepEqual(await readdir(path.join(data, 'tmp/optimize')), [], 'no temporary file is left')

  const machine = JSON.parse((await run('optimize', '--json')).stdout)
  assert.equal(machine.ok, true)
  assert.deepEqual(
    machine.tables.map((each: { table: string }) => each.table),
    upkeepTables((root) => openTable(store, root)).map(({ name }) => name),
  )

  const history = (await run('history', 'silver.books', '--limit', '2', '--json')).stdout.trim().split('\n')
  assert.deepEqual(
    history.map((line) => JSON.parse(line)).map(({ version, operation }) => [version, operation]),
    [
      [3, 'OPTIMIZE'],
      [2, 'WRITE'],
    ],
  )
  assert.match((await run('history', 'silver.books')).stdout, /^ +3 {2}\S+Z {2}OPTIMIZE .*numRemovedFiles=3/)

  const now = ['--retain', '0s', '--allow-short-retention']
  assert.match(
    (await run('vacuum', 'silver.books', ...now, '--dry-run')).stdout,
    /^(silver\/books\/day=.*\.parquet\n){3}silver.books: 3 files, .* would be removed\n$/,
  )
  assert.deepEqual(JSON.parse((await run('vacuum', '--json')).stdout).tables[5].files, 0)
  assert.match((await run('vacuum', 'silver.books', ...now)).stdout, /^silver.books: 3 files, .* removed\n$/)
  assert.deepEqual(await rowsAt(openTable(store, 'silver/books')), rows)
})

test('upkeep commands say in one line what is wrong with what they were given', async (t) => {
  const data = await tempDir(t)
  const refused = async (args: string[], code: number, line: RegExp) => {
    const result = await readflow([...args, '--data', data])
    assert.deepEqual([result.code, result.stdout], [code, ''])
    assert.match(result.stderr, line)
    assert.equal(result.stderr.trim().split('\n').length, 1)
  }
  await refused(['optimize', 'silver.bocks'], 2, /^optimize: 'silver.bocks' is no table\. Tables: bronze\.books, /)
  await refused(['optimize', '--target-size', '5'], 2, /^optimize: --target-size: '5' needs a number and a unit/)
  await refused(['vacuum', '--retain', '1h'], 2, /^vacuum: a retention of 1 h is shorter than the 24 h .*--allow-short-retention/)
  await refused(['history'], 2, /^history: A table must be named\. Tables: /)
  await refused(['history', 'silver.books'], 1, /^history: silver\.books does not exist yet in file:/)
  await refused(['history', 'silver.books', 'silver.authors'], 2, /^history: Unexpected argument/)
  await refused(
    ['compact', '--cold-after', '90d', '--cold-storage-class', 'DEEP_ARCHIVE'],
    2,
    /^compact: --cold-storage-class: storage classes that can be read at once are STANDARD, .*GLACIER and DEEP_ARCHIVE can not/,
  )
  await refused(['compact', '--cold-after', '90d', '--cold-folder', '_x/..'], 2, /^compact: --cold-folder: is no name of a folder/)
})
