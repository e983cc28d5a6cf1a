import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { z } from 'zod'
import { lakeRoutes } from '../../api/routes/routes.ts'
import { until } from '../helpers/up.ts'

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** Kept for whoever wants to look at what a run saw. */
const artefacts = fileURLToPath(new URL('../../.readflow-screens', import.meta.url))

/** What axe finds that is serious or worse. */
const seriousFindings = async (page: Page): Promise<string[]> => {
  // By the debugger's own way: the page's policy allows no script but its own.
  await page.evaluate(await readFile(axeFile, 'utf8'))
  return page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')))`)
}

/** Looks at a page at both widths, in light and dark: nothing sticks out, nothing bars anybody from it. */
export const look = async (page: Page, name: string) => {
  await mkdir(artefacts, { recursive: true })
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 900 })
      await until(
        `${name} to fit ${width} pixels`,
        async () => ((await page.evaluate('document.documentElement.scrollWidth')) as number) <= width,
      )
      await page.screenshot({ path: `${artefacts}/${name}-${width}-${scheme}.png`, fullPage: true })
      assert.deepEqual(await seriousFindings(page), [], `${name} at ${width} pixels in ${scheme}`)
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 })
}

const textOf = async (page: Page, selector: string) => String(await page.textContent(selector))
const go = async (page: Page, url: string, path: string) => page.goto(new URL(path, url).href)

/** Holds the answers of the routes over the lake to what the document says of them, on data that is live. */
export const answersAreAsDocumented = async (url: string): Promise<void> => {
  for (const { path, answer } of lakeRoutes.filter((route) => !route.path.includes('{'))) {
    const response = await fetch(new URL(path, url))
    assert.equal(response.status, 200, path)
    const parsed = z.strictObject(answer.shape).safeParse(await response.json())
    assert.ok(parsed.success, `${path}: ${parsed.error?.message}`)
  }
}

