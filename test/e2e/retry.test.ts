import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { filePath } from '../../lake/delta/actions.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { noChromium, openChromium } from '../helpers/chromium.ts'
import { readflow, smallSandbox, startUp, tempDir, until } from '../helpers/up.ts'

test('a build that failed is tried again from the page, long before its time', { skip: noChromium }, async (t) => {
  const data = path.join(await tempDir(t), 'data')
  const up = await startUp(t, ['--data', data, ...smallSandbox, '--flush-interval', '2s', '--build-interval', '2h', '--paused', 'gold'])
  const store = openStore(`file:${path.join(data, 'lake')}`)
  t.after(() => store.close())
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
  const ask = async (route: string, method = 'GET'): Promise<{ status: number; body: any }> => {
    const response = await fetch(`${up.url}${route}`, { method })
    return { status: response.status, body: await response.json() }
  }
  await until('books in Silver', async () => (await openTable(store, 'silver/books').snapshot()).version >= 0, 120_000)
  assert.equal((await readflow(['pause', 'poll', '--data', data])).code, 0)
  const [first] = (await openTable(store, 'silver/books').snapshot()).files.values()
  const file = path.join(data, 'lake', 'silver/books', filePath(first!.path))
  await rename(file, `${file}.away`)
  assert.equal((await readflow(['resume', 'gold', '--data', data])).code, 0)
  const failed = await until('a build that fails', async () => {
    const { body } = await ask('/v1/runs?kind=build&state=failed')
    return body.runs[0]
  })
  await rename(`${file}.away`, file)

  const page = await (await openChromium(t)).newPage({ viewport: { width: 400, height: 800 } })
  await page.goto(`${up.url}/pipeline`)
  await page.getByRole('button', { name: 'Retry build gold' }).click()
  const done = await until('the build that comes of it', async () => {
    const { body } = await ask('/v1/runs?kind=build&state=completed')
    return body.runs[0]
  })
  assert.equal(done.attempt, failed.attempt + 1)
  await page.getByRole('button', { name: 'Retry build gold' }).waitFor({ state: 'detached' })

  const again = await ask(`/v1/runs/${failed.run_id}/retry`, 'POST')
  assert.equal(again.status, 409)
  assert.match(again.body.detail, new RegExp(`tried again since: run ${done.run_id} is completed`))
  assert.equal(await up.stop(), 0, up.output())
})
