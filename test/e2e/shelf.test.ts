import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startUp, tempDir } from '../helpers/up.ts'

const header =
  'Book Id,Title,Author,My Rating,Average Rating,Number of Pages,Date Read,Date Added,Bookshelves,Exclusive Shelf,My Review\r\n'
const rows = [
  '1000000001,One,Ann Author,5,4.1,300,2021/03/04,2021/01/01,fantasy,read,Good.',
  '1000000002,Two,Ann Author,2,4.0,100,,2021/05/06,"fantasy, owned",read,',
  '1000000003,Three,Bo Li,0,3.5,,,2022/01/01,to-read,to-read,',
  ',Nameless,Bo Li,0,3.5,,,2022/01/01,,read,',
]

test('an export that is dropped while everything runs comes through the pipeline into Gold, and its update changes what changed', async (t) => {
  const dir = await tempDir(t)
  const up = await startUp(t, [
    '--data',
    path.join(dir, 'data'),
    '--source',
    'synthetic:ratings=50,seed=1',
    '--flush-interval',
    '1s',
    '--build-interval',
    '1s',
  ])
  const ask = async (route: string, init?: RequestInit) => {
    const response = await fetch(new URL(route, up.url), init)
    // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
    const body = response.status === 204 ? null : ((await response.json()) as any)
    return { status: response.status, body }
  }
  const drop = (lines: string[]) =>
    ask('/v1/shelves?name=Ann', { method: 'POST', headers: { 'content-type': 'text/csv' }, body: header + lines.join('\r\n') })
  const until = async (what: string, isTrue: (body: Record<string, unknown>) => boolean) => {
    const deadlineMs = Date.now() + 90_000
    for (;;) {
      const { body } = await ask('/v1/shelves/export-ann')
      if (isTrue(body)) return body
      assert.ok(Date.now() < deadlineMs, `${what}: ${JSON.stringify(body)}`)
      await wait(300)
    }
  }
  const reviews = async () => {
    const { body } = await ask('/v1/reviews?user_id=export-ann')
    return new Map<string, number | null>(
      body.reviews.map((each: { book_id: string; rating: number | null }) => [each.book_id, each.rating]),
    )
  }

  assert.equal((await drop(rows)).status, 201)
  const read = await until('read and in Gold', ({ state, in_gold }) => state === 'read' && in_gold === true)
  assert.deepEqual(read['counts'], { books: 4, authors: 2, reviews: 4, ratings: 2 })
  assert.deepEqual([...(await reviews())].sort(), [
    ['1000000001', 5],
    ['1000000002', 2],
    ['1000000003', null],
  ])

  const { body: stats } = await ask('/v1/shelves/export-ann/stats')
  assert.deepEqual([stats.books.read, stats.books.to_read, stats.pages], [2, 1, 400])
  assert.deepEqual(stats.dates, { read: 1, added_instead: 1, none: 0 })
  assert.equal(stats.year_in_books.longest.title, 'One')
  assert.equal(stats.genres[0].genre, 'fantasy')
  assert.equal(stats.authors[0].name, 'Ann Author')

  const silverRows = async () => {
    const { body } = await ask('/v1/sql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: "SELECT count(*) AS rows FROM silver_reviews_history WHERE user_id = 'export-ann'" }),
    })
    return body.rows[0].rows
  }
  assert.equal(await silverRows(), 3)
  assert.equal((await drop([...rows.slice(0, 1), rows[1]!.replace(',2,4.0', ',4,4.0'), ...rows.slice(2)])).status, 200)
  await until('the update in Gold', ({ state, in_gold }) => state === 'read' && in_gold === true)
  assert.equal((await reviews()).get('1000000002'), 4)
  assert.equal(await silverRows(), 4, 'what did not change is a repeat')
  const contracts = (await ask('/v1/contracts/reviews')).body
  assert.match(JSON.stringify(contracts), /"book_id-missing"/)
  assert.equal((await ask('/v1/shelves/export-ann', { method: 'DELETE' })).status, 204)
  assert.equal((await reviews()).size, 3)
})
