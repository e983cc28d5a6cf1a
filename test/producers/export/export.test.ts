import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { openExport } from '../../../producers/sources/export/export.ts'
import type { Position, SourceBatch } from '../../../producers/sources/source.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { createLog } from '../../../runtime/log.ts'
import type { Records } from '../../../schemas/records.ts'
import { testData } from '../../helpers/test-data.ts'

const header24 =
  'Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,Publisher,Binding,Number of Pages,Year Published,Original Publication Year,Date Read,Date Added,Bookshelves,Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,Private Notes,Read Count,Owned Copies'
const header31 = header24.replace(
  'Read Count,Owned Copies',
  'Read Count,Recommended For,Recommended By,Owned Copies,Original Purchase Date,Original Purchase Location,Condition,Condition Description,BCID',
)
const rated =
  '77,"Tides (Coast, #2)",Ann Author,"Author, Ann","Émile  Zola, Bo Li","=""0465023932""","=""9780465023936""",4,3.9,Press,Paperback,210,2005,-750,2021/03/04,2020/12/27,"sea, to-own","sea (#1), to-own (#2)",read,"Good.<br/>""Very"", good",true,note,2,1'

const fileOf = async (t: TestContext, content: string | Uint8Array, name = 'my library.csv') => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-export-'))
  t.after(() => rm(dir, { recursive: true }))
  await writeFile(path.join(dir, name), content)
  return path.join(dir, name)
}
const pollAll = async (file: string, options: { user?: string; position?: Position } = {}) => {
  const brokenLines: number[] = []
  const source = await openExport({ file, user: options.user, onBrokenLine: (line) => brokenLines.push(line) })
  const context = { pollId: 'p', signal: new AbortController().signal, log: createLog('test', 'error'), nowMs: () => 0 }
  const batches: SourceBatch[] = []
  for await (const batch of source.poll(options.position ?? null, context)) batches.push(batch)
  const of = <N extends keyof Records>(entity: N) =>
    batches.flatMap(({ records }) => records.filter((record) => record.entity === entity).map(({ value }) => value as Records[N]))
  const deletions = batches.flatMap((batch) => batch.deletions ?? [])
  return { batches, deletions, brokenLines, books: of('books'), authors: of('authors'), reviews: of('reviews'), ratings: of('ratings') }
}

test('a row is a book with its authors by name, a review and a rating', async (t) => {
  const { books, authors, reviews, ratings } = await pollAll(await fileOf(t, `\uFEFF${header24}\r\n${rated}\r\n`))
  const [book] = books
  assert.equal(book?.book_id, '77')
  assert.equal(book?.title, 'Tides (Coast, #2)')
  assert.deepEqual([book?.isbn, book?.isbn13], ['0465023932', '9780465023936'])
  assert.deepEqual([book?.average_rating, book?.num_pages, book?.format], [3.9, 210, 'Paperback'])
  assert.deepEqual([book?.publication_year, book?.original_publication_year], [2005, -750])
  assert.deepEqual(book?.extra, { 'Author l-f': 'Author, Ann' })
  assert.deepEqual(
    book?.authors.map(({ author_id, name }) => [author_id, name]),
    [
      ['name:ann-author', 'Ann Author'],
      ['name:emile-zola', 'Émile Zola'],
      ['name:bo-li', 'Bo Li'],
    ],
  )
  assert.deepEqual(
    authors.map(({ author_id }) => author_id),
    ['name:ann-author', 'name:emile-zola', 'name:bo-li'],
  )
  const [review] = reviews
  assert.deepEqual([review?.review_id, review?.user_id], ['export-my-library:77', 'export-my-library'])
  assert.equal(review?.body, 'Good.<br/>"Very", good')
  assert.deepEqual(review?.shelves, ['read', 'sea', 'to-own'])
  assert.equal(review?.read_at, Date.UTC(2021, 2, 4))
  assert.equal(review?.date_added, Date.UTC(2020, 11, 27))
  assert.equal(review?.date_updated, null)
  assert.deepEqual([review?.rating, review?.has_spoiler, review?.read_count, review?.owned], [4, true, 2, 1])
  assert.deepEqual(review?.extra, { 'Bookshelves with positions': 'sea (#1), to-own (#2)', 'Private Notes': 'note' })
  assert.deepEqual(ratings, [
    { user_id: 'export-my-library', book_id: '77', rating: 4, rated_at: null, review_id: 'export-my-library:77', extra: {} },
  ])
})

