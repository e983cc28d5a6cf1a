import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import { addKey } from '../../api/keys/store.ts'
import { openStore } from '../../lake/store/open.ts'
import { author, book, genre, publishGold, rating, review } from '../api/helpers/gold-lake.ts'
import { noChromium, openChromium, watchProblems } from '../helpers/chromium.ts'
import { startServe, tempDir, until } from '../helpers/up.ts'
import { look } from './pages.ts'

const longTitle = 'Donaudampfschifffahrtsgesellschaft'.repeat(6)
const gold = {
  dim_book: [book('1', { title: 'The Darkening' }), book('2', { title: longTitle }), book('50%/1', { title: 'ספר הלילה' })],
  dim_author: [author('a1', 'Ada Ahl')],
  dim_genre: [genre('fantasy', 'Fantasy'), genre('history', 'History')],
  fact_rating: ['1', '2', '50%/1'].flatMap((id, index) =>
    ['2025-11-02', '2026-01-10', '2026-02-03', null].map((day) => rating(id, index + 3, day, id === '2' ? 'history' : 'fantasy')),
  ),
  fact_review: [review('1', '2026-01-11', true), review('2', '2026-02-11', false)],
  agg_author_performance: [
    { author_id: 'a1', name: 'Ada Ahl', books: 3, primary_books: 3, ratings: 12, average_rating: 4, bayesian_rating: 4, reviews: 2 },
  ],
}
const textOf = async (page: Page, selector: string) => String(await page.textContent(selector))

/** A lake with nothing in it, and what tells a server where it is. */
const startLake = async (t: TestContext) => {
  const dir = await tempDir(t)
  const env = { READFLOW_DATA: path.join(dir, 'data'), LAKE_URL: `file:${path.join(dir, 'lake')}`, KAFKA_BROKERS: '' }
  const store = openStore(env.LAKE_URL)
  t.after(() => store.close())
  return { dir, env, store }
}

test('the page says what is missing, and goes on by itself once it is there: no Gold, a file of one chart, no server', {
  skip: noChromium,
}, async (t) => {
  const { dir, env, store } = await startLake(t)
  const serve = await startServe(t, env)
  const browser = await openChromium(t)
  const open = async (route: string) => {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage()
    await page.goto(new URL(route, serve.url).href)
    return page
  }

  const page = await open('/books/1')
  const problems = watchProblems(page, serve.url)
  await page.locator('#no-gold').waitFor()
  await page.click('nav.pages >> text=Books')
  await page.locator('#no-gold').waitFor()
  await look(page, 'no-gold')
  await publishGold(store, gold)
  await until('the charts, by themselves', async () => (await page.locator('canvas').count()) === 5)
  assert.deepEqual(problems, [])

  // Of books with other characters in their ids and titles; back to the filters one came from.
  await page.selectOption('#filter-genre', 'fantasy')
  await until('the chart of fantasy', async () => (await textOf(page, '#distribution-note')).startsWith('8 ratings'))
  await page.click('#top-books >> text=ספר הלילה')
  await until('the book', async () => /ספר הלילה · Books/.test(await page.title()))
  assert.equal(await page.evaluate('document.activeElement.id'), 'main', 'the keyboard is where the link led')
  assert.ok(page.url().endsWith('/books/50%25%2F1?genre=fantasy'), page.url())
  await page.locator('#stars canvas').waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#stars >> text=CSV')])
  assert.match(download.url(), /\/ratings\?version=\d+&format=csv$/)
  await page.click('text=All books')
  await until('the filter one came from', async () => (await page.inputValue('#filter-genre')) === 'fantasy')
  await page.goBack()
  await page.goBack()
  await page.goBack()
  await until('no filter', async () => (await page.inputValue('#filter-genre')) === '')
  await page.focus('#filter-from')
  for (const key of ['F', 'ArrowRight', '2', '0', '2', '6']) await page.keyboard.press(key)
  await until('the month that was typed', async () => page.url().endsWith('from=2026-02'))
  await page.click('text=Clear')
  await page.locator('#genres details').first().locator('summary').click()
  assert.match(await textOf(page, '#genres details'), /Jan 2026\s*2\s*1/, 'the series, period by period')
  await look(page, 'long-words')
  assert.deepEqual(problems, [])

  // The file that one chart reads.
  const files: string[] = []
  for await (const each of store.list('gold/fact_rating/')) files.push(each.path)
  const moved = path.join(dir, 'lake', files.find((each) => /2026-01.*fantasy.*parquet$/.test(each))!)
  await rename(moved, `${moved}.away`)
  const broken = await open('/books?genre=fantasy&language_code=en')
  await until('the chart that fails', async () => /parquet|data file|lake/i.test(await textOf(broken, '#authors .state-error')))
  await until('the others', async () => (await broken.locator('canvas').count()) === 4)
  await look(broken, 'one-chart-fails')
  await rename(`${moved}.away`, moved)
  await broken.locator('#authors canvas').waitFor()
  await broken.context().close()

  const sql = "SELECT title FROM gold_dim_book WHERE title LIKE '%dark%' OR title ILIKE '%dark%' OR title = 'a%20b+c&d'"
  const shared = await open(`/sql?${new URLSearchParams({ q: sql })}`)
  await until('the result of the link', async () => (await textOf(shared, '#result')).includes('The Darkening'))
  assert.equal((await textOf(shared, '.cm-content')).trim(), sql)
  await shared.reload()
  await until('the same after a reload', async () => (await textOf(shared, '#result')).includes('The Darkening'))
  assert.equal((await textOf(shared, '.cm-content')).trim(), sql)
  await shared.context().close()

  const late = await open('/books')
  await late.locator('canvas').first().waitFor()
  serve.child.kill('SIGKILL')
  await until('that nobody answers', async () => /does not answer.*The figures are from/.test(await textOf(page, '#notice')))
  assert.equal(await page.locator('canvas').count(), 5, 'what was seen last stands')
  await look(page, 'no-server')
  await late.click('nav.pages >> text=SQL')
  await late.click('text=Try again')
  await until('that it is still so', async () => /does not answer/.test(await textOf(late, '#broken-title + p')))
  await look(late, 'no-code')
  const again = await startServe(t, env, ['--port', new URL(serve.url).port])
  assert.equal(again.url, serve.url)
  await until('the figures to be live again', async () => /^Gold version/.test(await textOf(page, '#live-text')))
  assert.ok(await page.locator('#notice').isHidden())
  await late.click('text=Try again')
  await late.locator('.cm-content').waitFor()
})

