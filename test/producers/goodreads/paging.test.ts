import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idsOf, NOW_MS, openWorld, type WorldReview } from './world.ts'

const HOUR_MS = 3_600_000
/** Reviews 1 … count of a reader, each an hour newer than the one before, of the books 101 …. */
const reviewsOf = (user: number, count: number): WorldReview[] =>
  Array.from({ length: count }, (_, index) => ({
    id: user * 100 + index + 1,
    user,
    book: 101 + index,
    updatedMs: NOW_MS - (count - index) * HOUR_MS,
  }))
const idsFrom = (user: number, ...numbers: number[]) => numbers.map((number) => String(user * 100 + number))

test('a later poll stops paging where a page holds nothing new', async (t) => {
  const { poll, world, asked } = await openWorld(t, { reviews: reviewsOf(1, 30) }, { userIds: ['1'] })
  await poll()
  asked()
  world.reviews.push({ id: 131, user: 1, book: 131, updatedMs: NOW_MS })
  const { records } = await poll()
  assert.deepEqual(idsOf(records, 'reviews'), ['131'])
  assert.deepEqual(
    asked()
      .filter((path) => path.includes('/list/'))
      .map((path) => new URL(path, 'http://x').searchParams.get('page')),
    ['1', '2'],
  )
})

const lies: Record<string, (reviews: WorldReview[], page: number) => { shown: WorldReview[]; range: string }> = {
  'past the end says 0 to 0, and its total is too large': (reviews, page) => {
    const shown = reviews.slice((page - 1) * 3, page * 3)
    return { shown, range: shown.length > 0 ? `start="${page * 3 - 2}" end="${page * 3}" total="1000"` : 'start="0" end="0" total="1000"' }
  },
  'repeats its last page for ever': (reviews, page) => {
    const last = Math.ceil(reviews.length / 3)
    const shown = reviews.slice((Math.min(page, last) - 1) * 3, Math.min(page, last) * 3)
    return { shown, range: `start="${page * 3 - 2}" end="${page * 3}" total="1000"` }
  },
  'holds fewer entries than it claims': (reviews, page) => {
    const shown = reviews.slice((page - 1) * 2, page * 2)
    return { shown, range: `start="${page * 3 - 2}" end="${Math.min(page * 3, 11)}" total="12"` }
  },
  'says nothing about itself': (reviews, page) => ({ shown: reviews.slice((page - 1) * 3, page * 3), range: '' }),
}
for (const [lie, page] of Object.entries(lies)) {
  test(`a list that ${lie} is read to its end, once`, async (t) => {
    const { poll, asked } = await openWorld(t, { reviews: reviewsOf(1, 8), page }, { userIds: ['1'] })
    const { records } = await poll()
    assert.deepEqual(idsOf(records, 'reviews'), idsFrom(1, 1, 2, 3, 4, 5, 6, 7, 8))
    assert.ok(asked().filter((path) => path.includes('/list/')).length <= 5)
    assert.deepEqual(idsOf((await poll()).records, 'reviews'), [])
  })
}
