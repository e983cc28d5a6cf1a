import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openInbox } from '../../../lineage/shelves/inbox.ts'
import { look } from '../../e2e/pages.ts'
import { noChromium, openChromium, watchProblems } from '../../helpers/chromium.ts'
import { until } from '../../helpers/up.ts'
import { startApi } from '../helpers/api.ts'
import { book, genre, publishGold, review } from '../helpers/gold-lake.ts'

const day = (text: string) => Date.parse(text)
const mine = (id: string, rest: Record<string, unknown>) => ({ ...review(id, '2026-01-11', true), user_id: 'export-ann', ...rest })

test('My shelf: an export is dropped on the page, and once it is in Gold its statistics show', { skip: noChromium }, async (t) => {
  const { url, store, gold, folder } = await startApi(t)
  await publishGold(store, {
    dim_book: [book('1', { num_pages: 320, ratings_count: 7 }), book('2', { num_pages: 80 }), book('3')],
    dim_genre: [genre('fantasy', 'Fantasy')],
    fact_review: [
      mine('1', { shelves: ['read'], rating: 5, read_at: day('2025-06-01') }),
      mine('2', { shelves: ['read'], rating: 2, read_at: null, date_added: day('2024-03-01') }),
      mine('3', { shelves: ['to-read'] }),
    ],
  })
  await gold.refresh()
  const browser = await openChromium(t)
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  const problems = watchProblems(page, url)
  const text = async (selector: string) => String(await page.textContent(selector))

  await page.goto(new URL('/shelf', url).href)
  await until('the empty state', async () => (await text('#shelves')).includes('No shelf was added so far.'))
  await page.fill('#shelf-name', 'Ann')
  // A drop as the browser makes one: a file that came with the pointer.
  const dropped = await page.evaluateHandle(`(() => {
    const data = new DataTransfer()
    data.items.add(new File(['Book Id,Title\\r\\n1,One\\r\\n'], 'export.csv', { type: 'text/csv' }))
    return data
  })()`)
  // Beside the field, too.
  await page.dispatchEvent('#shelves', 'drop', { dataTransfer: dropped })
  await until(
    'the shelf',
    async () => (await page.locator('#shelves-table').count()) > 0 && (await text('#shelves-table')).includes('waiting'),
  )
  assert.match(page.url(), /id=export-ann/, 'the shelf is in the address')

  const inbox = openInbox(folder)
  const { request } = (await inbox.get('export-ann'))!
  await inbox.writeStatus('export-ann', {
    ...{ revision: request.revision, state: 'read', detail: null, counts: { books: 3, reviews: 3 }, unreadLines: 1, nextMs: null },
    ...{ ends: {}, readAt: new Date(Date.parse(gold.current()!.completeThrough!) - 1).toISOString() },
  })
  await until('the statistics', async () => (await page.locator('#shelf-books canvas').count()) > 0)
  assert.match(await text('#shelves-table'), /in Gold.*Not read for a broken quote: 1 line\./)
  assert.match(await text('#shelf-stats'), /2 books read, 400 pages; 1 to read/)
  assert.match(await text('#shelf-dates'), /1 book without the date read: the date added counts instead/)
  assert.match(await text('#to-read'), /3/)
  const latest = await text('#year-title')
  const other = (await page.locator('#year-choice option').allTextContents()).find((each) => !latest.startsWith(each))!
  await page.selectOption('#year-choice', other)
  await until('another year', async () => (await text('#year-title')) === `${other} in books`)
  await page.selectOption('#bucket', 'year')
  await until('figures by year', async () => (await text('#shelf-books-title')) === 'Books by year')
  await page.reload()
  await until('the choices to be kept', async () => (await text('#shelf-books-title')) === 'Books by year')
  assert.equal(await text('#year-title'), `${other} in books`)
  await look(page, 'shelf')
  assert.deepEqual(problems, [])

  await page.fill('#shelf-feed', 'https://evil.example/review/list_rss/1')
  await page.press('#shelf-feed', 'Enter')
  await until("the server's own words", async () => /goodreads\.com/.test(await text('#shelf-said')))
  await page.click('text=Remove')
  await until('no shelf', async () => (await text('#shelves')).includes('No shelf was added so far.'))
})