test('where keys are asked for the page takes one, says what it is for, and takes another', { skip: noChromium }, async (t) => {
  const { env, store } = await startLake(t)
  await publishGold(store, gold)
  const keyOf = async (...scopes: ('read' | 'sql' | 'write')[]) =>
    (await addKey(env.READFLOW_DATA, { name: `for ${scopes.join(' and ')}`, scopes })).text
  // One after the other: each is added to the same file.
  const keys = { sql: await keyOf('sql'), read: await keyOf('read'), all: await keyOf('read', 'sql', 'write') }
  const locked = await startServe(t, { ...env, READFLOW_AUTH: 'on' })
  const guest = await (await openChromium(t)).newPage({ viewport: { width: 1280, height: 900 } })
  await guest.goto(new URL('/books', locked.url).href)
  const signIn = async (key: string) => {
    await guest.fill('#key', key)
    await guest.press('#key', 'Enter')
  }
  await guest.locator('#key').waitFor()
  assert.equal(await textOf(guest, '#live-text'), 'Not signed in')
  await look(guest, 'sign-in')
  await signIn('rf_nothing')
  await until('that the key is not known', async () => /not known here/.test(await textOf(guest, '#sign-in-error')))
  await signIn(keys.sql)
  await until('that it may not read', async () => /The key is for sql, and this needs read/.test(await textOf(guest, 'main')))
  await look(guest, 'another-key')
  await signIn(keys.read)
  await guest.locator('canvas').first().waitFor()
  assert.match(await textOf(guest, '#session'), /Signed in with the key for read, for read/)
  await guest.evaluate("history.pushState(null, '', '/nowhere')")
  await guest.locator('#not-found-title').waitFor()
  await look(guest, 'not-found')
  await guest.goto(new URL('/sql', locked.url).href)
  await guest.locator('#run').click()
  await until('that it may not ask SQL', async () => /--scopes read,sql/.test(await textOf(guest, 'main')))
  await guest.click('text=Use another key')
  await guest.locator('#key').waitFor()
  await signIn(keys.all)
  await until('the key with all', async () => /read, sql, write/.test(await textOf(guest, '#session')))
})