/** Drives each page of a sandbox that lives, with something that a person does on each. */
export const drivePages = async (page: Page, url: string): Promise<void> => {
  await page.click('nav.pages >> text=Books')
  await until('the charts', async () => (await page.locator('canvas').count()) >= 4)
  const all = await textOf(page, '#distribution-note')
  await page.selectOption('#filter-genre', 'fantasy')
  await until('the charts to be of fantasy', async () => (await textOf(page, '#distribution-note')) !== all)
  assert.match(page.url(), /genre=fantasy/, 'the filter is in the address')
  await page.reload()
  await until('the filter to be kept', async () => (await page.inputValue('#filter-genre')) === 'fantasy')
  const sql = page.locator('#genres details.sql')
  await sql.locator('summary').click()
  assert.match(String(await sql.textContent()), /genre = 'fantasy'/)
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#genres >> text=CSV')])
  assert.match(await readFile(await download.path(), 'utf8'), /^period,key,name,ratings,average\r\n\d{4}-\d{2},fantasy,/)
  await page.selectOption('#filter-genre', '')
  await page.locator('#reviews canvas').click()
  await until('the month that was clicked', async () => /from=\d{4}-\d{2}&to=\d{4}-\d{2}/.test(page.url()))
  await page.locator('#genres details').first().locator('summary').click()
  await page.getByRole('button', { name: 'Fantasy', exact: true }).last().press('Enter')
  await until('the genre of that row', async () => (await page.inputValue('#filter-genre')) === 'fantasy')
  await look(page, 'books')
  await page.click('#top-books tbody a >> nth=0')
  await until('the book', async () => (await textOf(page, '#versions')).includes('now'))
  await look(page, 'book')
  const title = (await textOf(page, '#book-title')).split(' ').slice(0, 2).join(' ')
  await page.click('text=All books')
  await page.fill('#search', title)
  await page.press('#search', 'Enter')
  await until('what is found', async () => (await textOf(page, '#found')).includes(title))

  await page.click('nav.pages >> text=Pipeline')
  await until('the flow', async () => /Kafka.*offsets/.test(await textOf(page, '.flow')))
  await page.selectOption('#runs-kind', 'build')
  await until('the builds', async () => (await page.locator('#runs tbody tr').count()) > 1)
  const book = (await (await fetch(new URL('/v1/books?limit=1', url))).json()) as { books: { book_id: string }[] }
  await page.fill('#lineage-key', book.books[0]!.book_id)
  await page.click('#lineage >> text=Trace')
  await until('where it came from', async () => /Kafka goodreads\.books partition/.test(await textOf(page, '#lineage')))
  await page.click('#gate-history-title')
  await until('that nothing has held Gold', async () => /Nothing has held Gold/.test(await textOf(page, '#gate-history')))
  assert.match(page.url(), /runs=build/, 'what is chosen is in the address')
  await page.reload()
  await until('the same builds', async () => (await page.inputValue('#runs-kind')) === 'build')
  await until('the same trace', async () => /Kafka goodreads\.books partition/.test(await textOf(page, '#lineage')))
  await look(page, 'pipeline')

  await page.click('nav.pages >> text=Topics')
  await page.locator('#topics tbody tr').first().waitFor()
  await look(page, 'topics')
  await page.click('#topics >> text=goodreads.ratings')
  await until('messages', async () => (await page.locator('#records tbody tr').count()) > 5)
  await page.locator('#records details.record summary').first().click()
  assert.match(await textOf(page, '#records details.record[open]'), /"rating": \d/)
  await look(page, 'topic')
  const newest = String(await page.locator('#records tbody time').first().getAttribute('datetime'))
  await page.fill(
    '#record-time',
    (await page.evaluate(
      `new Date(Date.parse('${newest}') - new Date('${newest}').getTimezoneOffset() * 60000 + 3600000).toISOString().slice(0, 19)`,
    )) as string,
  )
  await page.click('#records >> text=Show')
  await until('nothing of an hour from now', async () => /No message is there/.test(await textOf(page, '#records')))
  assert.match(page.url(), /timestamp=\d{4}-\d{2}-\d{2}T[\d%A:]+\.000Z/)
  await page.click('#live-tail')
  await until('a live message', async () => (await page.locator('#records tbody tr').count()) > 0, 60_000)
  await page.click('#live-tail')

  await page.click('nav.pages >> text=Dead letters')
  await page.click('#reasons a >> nth=0')
  await until('a letter', async () => /A redrive.*Publishes its own key/.test(await textOf(page, '#letters')))
  await look(page, 'dead-letters')
  await page.click('#act-all >> text=What would a redrive rescue?')
  await until(
    'what a redrive would do',
    async () => /would be sent again; nothing was changed/.test(await textOf(page, '#act-all')),
    120_000,
  )
  const refused = String(await page.locator('#letters .letter h3').first().textContent())
  await page.locator('#letters .letter').first().locator('text=Discard it…').click()
  await page.locator('#letters .letter').first().locator('input').fill('tried out')
  await page.locator('#letters .letter').first().locator('button[type=submit]').click()
  await until('the discard', async () => /1 letter discarded/.test(await textOf(page, '#letters')), 120_000)
  await page.selectOption('#letters-state', 'discarded')
  await until('it on record', async () => /by api: tried out/.test(await textOf(page, '#letters')))
  assert.ok((await textOf(page, '#letters')).includes(refused.split(' ')[0]!))
  await page.selectOption('#letters-state', 'open')
  await page.locator('#letters .letter').first().locator('text=Redrive it').click()
  await until('a redrive', async () => /1 letter sent again/.test(await textOf(page, '#letters')), 120_000)
  await look(page, 'dead-letters-redriven')

  await page.click('nav.pages >> text=SQL')
  await page.locator('.cm-content').waitFor()
  await page.click('.cm-content')
  await page.keyboard.press('Control+a')
  // First, as Chromium itself styles what is typed over other text, which the page's policy refuses with a message.
  await page.keyboard.press('Delete')
  await page.keyboard.type('SELECT verdict, count(*) AS checks FROM checks GROUP BY verdict')
  await page.keyboard.press('Control+Enter')
  await until('the result', async () => (await textOf(page, '#result')).includes('pass'))
  assert.match(page.url(), /q=SELECT\+verdict/, 'the address is a link to it')
  await look(page, 'sql')
  await go(page, url, `/sql?${new URLSearchParams({ q: "SELECT 'a' AS name, 1 AS n UNION ALL SELECT 'b', 2" })}`)
  await until('the result of a link', async () => /2 rows/.test(await textOf(page, '#result-note')))
  await page.selectOption('#chart-type', 'bar')
  await page.locator('section[aria-labelledby="result-title"] canvas').waitFor()
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('#result-csv')])
  assert.equal(await readFile(await file.path(), 'utf8'), 'name,n\r\na,1\r\nb,2\r\n')
  assert.match(String(await page.locator('#history option').nth(1).textContent()), /^SELECT 'a' AS name/)
  await page.click('.cm-content')
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  await page.keyboard.type('SELEC')
  await page.click('#run')
  await until('what is wrong', async () => /syntax error/.test(await textOf(page, 'section[aria-labelledby="result-title"]')))
}

/** Replays a table on the Pipeline page: the difference first, then swapped in, and taken back. `lose` takes rows out of it. */
export const driveReplay = async (page: Page, table: string, lose: () => Promise<unknown>): Promise<void> => {
  await page.click('nav.pages >> text=Pipeline')
  await page.click('#replay-new')
  await page.selectOption('#replay-table', table)
  await until('from where to where', async () => (await page.locator('#replay-bounds tbody tr').count()) > 1)
  await until('earliest filled in', async () => /^\d{4}-\d{2}-\d{2}T/.test(await page.inputValue('#replay-from')))
  await page.selectOption('#replay-partition', '1')
  await until('offsets of a partition', async () => /^\d+$/.test(await page.inputValue('#replay-to')))
  assert.equal(await page.inputValue('#replay-from'), '0')
  await page.selectOption('#replay-partition', '')
  const says = (what: string, text: RegExp) => until(what, async () => text.test(await textOf(page, '#replay .outcome')), 180_000)
  await page.fill('#replay-from', 'soon')
  await page.click('text=Show the difference')
  await says('what is wrong', /'soon' is no offset, no time/)
  await page.fill('#replay-from', 'earliest')
  await lose()
  await page.click('text=Show the difference')
  await says('the difference', /compared \(rows: [1-9]\d* added, 0 removed, .*the table is as it was/)
  await look(page, 'replay')
  await page.click('text=Replay and swap in')
  await says('the swap', /: version \d+ \(rows: [1-9]\d* added/)
  await page.click('text=Take it back')
  await says('that it is taken back', /taken back as version \d+/)
  await until('both on record', async () => /rollback.*swapped as version.*swapped as version/s.test(await textOf(page, '#replays')))
}
