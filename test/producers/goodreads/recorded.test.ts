import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parseResponse } from '../../../producers/sources/goodreads/parse/response.ts'
import type { Author, Book, Review } from '../../../schemas/records.ts'
import { testData } from '../../helpers/test-data.ts'
import { recordedIds, recordedWithout } from './recorded-ids.ts'

const { path: dir, skip } = testData('goodreads-api')

const parse = (file: string) =>
  parseResponse({
    contentType: file.endsWith('.json') ? 'application/json' : 'application/xml',
    status: 200,
    body: readFileSync(path.join(dir, file)),
  })

const summaryOf = (file: string) => {
  const { books, authors, reviews, ratings, withoutId } = parse(file)
  assert.equal(withoutId, 0)
  return {
    books: books.map(({ value }) => value.book_id).sort(),
    authors: authors.map(({ value }) => value.author_id).sort(),
    reviews: reviews.map(({ review_id }) => review_id),
    ratings: ratings.map(({ user_id, book_id, rating }) => `${user_id}:${book_id}=${rating}`),
  }
}

test('every recorded response is in the table', { skip }, () => {
  assert.deepEqual(readdirSync(dir).sort(), [...Object.keys(recordedIds), ...Object.keys(recordedWithout)].sort())
})

for (const [file, { books, authors, reviews, ratings }] of Object.entries(recordedIds)) {
  test(`${file} yields exactly the records of the table`, { skip }, () => {
    assert.deepEqual(summaryOf(file), { books: [...books].sort(), authors: [...authors].sort(), reviews, ratings })
  })
}

for (const [file, holds] of Object.entries(recordedWithout)) {
  test(`${file} holds no records but ${holds}`, { skip }, () => {
    assert.deepEqual(summaryOf(file), { books: [], authors: [], reviews: [], ratings: [] })
  })
}

/** Records that the file tells all about, the method that it names, and its paging. */
const documents: Record<string, { method: string; whole: string[]; paging?: [number, number, number] }> = {
  'author.xml': { method: 'author.show', whole: ['author 18541'] },
  'author_books.xml': { method: 'author.list', whole: [], paging: [1, 30, 57] },
  'author_by_name.xml': { method: 'api.author_link', whole: [] },
  'book.xml': { method: 'book.isbn', whole: ['book 6732019'], paging: [1, 27, 4440] },
  'book_show_999999_nophoto.xml': { method: 'book.show', whole: ['book 999999'] },
  'codex_author__get_info_by_id.xml': { method: 'author.show', whole: ['author 84825'] },
  'codex_book__reviews_by_title_string.xml': { method: 'book.title', whole: ['book 171327'] },
  'empty.xml': { method: 'review.list', whole: [], paging: [0, 0, 0] },
  'review_show_by_user_and_book.xml': { method: 'review.show_by_user_and_book', whole: [] },
  'search_index_enders_game.xml': { method: 'search.index', whole: [], paging: [1, 20, 749] },
  'shelf_list.xml': { method: 'shelf.list', whole: [], paging: [1, 3, 3] },
  'to-read-p2.xml': { method: 'review.list', whole: [], paging: [21, 40, 40] },
}

for (const [file, expected] of Object.entries(documents)) {
  test(`${file} says its method and paging, and which records are whole`, { skip }, () => {
    const { method, books, authors, paging } = parse(file)
    const whole = [
      ...books.map(({ value, isPartial }) => !isPartial && `book ${value.book_id}`),
      ...authors.map(({ value, isPartial }) => !isPartial && `author ${value.author_id}`),
    ]
    assert.deepEqual({ method, whole: whole.filter(Boolean) }, { method: expected.method, whole: expected.whole })
    const [start, end, total] = expected.paging ?? []
    assert.deepEqual(paging, start === undefined ? null : { start, end, total })
  })
}

const pick = <T extends object>(record: T | undefined, wanted: Partial<T>) =>
  assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((name) => [name, record?.[name as keyof T]])), wanted)
const bookOf = (file: string, id: string) => parse(file).books.find(({ value }) => value.book_id === id)?.value
const authorOf = (file: string, id: string) => parse(file).authors.find(({ value }) => value.author_id === id)?.value
const reviewOf = (file: string, id: string) => parse(file).reviews.find(({ review_id }) => review_id === id)