test('the layout of 31 columns with bare ISBNs, unrated books, unknown columns and missing ones', async (t) => {
  const old = `${header31}\n8,"Geeks",Al Bo,"Bo, Al","",="160486530X",="9781604865301",0,"3.62","H","Hard","0",2009,,,2012/07/16,"","","to-read","","","","","me","you",0,2011/01/02,,,,b1\n`
  const first = await pollAll(await fileOf(t, old))
  assert.deepEqual([first.books[0]?.isbn, first.books[0]?.isbn13, first.books[0]?.num_pages], ['160486530X', '9781604865301', null])
  assert.deepEqual([first.reviews[0]?.rating, first.reviews[0]?.recommended_for, first.reviews[0]?.recommended_by], [null, 'me', 'you'])
  assert.deepEqual(first.reviews[0]?.extra, { 'Original Purchase Date': '2011/01/02', BCID: 'b1' })
  assert.deepEqual(first.reviews[0]?.shelves, ['to-read'])
  assert.deepEqual(first.ratings, [])

  const few = await pollAll(await fileOf(t, 'book_id;TITLE;Genres;date read\n9;Ort;"a, b";2020\n10;Zeit\n'))
  assert.deepEqual(
    few.books.map(({ book_id, title }) => [book_id, title]),
    [
      ['9', 'Ort'],
      ['10', 'Zeit'],
    ],
  )
  assert.deepEqual(few.reviews[0]?.extra, { Genres: 'a, b', 'date read': '2020' })
})

test('a broken quote costs its own line, and a text with line breaks is one cell', async (t) => {
  const lines = [
    'Book Id,Title,My Review',
    '1,One,"two\n3,lines"',
    '2,"never closed,x',
    '3,A 12" ruler,y',
    '4,"say "hi" there",z',
    '5,Five,"fine"',
  ]
  const { books, reviews, brokenLines } = await pollAll(await fileOf(t, lines.join('\n')))
  assert.deepEqual(
    books.map(({ book_id }) => book_id),
    ['1', '3', '4', '5'],
  )
  assert.equal(books[1]?.title, 'A 12" ruler')
  assert.equal(reviews[0]?.body, 'two\n3,lines')
  assert.deepEqual(brokenLines, [4])
})

test('a row without a Book Id is published for a dead letter, and the others are read', async (t) => {
  const { books, reviews, ratings } = await pollAll(await fileOf(t, 'Book Id,Title,My Rating\n,Nameless,5\n6,Six,5\n'))
  assert.deepEqual(
    books.map(({ book_id, title }) => [book_id, title]),
    [
      ['', 'Nameless'],
      ['6', 'Six'],
    ],
  )
  assert.equal(reviews[0]?.book_id, null)
  assert.deepEqual(
    ratings.map(({ book_id }) => book_id),
    ['', '6'],
  )
})

test('what is no export is said in one line', async (t) => {
  await assert.rejects(pollAll(await fileOf(t, '<!DOCTYPE html><html>\n<p>Sign in</p>')), /no column 'Book Id'/)
  await assert.rejects(pollAll(await fileOf(t, '')), /is empty/)
  await assert.rejects(pollAll(await fileOf(t, Buffer.from([0x50, 0x4b, 3, 4, 0, 0, 0xff, 0xfe, 0x22, 10, 1]))), /no column 'Book Id'/)
  await assert.rejects(pollAll(await fileOf(t, 'x'.repeat(3 * 1024 * 1024))), /line 1 has more than 1048576 characters/)
  await assert.rejects(openExport({ file: '/nowhere/x.csv' }), /There is no file \/nowhere\/x\.csv/)
  await assert.rejects(openExport({ file: await fileOf(t, header24), user: '..' }), /neither letters nor digits/)
})

test('a spreadsheet saved as UTF-16 with tabs is read', async (t) => {
  const text = Buffer.from(`\uFEFFBook Id\tTitle\r\n5\tЖелеза\r\n`, 'utf16le')
  assert.equal((await pollAll(await fileOf(t, text))).books[0]?.title, 'Железа')
})

test('an interrupted read goes on where it was; another file under its name starts over', async (t) => {
  const rows = Array.from({ length: 1500 }, (_, row) => `${row + 1},Title ${row + 1}`)
  const file = await fileOf(t, ['Book Id,Title', ...rows].join('\n'))
  const whole = await pollAll(file, { user: 'Ann B.' })
  assert.equal(whole.books.length, 1500)
  assert.equal(whole.reviews[0]?.user_id, 'export-ann-b')
  const position = whole.batches[0]!.position
  const rest = await pollAll(file, { position })
  assert.equal(rest.books.length, 500)
  assert.equal(rest.books[0]?.book_id, '1001')
  assert.equal((await pollAll(file, { position: whole.batches.at(-1)!.position })).books.length, 1500)
  await utimes(file, 1, 1)
  assert.equal((await pollAll(file, { position })).books.length, 1500)
})

