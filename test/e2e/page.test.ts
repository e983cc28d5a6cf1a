import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { noChromium, openChromium, watchProblems } from '../helpers/chromium.ts'
import { readflow, startUp, tempDir, until } from '../helpers/up.ts'
import { answersAreAsDocumented, drivePages, driveReplay, look } from './pages.ts'

/** What the page says of the data: checks, profiles, contracts. Generated data has faults of every kind. */
const showsQuality = async (page: Page) => {
  await until('the checks', async () => /\d+ checks, \d+ warn, \d+ fail/.test((await page.textContent('#quality-note')) ?? ''))
  await page.click('#quality-more')
  assert.ok((await page.locator('#quality-passing tbody tr').count()) > 30)
  await page.click('#profiles-title')
  await page.selectOption('#profiles-choice', 'gold.fact_rating')
  await until('the profile', async () => (await page.textContent('#profile').then(String)).includes('rated_month'))
  assert.equal(await page.locator('#contracts tbody tr').count(), 4)
  await page.click('#broken-more')
  assert.match(await page.textContent('#broken').then(String), /rating-out-of-range.*dead letter/)
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 })
    // The chart follows a moment later.
    await until(`nothing to stick out at ${width} pixels`, async () => {
      const needed = (await page.evaluate('document.documentElement.scrollWidth')) as number
      return needed <= width
    })
  }
}

interface Status {
  tables: { table: string; rows: number }[]
  lag: { lag_records: number | null }[]
  gold: { version: number } | null
}

test('the sandbox lives: history at once, the page moves, lag returns to nothing, and all stops in order', {
  skip: noChromium,
}, async (t) => {
  const dir = await tempDir(t)
  const up = await startUp(t, ['--data', `${dir}/data`, '--flush-interval', '2s', '--poll-interval', '20s', '--paused', 'gold'])
  const page = await (await openChromium(t)).newPage({ viewport: { width: 1280, height: 900 } })
  // A query that is wrong on purpose is answered by 400, which Chromium notes.
  const problems = watchProblems(page, up.url, /status of 400/)
  await page.goto(up.url)
  await until('what is said before the first Gold', async () => /No Gold is published yet/.test(String(await page.textContent('#no-gold'))))
  await look(page, 'before-gold')
  assert.deepEqual(problems, [], 'nothing is asked of a Gold that is not there')
  assert.equal((await readflow(['resume', 'gold', '--data', `${dir}/data`])).code, 0)
  await page.locator('#distribution canvas').waitFor({ timeout: 120_000 })
  await page.click('nav.pages >> text=Pipeline')
  await until('the badge', async () => /generated data/i.test(String(await page.textContent('body'))))

  const status = async () => (await (await fetch(`${up.url}/v1/status`)).json()) as Status
  const rows = ({ tables }: Status, layer: string) =>
    tables.filter(({ table }) => table.startsWith(`${layer}.`) && !table.endsWith('.raw')).reduce((sum, each) => sum + each.rows, 0)
  await until('50,000 events in Bronze', async () => rows(await status(), 'bronze') >= 50_000, 120_000)
  await until(
    'the lag to be nothing',
    async () => {
      const { lag } = await status()
      return lag.length > 0 && lag.every(({ lag_records }) => lag_records === 0)
    },
    120_000,
  )
  const first = await until(
    'Gold with facts',
    async () => {
      const found = await status()
      return found.tables.some(({ table, rows: count }) => table === 'gold.fact_rating' && count > 20_000) && found.gold
    },
    240_000,
  )
  const before = await page.textContent('main')
  await until('a newer Gold', async () => ((await status()).gold?.version ?? 0) > first.version, 90_000)
  await until('the page to move', async () => (await page.textContent('main')) !== before)
  await showsQuality(page)
  await drivePages(page, up.url)
  await answersAreAsDocumented(up.url)
  const authors = openTable(openStore(`file:${dir}/data/lake`), 'silver/authors')
  await driveReplay(page, 'silver.authors', async () =>
    commit(authors, { operation: 'DELETE', removes: [...(await authors.snapshot()).files.values()].slice(0, 1) }),
  )
  assert.deepEqual(problems, [])
  assert.equal(await up.stop(), 0, up.output())
})
