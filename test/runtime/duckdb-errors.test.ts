import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { damagedFile, isOutOfMemory } from '../../runtime/duckdb-errors.ts'

test('what DuckDB says of files that are gone or damaged is told from what it says of queries', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-test-'))
  const db = await openDuckDb({ memoryLimit: '64MB' })
  t.after(() => db.close().then(() => rm(dir, { recursive: true })))
  const [whole, file] = [path.join(dir, 'whole.parquet'), path.join(dir, 'gold', 'x.parquet')]
  await mkdir(path.join(dir, 'gold'))
  await db.run(`COPY (SELECT i, 'text ' || i AS t FROM range(20000) r(i)) TO '${whole}' (COMPRESSION zstd)`)
  const messageOf = async (sql: string): Promise<string> =>
    db.rows(sql).then(
      () => assert.fail('it was read'),
      (error: Error) => error.message,
    )
  const read = `SELECT sum(length(t)), sum(i) FROM read_parquet('${file}')`
  assert.equal(damagedFile(await messageOf(read)), 'the data file gold/x.parquet is not there')
  const bytes = await readFile(whole)
  const damages = [
    () => truncate(file, 1000),
    () => writeFile(file, Buffer.from(bytes).fill(0x55, 4, 400)),
    () => writeFile(file, Buffer.from(bytes).fill(0, bytes.length - 200, bytes.length - 8)),
    () => writeFile(file, ''),
  ]
  for (const damage of damages) {
    await copyFile(whole, file)
    await damage()
    const message = await messageOf(read)
    assert.match(damagedFile(message) ?? `not told: ${message}`, /^a data file( gold\/x\.parquet)? is damaged$/)
  }
  assert.equal(damagedFile(await messageOf('SELECT nothing')), null)
  for (const asked of [
    "'a'::INTEGER",
    "'Footer'::INTEGER",
    'footer',
    '"TProtocolException"',
    '"Failed to read file"',
    "'decompression failure'::DATE",
  ])
    assert.equal(damagedFile(await messageOf(`SELECT ${asked}`)), null)
  const memory = await db.rows('SELECT list(i) FROM range(100000000) r(i)').catch((error: unknown) => error)
  assert.ok(isOutOfMemory(memory), String(memory))
})
