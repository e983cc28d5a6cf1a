import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { goodreadsDate, goodreadsResponse } from '../../../producers/sandbox/xml.ts'

/** How the source behaves; changed by a test to cause a fault, and back to mend it. */
export interface Behaviour {
  /** New reviews, each with a rating, that every poll finds. */
  newReviews: number
  /** Answered to every request in the place of what was asked for. */
  status: number | null
  /** Whether reviews have a field that they did not have. */
  hasNewField: boolean
  /** Pages in the list of the one reader, all of them of yesterday. */
  listPages: number
  /** Whether every other request for that list is refused as too many. */
  isLimiting: boolean
}

const BOOKS = 2
const PER_PAGE = 200
const YESTERDAY_MS = 86_400_000

const authorXml = '<author><id>1</id><name>Ann Author</name></author>'
const bookXml = (id: number) =>
  `<book><id type="integer">${id}</id><title>Book ${id}</title><language_code>eng</language_code><authors>${authorXml}</authors></book>`

/** A small GoodReads API whose every poll finds as many new reviews, so that what it brings does not hang on the machine's pace. */
export const startGoodreads = async (t: Pick<TestContext, 'after'>) => {
  const behaviour: Behaviour = { newReviews: 120, status: null, hasNewField: false, listPages: 1, isLimiting: false }
  let lastId = 10_000_000
  let listRequests = 0

  const reviewXml = (id: number, { user, rating, atMs }: { user: number | null; rating: number; atMs: number }) =>
    `<review><id>${id}</id>${user === null ? '' : `<user><id>${user}</id><name>Reader ${user}</name></user>`}${bookXml(1 + (id % BOOKS))}\
<rating>${rating}</rating><date_added>${goodreadsDate(atMs)}</date_added><date_updated>${goodreadsDate(atMs)}</date_updated>\
${behaviour.hasNewField ? '<mood>merry</mood>' : ''}</review>`

  const recentXml = () => {
    const ids = Array.from({ length: behaviour.newReviews }, () => ++lastId)
    return `<reviews>${ids.map((id) => reviewXml(id, { user: id, rating: 1 + (id % 5), atMs: Date.now() })).join('')}</reviews>`
  }
  const listXml = (page: number) => {
    const first = (page - 1) * PER_PAGE
    const ids = page <= behaviour.listPages ? [1, 2, 3].map((n) => page * 10 + n) : []
    const reviews = ids.map((id) => reviewXml(id, { user: null, rating: 0, atMs: Date.now() - YESTERDAY_MS }))
    return `<reviews start="${first + 1}" end="${first + PER_PAGE}" total="${behaviour.listPages * PER_PAGE}">${reviews.join('')}</reviews>`
  }
  const answerTo = ({ pathname, searchParams }: URL): { status: number; body: string } => {
    if (behaviour.status !== null) return { status: behaviour.status, body: 'as told' }
    const [, method = '', id] = /^\/(\w+\/\w+)(?:\/(\d+))?\.xml$/.exec(pathname) ?? []
    if (method === 'review/list' && behaviour.isLimiting && ++listRequests % 2 === 0) return { status: 429, body: 'too many' }
    if (method === 'review/recent_reviews') return { status: 200, body: goodreadsResponse('review_recent_reviews', recentXml()) }
    if (method === 'review/list') return { status: 200, body: goodreadsResponse('review_list', listXml(Number(searchParams.get('page')))) }
    if (method === 'book/show') return { status: 200, body: goodreadsResponse('book_show', bookXml(Number(id))) }
    if (method === 'author/show') return { status: 200, body: goodreadsResponse('author_show', authorXml) }
    return { status: 404, body: 'no such page' }
  }
  const server = createServer((request, response) => {
    const { status, body } = answerTo(new URL(request.url ?? '/', 'http://goodreads'))
    const type = status === 200 ? 'application/xml' : 'text/plain'
    response.writeHead(status, { 'content-type': type, ...(status === 429 ? { 'retry-after': '1' } : {}) }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { behaviour, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export type Goodreads = Awaited<ReturnType<typeof startGoodreads>>
