import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDataset } from '../../../producers/sources/dataset/dataset.ts'
import type { Position, SourceBatch } from '../../../producers/sources/source.ts'
import { createLog } from '../../../runtime/log.ts'

const books = `book_id,goodreads_book_id,work_id,books_count,isbn,isbn13,authors,original_publication_year,original_title,title,language_code,average_rating,ratings_count,work_ratings_count,work_text_reviews_count,ratings_1,ratings_2,ratings_3,ratings_4,ratings_5,image_url
1,500,9,2,439023483,9.78043902348e+12,"Ann Author, Émile Zola",-750.0,Old,"A, Book",eng,4.5,10,12,3,1,2,3,4,2,http://x
2,501,10,1,,,Ann Author,,,Second,,5,1,1,0,0,0,0,0,1,
`
const folder = async (t: TestContext, files: Record<string, string>) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-dataset-'))
  t.after(() => rm(dir, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(dir, name), text)
  return dir
}
const goodbooks = {
  'books.csv': books,
  'ratings.csv': 'user_id,book_id,rating\n7,1,5\n8,2,3\n8,99,4\n',
  'tags.csv': 'tag_id,tag_name\n1,fantasy\n2,to-read\n',
  'book_tags.csv': 'goodreads_book_id,tag_id,count\n500,1,5\n500,2,9\n',
}

const pollAll = async (dir: string, position: Position | null = null): Promise<SourceBatch[]> => {
  const source = await openDataset(dir)
  const batches: SourceBatch[] = []
  const context = { pollId: 'p', signal: new AbortController().signal, log: createLog('test', 'error'), nowMs: () => 0 }
  for await (const batch of source.poll(position, context)) batches.push(batch)
  return batches
}
const valuesOf = (batches: SourceBatch[], entity: string) =>
  batches.flatMap(({ records }) =>
    records.filter((record) => record.entity === entity).map(({ value }) => value as unknown as Record<string, unknown>),
  )

test('books keep what was delivered, with authors by name and shelves by GoodReads id', async (t) => {
  const batches = await pollAll(await folder(t, goodbooks))
  const [first, second] = valuesOf(batches, 'books')
  assert.equal(first?.['book_id'], '500')
  assert.equal(first?.['isbn'], '439023483')
  assert.equal(first?.['isbn13'], '9.78043902348e+12')
  assert.equal(first?.['original_publication_year'], -750)
  assert.equal(first?.['title'], 'A, Book')
  assert.deepEqual(first?.['authors'], [
    { author_id: 'name:ann-author', name: 'Ann Author', role: null },
    { author_id: 'name:emile-zola', name: 'Émile Zola', role: null },
  ])
  assert.deepEqual(first?.['shelves'], [
    { name: 'to-read', count: 9 },
    { name: 'fantasy', count: 5 },
  ])
  assert.deepEqual(first?.['extra'], { book_id: '1' })
  assert.equal(second?.['language_code'], null)
  assert.deepEqual(second?.['shelves'], [])
  assert.deepEqual(
    valuesOf(batches, 'authors').map((author) => author['author_id']),
    ['name:ann-author', 'name:emile-zola'],
  )
})

test('ratings name books by GoodReads id; one of a book that is not there keeps its number', async (t) => {
  const ratings = valuesOf(await pollAll(await folder(t, goodbooks)), 'ratings')
  assert.deepEqual(
    ratings.map(({ user_id, book_id, rating, rated_at }) => [user_id, book_id, rating, rated_at]),
    [
      ['goodbooks-7', '500', 5, null],
      ['goodbooks-8', '501', 3, null],
      ['goodbooks-8', 'goodbooks-99', 4, null],
    ],
  )
})

test('an interrupted read goes on; one that reached the end starts over', async (t) => {
  const dir = await folder(t, goodbooks)
  const rest = await pollAll(dir, { phase: 'ratings', row: 2 })
  assert.deepEqual(
    rest.flatMap(({ records }) => records.map(({ entity }) => entity)),
    ['ratings'],
  )
  const last = rest.at(-1)?.position ?? null
  assert.equal(valuesOf(await pollAll(dir, last), 'ratings').length, 3)
})

test('a folder without the files, a column that is missing and a broken line are each named', async (t) => {
  await assert.rejects(openDataset(await folder(t, {})), /no books\.csv in .*/)
  await assert.rejects(
    pollAll(await folder(t, { ...goodbooks, 'ratings.csv': 'user,book\n1,2\n' })),
    /ratings\.csv has no column user_id, book_id, rating/,
  )
  await assert.rejects(
    pollAll(await folder(t, { ...goodbooks, 'ratings.csv': 'user_id,book_id,rating\n1,2\n' })),
    /ratings\.csv can not be read: .*line 2/,
  )
})
