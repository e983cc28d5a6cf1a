import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseResponse, type ResponseToParse } from '../../../producers/sources/goodreads/parse/response.ts'
import { parseDay, parseDecimal, parseInteger, parseRatingDist, parseTime } from '../../../producers/sources/goodreads/parse/values.ts'

const document = (content: string, method = 'book_show') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<GoodreadsResponse><Request><key><![CDATA[k]]></key><method><![CDATA[${method}]]></method></Request>${content}</GoodreadsResponse>`
const parseText = (text: string, options: Partial<ResponseToParse> = {}) =>
  parseResponse({ contentType: 'application/xml', status: 200, body: Buffer.from(text), method: 'book.show', ...options })
const parse = (content: string, options: Partial<ResponseToParse> = {}) => parseText(document(content), options)
const bookOf = (fields: string) => parse(`<book><id>7</id>${fields}</book>`).books[0]!.value
const reviewOf = (fields: string) => parse(`<reviews><review><id>3</id>${fields}</review></reviews>`).reviews[0]!
test('nil, an empty element and an empty CDATA all mean missing', () => {
  const forms = [
    '<title nil="true"/>',
    '<title nil="true"></title>',
    '<title nil="true">x</title>',
    '<title/>',
    '<title></title>',
    '<title>\n </title>',
    '<title><![CDATA[]]></title>',
    '<title>\n<![CDATA[\n ]]>\n</title>',
    '',
  ]
  for (const form of forms) assert.equal(bookOf(form).title, null, form)
  assert.equal(bookOf('<num_pages type="integer" nil="true"/>').num_pages, null)
  assert.deepEqual(bookOf('<title/><uri></uri><isbn nil="true"/><buy_links><buy_link/></buy_links>').extra, {})
})

test('text and CDATA read alike, without the newlines around them', () => {
  for (const form of [
    'A &amp; B',
    '<![CDATA[A & B]]>',
    '\n   <![CDATA[A & B]]>\n  ',
    '\n A &amp; B\n',
    '<![CDATA[A]]> &amp; <![CDATA[B]]>',
  ]) {
    assert.equal(bookOf(`<title>${form}</title>`).title, 'A & B', form)
  }
  assert.equal(bookOf('<num_pages>\n <![CDATA[279]]>\n</num_pages>').num_pages, 279)
})

test('HTML in a description stays as it was written', () => {
  assert.equal(bookOf('<description>a&lt;br /&gt;&quot;b&quot; &#8212; &#x1F600;</description>').description, 'a<br />"b" — 😀')
  assert.equal(bookOf('<description><![CDATA[a<br/>&quot;b&quot;]]></description>').description, 'a<br/>&quot;b&quot;')
})

test('an author, a review, a work and a shelf may occur once or more often', () => {
  const author = (id: number) => `<author><id>${id}</id><name>N${id}</name></author>`
  assert.deepEqual(bookOf(`<authors>${author(1)}</authors>`).authors, [{ author_id: '1', name: 'N1', role: null }])
  assert.deepEqual(
    bookOf(`<authors>${author(1)}${author(2)}</authors>`).authors.map(({ author_id }) => author_id),
    ['1', '2'],
  )
  assert.deepEqual(
    bookOf(author(1)).authors.map(({ author_id }) => author_id),
    ['1'],
  )
  const review = (id: number) => `<review><id>${id}</id><book><id>7</id></book></review>`
  for (const count of [0, 1, 2]) {
    const ids = [11, 12].slice(0, count)
    assert.deepEqual(
      parse(`<reviews>${ids.map(review).join('')}</reviews>`).reviews.map(({ review_id }) => review_id),
      ids.map(String),
    )
  }
  const work = (id: number) => `<work><id>${id}</id><best_book><id>${id + 100}</id><title>T</title>${author(id)}</best_book></work>`
  for (const works of [work(1), work(1) + work(2)]) {
    const { books, authors } = parse(`<search><results>${works}</results></search>`)
    assert.deepEqual(
      books.map(({ value }) => [value.book_id, value.work_id]),
      [
        ['101', '1'],
        ['102', '2'],
      ].slice(0, books.length),
    )
    assert.equal(authors.length, works === work(1) ? 1 : 2)
  }
  assert.deepEqual(bookOf('<popular_shelves><shelf name="a" count="3"/></popular_shelves>').shelves, [{ name: 'a', count: 3 }])
  assert.deepEqual(reviewOf('<shelves><shelf name="read"/></shelves>').shelves, ['read'])
  assert.deepEqual(reviewOf('<shelves><shelf name="read"/><shelf name="sf"/><shelf name="sf" id="2"/></shelves>').shelves, ['read', 'sf'])
})

test('a time is read in its zone', () => {
  assert.equal(parseTime('Wed Feb 19 18:36:17 -0800 2020'), Date.parse('2020-02-20T02:36:17Z'))
  assert.equal(parseTime('Thu Jan 01 05:30:00 +0530 1970'), 0)
  assert.equal(parseTime('Tue Jan 01 00:00:00 -0800 0019'), Date.parse('0019-01-01T08:00:00Z'))
  assert.equal(parseTime('Sat Feb 29 00:00:00 +0000 2020'), Date.parse('2020-02-29T00:00:00Z'))
  for (const text of [
    'Thu Feb 31 10:00:00 -0800 2019',
    'Thu Feb 03 25:61:00 -0800 2019',
    'Fri Foo 01 00:00:00 +0000 2020',
    '2020-02-19',
    '',
  ]) {
    assert.equal(parseTime(text), null, text)
  }
})

test('a day of birth may lie before the year 1 and in years of three digits', () => {
  assert.equal(parseDay('1954/06/06'), Date.parse('1954-06-06T00:00:00Z') / 86_400_000)
  assert.equal(parseDay('1970/01/02'), 1)
  assert.equal(parseDay('0121/04/26'), Date.parse('0121-04-26T00:00:00Z') / 86_400_000)
  assert.equal(parseDay('121/4/26'), parseDay('0121/04/26'))
  assert.equal(parseDay('-384/01/01'), Date.parse('-000384-01-01T00:00:00Z') / 86_400_000)
  for (const text of ['1954/13/01', '1955/02/29', '1954', '06/06/1954']) assert.equal(parseDay(text), null, text)
})

test('a year may be negative or have three digits', () => {
  assert.equal(
    bookOf('<work><original_publication_year type="integer">-750</original_publication_year></work>').original_publication_year,
    -750,
  )
  assert.equal(bookOf('<publication_year>180</publication_year>').publication_year, 180)
})

test('numbers are read whole or not at all', () => {
  assert.deepEqual(['5', '4.03', '-1', 'abc', '1,234', '1e3', '', 'Infinity'].map(parseDecimal), [
    5,
    4.03,
    -1,
    null,
    null,
    null,
    null,
    null,
  ])
  assert.deepEqual(['5', '-12', '4.0', '12 pages', '99999999999999999999'].map(parseInteger), [5, -12, null, null, null])
})

test('the distribution of ratings becomes five counts; one that does not add up is kept too', () => {
  assert.deepEqual(parseRatingDist('5:27|4:12|3:3|2:0|1:2|total:44'), { counts: [2, 0, 3, 12, 27], total: 44 })
  assert.equal(parseRatingDist('5:27|4:12|total:44'), null)
  const { ratings_1, ratings_5, extra } = bookOf('<work><rating_dist>5:27|4:12|3:3|2:0|1:2|total:45</rating_dist></work>')
  assert.deepEqual([ratings_1, ratings_5, extra], [2, 27, { 'work.rating_dist': '5:27|4:12|3:3|2:0|1:2|total:45' }])
})

test('rating 0 is unrated, and makes no rating', () => {
  const listed = (rating: string) =>
    parse(`<reviews><review><id>3</id><user><id>9</id></user><book><id>7</id></book><rating>${rating}</rating></review></reviews>`)
  const unrated = listed('0')
  assert.deepEqual([unrated.reviews[0]?.rating, unrated.ratings], [null, []])
  assert.deepEqual(listed('4').ratings, [{ user_id: '9', book_id: '7', rating: 4, rated_at: null, review_id: '3', extra: {} }])
  // Judged later, by the rules.
  assert.equal(listed('7').ratings[0]?.rating, 7)
})

test('a rating has the time of the last change, else of the addition, and needs a user and a book', () => {
  const added = '<date_added>Thu Jan 01 00:00:01 +0000 1970</date_added>'
  const updated = '<date_updated>Thu Jan 01 00:00:02 +0000 1970</date_updated>'
  const ratings = (fields: string, userId?: string) =>
    parse(`<reviews><review><id>3</id>${fields}<rating>5</rating></review></reviews>`, userId ? { userId } : {}).ratings
  const book = '<book><id>7</id></book>'
  assert.equal(ratings(`${book}${added}${updated}`, '9')[0]?.rated_at, 2000)
  assert.equal(ratings(`${book}${added}`, '9')[0]?.rated_at, 1000)
  assert.deepEqual(ratings(book), [])
  assert.deepEqual(ratings('<book><id type="integer" nil="true"/></book>', '9'), [])
})

test('a value that does not parse is null, and its text is kept', () => {
  const review = reviewOf('<rating>abc</rating><date_added>Thu Feb 31 25:61:00 -0800 2019</date_added><votes>2</votes>')
  assert.deepEqual([review.rating, review.date_added, review.votes], [null, null, 2])
  assert.deepEqual(review.extra, { rating: 'abc', date_added: 'Thu Feb 31 25:61:00 -0800 2019' })
})

test('what no field takes is kept: text, attributes, nested elements, a second link', () => {
  const { url, extra } = bookOf(`<kindle_asin>B00</kindle_asin><image_url nophoto="false">i</image_url><url>u</url><link>v</link>
    <work><media_type>book</media_type></work><book_links><book_link><id type="integer">1</id></book_link><book_link><id>2</id></book_link></book_links>
    <toString>t</toString><constructor><id>1</id></constructor>`)
  assert.equal(url, 'u')
  assert.deepEqual(extra, {
    kindle_asin: 'B00',
    'image_url@nophoto': 'false',
    link: 'v',
    'work.media_type': 'book',
    toString: 't',
    book_links: '{"book_link":[{"id":"1"},{"id":"2"}]}',
    constructor: '{"id":"1"}',
  })
})

test('what is kept is bounded', () => {
  const many = Array.from({ length: 500 }, (_, index) => `<e${index}>x</e${index}>`).join('')
  assert.equal(Object.keys(bookOf(many).extra).length, 200)
  assert.equal(bookOf(`<widget>${'x'.repeat(100_000)}</widget>`).extra['widget']?.length, 32_768)
})

test('a book at the top is whole, one inside a review is partial, and a whole one wins', () => {
  const { books } = parse(
    '<book><id>7</id><title>T</title><similar_books><book><id>8</id></book><book><id>7</id></book></similar_books></book>',
  )
  assert.deepEqual(
    books.map(({ value, isPartial }) => [value.book_id, isPartial]),
    [
      ['7', false],
      ['8', true],
    ],
  )
  assert.equal(parse('<review><id>3</id><book><id>7</id></book></review>').books[0]?.isPartial, true)
})

test('a review under a book is of that book', () => {
  const { reviews } = parse('<book><id>7</id><reviews start="1" end="1" total="1"><review><id>3</id></review></reviews></book>')
  assert.equal(reviews[0]?.book_id, '7')
})

test('partial records that are not wanted are left out, and their reviews are not', () => {
  const { books, authors, reviews } = parse(
    '<reviews><review><id>3</id><book><id>7</id><authors><author><id>1</id><name>N</name></author></authors></book></review></reviews>',
    {
      skipsPartial: (entity, id) => entity === 'books' && id === '7',
    },
  )
  assert.deepEqual([books, authors, reviews[0]?.book_id], [[], [], '7'])
})

test('an author without an id is known by name', () => {
  const { books, authors } = parse('<book><id>7</id><authors><author><name>Zoë Q. O&apos;Hara</name></author></authors></book>')
  assert.equal(authors[0]?.value.author_id, 'name:zoe-q-o-hara')
  assert.equal(books[0]?.value.authors[0]?.author_id, 'name:zoe-q-o-hara')
})

test('records without an id are counted and left out', () => {
  const { books, reviews, withoutId } = parse('<reviews><review><rating>3</rating></review></reviews><book><title>T</title></book>')
  assert.deepEqual([books, reviews, withoutId], [[], [], 2])
})
