import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { buildGold } from '../../compactor/build.ts'
import type { Audit } from '../../compactor/checks/check.ts'
import { goldNames } from '../../compactor/tables.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { createLog } from '../../runtime/log.ts'
import { noChromium, openChromium } from '../helpers/chromium.ts'
import { lastJson, readflow, smallSandbox, startUp, tempDir, until } from '../helpers/up.ts'
import { look } from './pages.ts'

/** Fails where there are more ratings than so many, as a jump of the source would make it. */
const atMost =
  (maxRows: number): Audit =>
  async (input) => {
    const rows = input.staged.find(({ name }) => name === 'fact_rating')?.rows ?? 0
    return [
      {
        id: 'fact_rating.rows.baseline',
        table: 'gold.fact_rating',
        column: null,
        verdict: rows > maxRows ? 'fail' : 'pass',
        measured: rows,
        threshold: `at most ${maxRows} rows`,
        message: `gold.fact_rating would have ${rows} rows, where ${maxRows} are expected: the source may have sent something twice.`,
        sampleKeys: ['u1:b1', 'u2:b1'],
      },
    ]
  }

test('while the pipeline runs, a failed check keeps the last Gold for every reader, all say so, and a person releases it', {
  skip: noChromium,
}, async (t) => {
  const dir = await tempDir(t)
  const data = path.join(dir, 'data')
  // The builds are this test's own, with a check that it can make fail; all else is what people run.
  const up = await startUp(t, ['--data', data, ...smallSandbox, '--flush-interval', '2s', '--poll-interval', '3s', '--paused', 'gold'])
  const store = openStore(`file:${path.join(data, 'lake')}`)
  t.after(() => store.close())
  const dirs = { tempDir: path.join(dir, 'tmp'), cache: path.join(dir, 'cache') }
  for (const folder of Object.values(dirs)) await mkdir(folder)
  const files = openLocalFiles({ store, dir: dirs.cache, maxBytes: 0 })
  const build = (audit: Audit) =>
    buildGold({ store, files, openDuckDb, tempDir: dirs.tempDir, audit, log: createLog('test', 'error'), nowMs: Date.now })
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
  const get = async (route: string) => (await fetch(`${up.url}${route}`)).json() as Promise<any>
  const silverRatings = async () => (await openTable(store, 'silver/ratings').snapshot()).version
  const history = () => Promise.all(goldNames.map(async (name) => (await openTable(store, `gold/${name}`).history()).length))

  await until('ratings in Silver', async () => (await silverRatings()) >= 0, 120_000)
  const first = await until('a first Gold with ratings', async () => {
    const built = await build(atMost(1e9))
    return built.rows.fact_rating > 1000 && built
  })
  await until('the API to serve it', async () => (await get('/v1/status')).gold?.version === first.version)
  const [before, versionBefore] = [await history(), await silverRatings()]
  await until('newer ratings', async () => (await silverRatings()) > versionBefore + 1)
  const { held } = await until('a build that is held', async () => {
    const built = await build(atMost(first.rows.fact_rating))
    return built.held && built
  })
  assert.ok(held)

  const answer = await until('the API to say so', async () => {
    const found = await get('/v1/books?limit=1')
    return found.held_since && found
  })
  assert.deepEqual([answer.version, answer.books.length, answer.held_since], [first.version, 1, held.since])
  assert.match(answer.held_reason, /gold\.fact_rating would have \d+ rows, where \d+ are expected/)
  assert.deepEqual(await history(), before, 'no table of Gold has a new version')
  assert.match(await (await fetch(`${up.url}/metrics`)).text(), /^readflow_gate_held 1$/m)
  assert.equal((await get('/v1/gate')).held.run, held.run)
  const told = await readflow(['gate', '--data', data])
  assert.ok(told.stdout.includes(held.checks[0]!.message), told.stdout)

  const page = await (await openChromium(t)).newPage()
  await page.goto(up.url)
  await page.locator('#gate').waitFor({ state: 'visible' })
  const text = await page.locator('#gate').textContent()
  for (const part of [held.checks[0]!.message, `version ${first.version}, the last good one`, `readflow gate release ${held.run}`])
    assert.ok(text?.includes(part), String(text))
  await look(page, 'held-gate')
  await page.close()

  const released = lastJson(await readflow(['gate', 'release', held.run, '--why', 'a big day', '--data', data, '--json']))
  assert.equal(released.version, (first.version ?? 0) + 1)
  const after = await until('the API to serve what was released', async () => {
    const found = await get('/v1/books?limit=1')
    return found.version === released.version && found.held_since === undefined && found
  })
  assert.equal(after.books.length, 1)
  assert.equal((await get('/v1/gate')).history.find(({ kind }: { kind: string }) => kind === 'release').why, 'a big day')
  assert.equal(await up.stop(), 0, up.output())
})