test('what an update has no more is deleted, once; where a line could not be read nothing is', async (t) => {
  const file = await fileOf(t, 'Book Id,My Rating\n1,5\n2,4\n3,0\n', 'a.csv')
  const first = await pollAll(file)
  assert.deepEqual(first.deletions, [])
  const update = async (csv: string, position: Position) => {
    await writeFile(file, csv)
    const { deletions, batches } = await pollAll(file, { position })
    return { gone: deletions.map(({ entity, key }) => `${entity} ${key}`), position: batches.at(-1)!.position }
  }
  const broken = await update('Book Id,My Rating\n1,"5\n2,4\n', first.batches.at(-1)!.position)
  assert.deepEqual(broken.gone, [])
  assert.deepEqual((await update('Book Id,My Rating\n', broken.position)).gone, [])
  const less = await update('Book Id,My Rating\n1,0\n2,4\n', broken.position)
  assert.deepEqual(less.gone, ['reviews export-a:3', 'ratings export-a:1'])
  assert.deepEqual((await update('Book Id,My Rating\n2,4\n', less.position)).gone, ['reviews export-a:1'])
})

test('whatever the file holds, it is read or refused in one line', async (t) => {
  const part = fc.oneof(
    fc.constantFrom('Book Id,Title', '\n', '\r\n', '"', '""', ',', '=', '="', '1', 'x', '\uFEFF', '\0', rated, header24),
    fc.string({ unit: 'binary', maxLength: 5 }),
  )
  const content = fc.oneof(
    fc.array(part, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
    fc.array(part, { maxLength: 30 }).map((parts) => Buffer.from(`Book Id,Title,My Review\n${parts.join('')}`)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  )
  const file = await fileOf(t, '')
  await fc.assert(
    fc.asyncProperty(content, async (bytes) => {
      await writeFile(file, bytes)
      const read = await pollAll(file).catch((error) => error)
      if (read instanceof Error) assert.ok(read instanceof ReadflowError && read.code === 'source-invalid', String(read))
      else for (const { book_id } of read.books) assert.equal(typeof book_id, 'string')
    }),
    { numRuns: 300 },
  )
})

test('real exports', { skip: testData('exports').skip }, async () => {
  const dir = testData('exports').path
  const first = await pollAll(path.join(dir, 'library_export_1.csv'), { user: 'a' })
  assert.deepEqual(
    first.books.map(({ book_id }) => book_id),
    ['13554058', '18393961', '12465593', '23158207', '6779', '34506', '386372'],
  )
  assert.equal(first.ratings.length, 6)
  assert.equal(first.books[1]?.isbn13, '9785170774845')
  const second = await pollAll(path.join(dir, 'library_export_2.csv'), { user: 'a' })
  const changed = second.reviews.filter((review, index) => JSON.stringify(review) !== JSON.stringify(first.reviews[index]))
  assert.deepEqual(
    changed.map(({ review_id }) => review_id),
    ['export-a:18393961'],
  )
})

test('an export that a spreadsheet saved is read as it was meant', async (t) => {
  const header = 'Book Id,Title,My Rating,My Rating,Date Read,Date Added,Genres,Genres,Exclusive Shelf'
  const rows = ['1,Café,4,2,3/4/2021,12/25/2019,a,b,read', '2,Zwei,3,,12/5/19,1/2/2020,,,read', '1.35541E+07,Drei,5,,,2/3/2020,,,read']
  const saved = (text: string) => Buffer.from(text, 'latin1')
  const { books, reviews, ratings } = await pollAll(await fileOf(t, saved(`sep=,\r\n${header}\r\n${rows.join('\r\n')}\r\n`)))
  assert.deepEqual(
    books.map(({ book_id, title }) => [book_id, title]),
    [
      ['1', 'Café'],
      ['2', 'Zwei'],
      ['', 'Drei'],
    ],
    'bytes that are no UTF-8 are windows-1252; a rounded id is none',
  )
  assert.equal(reviews[2]?.extra['Book Id'], '1.35541E+07')
  // 12/25 tells that the month comes first, so that 3/4 leaves no doubt; 12/5/19 is of no century.
  assert.deepEqual([reviews[0]?.read_at, reviews[0]?.date_added], [Date.UTC(2021, 2, 4), Date.UTC(2019, 11, 25)])
  assert.deepEqual([reviews[1]?.read_at, reviews[1]?.extra['Date Read']], [null, '12/5/19'])
  assert.deepEqual([ratings[0]?.rating, reviews[0]?.extra], [4, { 'My Rating (2)': '2', Genres: 'a', 'Genres (2)': 'b' }])
})

test('days in an order that nothing tells are kept as they were written', async (t) => {
  const { reviews } = await pollAll(await fileOf(t, 'Book Id,Title,Date Read,Exclusive Shelf\n1,A,3/4/2021,read\n'))
  assert.deepEqual([reviews[0]?.read_at, reviews[0]?.extra['Date Read']], [null, '3/4/2021'])
  const other = await pollAll(await fileOf(t, 'Book Id,Title,Date Read,Exclusive Shelf\n1,A,3/4/2021,read\n2,B,25/12/2020,read\n'))
  assert.deepEqual([other.reviews[0]?.read_at, other.reviews[1]?.read_at], [Date.UTC(2021, 3, 3), Date.UTC(2020, 11, 25)])
})
