import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseResponse, type ResponseToParse } from '../../../producers/sources/goodreads/parse/response.ts'
import { ReadflowError } from '../../../runtime/errors.ts'

const document = (content: string, method = 'book_show') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<GoodreadsResponse><Request><key><![CDATA[k]]></key><method><![CDATA[${method}]]></method></Request>${content}</GoodreadsResponse>`
const parseText = (text: string, options: Partial<ResponseToParse> = {}) =>
  parseResponse({ contentType: 'application/xml', status: 200, body: Buffer.from(text), method: 'book.show', ...options })
const parse = (content: string, options: Partial<ResponseToParse> = {}) => parseText(document(content), options)
const bookOf = (fields: string) => parse(`<book><id>7</id>${fields}</book>`).books[0]!.value
const invalid = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ReadflowError)
  assert.equal(error.code, 'source-invalid')
  assert.match(error.message, pattern)
  assert.doesNotMatch(error.message, /\n/)
  return true
}

test('a newline or a byte order mark before the declaration is no fault, and lines are counted as received', () => {
  assert.equal(parseText(`\n${document('<book><id>7</id></book>')}`).books.length, 1)
  assert.equal(parseText(`\uFEFF${document('<book><id>7</id></book>')}`).books.length, 1)
  assert.throws(() => parseText(`\n\n${document('<book>\n<id>7</book>')}`), invalid(/line 5,/))
})

test('a declared encoding is read', () => {
  const xml = document('<book><id>7</id><title>café</title></book>').replace('UTF-8', 'ISO-8859-1')
  const { books } = parseResponse({ contentType: null, status: 200, body: Buffer.from(xml, 'latin1') })
  assert.equal(books[0]?.value.title, 'café')
  assert.throws(() => parseText(xml.replace('ISO-8859-1', 'klingon')), invalid(/encoding 'klingon'/))
})

test('truncated XML is refused with the line where it ends, wherever it is cut', () => {
  const whole = document('<book>\n<id>7</id>\n<title><![CDATA[T]]></title>\n</book>')
  for (let length = 1; length < whole.length; length++)
    assert.throws(() => parseText(whole.slice(0, length)), invalid(/^book\.show answered /), `cut at ${length}`)
  assert.throws(() => parseText(whole.slice(0, -30)), invalid(/^book\.show answered XML that is broken at line \d+, column \d+: /))
})

test('broken XML is refused: crossed tags, an unknown entity, two roots, a control character', () => {
  for (const content of [
    '<a><b></a></b>',
    '<title>a & b</title>',
    '<title>&nbsp;</title>',
    '<title>&constructor;</title>',
    '<a b></a>',
    '<title>\u0001</title>',
  ]) {
    assert.throws(() => parse(content), invalid(/line 2/), content)
  }
  assert.throws(() => parseText(`${document('')}<more/>`), invalid(/broken/))
})

test('a document type is refused, so that entities can neither grow nor fetch', () => {
  const bomb = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
  for (const xml of [
    `${bomb}<GoodreadsResponse>&b;</GoodreadsResponse>`,
    `<?xml version="1.0"?>\n${bomb}<GoodreadsResponse>&f;</GoodreadsResponse>`,
  ]) {
    assert.throws(() => parseText(xml), invalid(/document type/))
  }
})

test('a document type in a text is text', () => {
  assert.equal(bookOf('<description><![CDATA[<!DOCTYPE html>]]></description>').description, '<!DOCTYPE html>')
})

test('XML that is too deep is refused', () => {
  assert.throws(() => parse('<a>'.repeat(100_000)), invalid(/nested more than 64 deep/))
})

test('HTML, nothing, another document and an error are told apart', () => {
  assert.throws(() => parseText('<!DOCTYPE html><html><body>over capacity</body></html>'), invalid(/HTML instead of XML/))
  assert.throws(() => parseText('<html><body>'), invalid(/HTML instead of XML/))
  assert.throws(() => parseText('over capacity'), invalid(/broken at line 1/))
  assert.throws(() => parseText(''), invalid(/answered nothing\./))
  assert.throws(() => parseText('<rss/>'), invalid(/<rss> at its top/))
  assert.throws(() => parseText('<error>too many</error>'), invalid(/answered an error: too many\./))
})

test('XML that calls itself text/html is read', () => {
  assert.equal(parse('<book><id>7</id></book>', { contentType: 'text/html' }).books.length, 1)
})

test('a missing thing holds no records, and broken JSON is refused', () => {
  assert.deepEqual(parseText('<error>book not found</error>', { status: 404 }).books, [])
  assert.throws(() => parseText('{"books":', { contentType: 'application/json' }), invalid(/JSON that is broken/))
})

test("hostile names do not reach an object's prototype", () => {
  bookOf('<__proto__><polluted>1</polluted></__proto__><constructor>x</constructor>')
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})