test('a book of 2020 has its fields', { skip }, () => {
  pick<Book>(bookOf('book_show_999999_nophoto.xml', '999999'), {
    title: 'Roommates',
    isbn: '0380713578',
    isbn13: '9780380713578',
    asin: null,
    language_code: null,
    description: null,
    publisher: 'Avon Books',
    publication_year: 1991,
    publication_month: 11,
    publication_day: 1,
    num_pages: null,
    format: 'Paperback',
    edition_information: null,
    average_rating: 4.41,
    ratings_count: 42,
    text_reviews_count: 3,
    work_id: '3633505',
    books_count: 2,
    work_reviews_count: 140,
    work_ratings_count: 44,
    work_text_reviews_count: 3,
    original_publication_year: 1990,
    original_publication_month: 4,
    original_publication_day: 30,
    original_title: 'Roommates',
    ratings_5: 27,
    ratings_4: 12,
    ratings_3: 3,
    ratings_2: 0,
    ratings_1: 2,
    url: 'https://www.goodreads.com/book/show/999999.Roommates',
    authors: [{ author_id: '502594', name: 'Kathryn O. Galbraith', role: null }],
  })
})

test('a book of 2011 has its fields, its shelves and its reviews', { skip }, () => {
  const book = bookOf('book.xml', '6732019')
  pick<Book>(book, {
    title: 'Rework',
    isbn13: '9780307463746',
    publication_year: null,
    original_publication_year: 2010,
    original_publication_day: null,
    average_rating: 4.04,
    num_pages: 279,
    ratings_count: 2281,
    ratings_5: 838,
    ratings_1: 28,
    work_ratings_count: 2416,
    format: null,
  })
  assert.deepEqual(book?.shelves.slice(0, 2), [
    { name: 'to-read', count: 1355 },
    { name: 'currently-reading', count: 365 },
  ])
  // The counts of its stars add up to 2415, as it says.
  assert.equal(book?.extra['work.rating_dist'], undefined)
  pick<Review>(reviewOf('book.xml', '95173307'), {
    user_id: '979798',
    user_name: 'Heather',
    book_id: '6732019',
    rating: 5,
    votes: 14,
    has_spoiler: false,
    shelves: ['read', 'business', 'favorites'],
    started_at: null,
    read_at: Date.UTC(2010, 2, 22, 7),
    date_added: Date.UTC(2010, 2, 22, 11, 11, 55),
    date_updated: Date.UTC(2010, 3, 1, 9, 36, 23),
    comments_count: 4,
  })
})

test('a review of a list has the reader that was asked for', { skip }, () => {
  const body = readFileSync(path.join(dir, 'to-read.xml'))
  const { reviews, ratings } = parseResponse({ contentType: null, status: 200, body, userId: '77' })
  assert.deepEqual([...new Set(reviews.map(({ user_id }) => user_id))], ['77'])
  assert.deepEqual(ratings, [])
  pick<Review>(reviews[0], { review_id: '45590939', book_id: '17349', rating: null, body: null, shelves: ['to-read'] })
})

test('an author has fields and, from the books that name him, ratings', { skip }, () => {
  pick<Author>(authorOf('codex_author__get_info_by_id.xml', '84825'), {
    name: 'Jorge Franco',
    hometown: 'Medellín',
    gender: null,
    born_at: null,
    influences: null,
    works_count: 23,
    fans_count: 132,
    followers_count: 132,
    user_id: '85885375',
    is_goodreads_author: true,
    average_rating: 3.79,
    ratings_count: 4202,
    text_reviews_count: 424,
  })
  // 6 June 1954
  pick<Author>(authorOf('author.xml', '18541'), { born_at: Date.UTC(1954, 5, 6) / 86_400_000, died_at: null })
})

test('a search result has the numbers of its work', { skip }, () => {
  pick<Book>(bookOf('search_index_enders_game.xml', '375802'), {
    work_id: '2422333',
    books_count: 254,
    work_ratings_count: 1086861,
    average_rating: 4.3,
    original_publication_year: 1985,
    original_publication_month: null,
    authors: [{ author_id: '589', name: 'Orson Scott Card', role: null }],
  })
})

test('a similar book does not take over the numbers of the book that is shown', { skip }, () => {
  pick<Book>(bookOf('book_show_375802.xml', '5129'), { title: 'Brave New World', average_rating: null, ratings_count: null })
  pick<Book>(bookOf('sample_book_1.xml', '308238'), { average_rating: 3.79, ratings_count: 1119 })
})
