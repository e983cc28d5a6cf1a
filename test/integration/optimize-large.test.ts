import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { commit } from '../../lake/delta/commit.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openTable } from '../../lake/delta/table.ts'
import { tableSql } from '../../lake/sql.ts'
import { openStore } from '../../lake/store/open.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { root, tempDir } from '../helpers/up.ts'
import { batchOf, field } from '../lake/sample.ts'

const FILES = 1200
const ROWS = 60
const BODY_BYTES = 4000
const MAX_RSS_BYTES = 700 * 1024 ** 2

const fields = [field('_key', 'string'), field('_order', 'long'), field('body', 'string'), field('ingestion_date', 'date')]
const partitionColumns = ['ingestion_date']

const peakRssBytes = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
}

test('optimize merges thousands of small files, larger than its memory, in bounded memory', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const data = await tempDir(t)
  const store = openStore(`file:${path.join(data, 'lake')}`)
  const table = openTable(store, 'silver/reviews')
  const bodies = Array.from({ length: 97 }, (_, body) =>
    Array.from({ length: BODY_BYTES / 8 }, (_, word) => `w${((word * word + body) * 7919) % 9973} `)
      .join('')
      .padEnd(BODY_BYTES, '.'),
  )
  const adds = []
  let id = 0
  for (let file = 0; file < FILES; file++) {
    const rows = Array.from({ length: ROWS }, () => ({
      _key: `key${(id * 7919) % 200_003}`,
      _order: id,
      body: `${id} ${bodies[id++ % bodies.length]}`,
      ingestion_date: 20_000,
    }))
    adds.push(...(await stageFiles(table, batchOf(fields, rows), { partitionColumns })))
  }
  await commit(table, { operation: 'WRITE', fields, partitionColumns, adds })
  const digest = async () => {
    const duckdb = await openDuckDb({ tempDir: data })
    try {
      const sql = tableSql({
        snapshot: await openTable(store, 'silver/reviews').snapshot(),
        localPath: (file) => store.localPath(`silver/reviews/${file}`)!,
      })
      const [sums] = await duckdb.rows(`SELECT count(*) AS n, sum(hash(_key, _order, body, ingestion_date))::VARCHAR AS hash FROM (${sql})`)
      return sums
    } finally {
      await duckdb.close()
    }
  }
  const before = await digest()

  const args = ['--disable-warning=ExperimentalWarning', 'compactor/commands/optimize.ts', 'silver.reviews', '--data', data, '--json']
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let peak = 0
  const timer = setInterval(() => {
    if (child.exitCode === null) peak = Math.max(peak, peakRssBytes(child.pid!))
  }, 50)
  let stdout = ''
  for await (const text of child.stdout) stdout += text
  clearInterval(timer)
  const [result] = JSON.parse(stdout).tables
  t.diagnostic(`${result.filesRemoved} files, ${result.bytesRemoved} bytes in ${result.ms} ms, ${Math.round(peak / 1e6)} MB at most`)

  assert.equal(result.failures, 0)
  assert.ok(peak > 0 && peak < MAX_RSS_BYTES, `${peak} bytes`)
  const { files } = await openTable(store, 'silver/reviews').snapshot()
  // What needs more memory to be sorted than there is stays in some files.
  assert.ok(files.size <= 8, `${files.size} files`)
  assert.deepEqual(await digest(), before)
})
