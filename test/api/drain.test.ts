import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '../../lake/store/open.ts'
import { root, tempDir } from '../helpers/up.ts'
import { book, publishGold, rating } from './helpers/gold-lake.ts'

const RATINGS = 60_000

test('a server that is told to stop finishes what it has begun, takes nothing new, and ends with 0', async (t) => {
  const data = await tempDir(t)
  const store = openStore(`file:${data}/lake`)
  const ratings = Array.from({ length: RATINGS }, (_, index) => rating(String(index), 1 + (index % 5), '2026-01-02'))
  await publishGold(store, { dim_book: [book('1')], fact_rating: ratings })
  await store.close()
  const child = spawn(process.execPath, [path.join(root, 'api/main.ts'), '--port', '0', '--data', data, '--log-level', 'error'], {
    env: { ...process.env, LAKE_URL: `file:${data}/lake` },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  const url = await new Promise<string>((resolve) => child.on('message', (said: { url?: string }) => said.url && resolve(said.url)))
  while (!(await fetch(new URL('/readyz', url))).ok) await sleep(50)

  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(new URL(`/v1/ratings?format=ndjson&limit=${RATINGS}`, url), resolve).once('error', reject)
  })
  response.pause()
  const query = fetch(new URL('/v1/sql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql: 'SELECT count(*) AS n FROM range(2000000000) r(i)' }),
  })
  await sleep(300)
  child.kill('SIGTERM')
  await sleep(500)
  await assert.rejects(fetch(new URL('/healthz', url)), 'nothing new is taken')

  let lines = 0
  response.on('data', (part: Buffer) => {
    for (const byte of part) if (byte === 10) lines++
  })
  response.resume()
  await once(response, 'end')
  assert.deepEqual([response.complete, lines], [true, RATINGS])
  const answered = (await (await query).json()) as { rows: { n: number }[] }
  assert.equal(answered.rows[0]?.n, 2_000_000_000)
  assert.deepEqual(await exited, [0, null])
})
