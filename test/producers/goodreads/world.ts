import type { TestContext } from 'node:test'
import { createGoodreadsClient, type GoodreadsClientOptions } from '../../../producers/sources/goodreads/client.ts'
import { type GoodreadsSourceOptions, openGoodreadsSource } from '../../../producers/sources/goodreads/source.ts'
import type { Position, SourceBatch, SourceRecord } from '../../../producers/sources/source.ts'
import type { EntityName, Records } from '../../../schemas/records.ts'
import { document, keepingLog, type Reply, serve } from './server.ts'

export interface WorldReview {
  id: number
  user: number
  book: number
  rating?: number
  /** Epoch ms; null prints a date that can not be. */
  updatedMs: number | null
}

/** A GoodReads in a few lines: each book is by the author with its number plus 1000. */
export interface World {
  reviews: WorldReview[]
  recent: number[]
  missing: Set<string>
  /** Answers instead of the world's, by path. */
  instead: Map<string, Reply | string>
  /** What a page of a list is, where it lies; null is a 404. */
  page?: (reviews: WorldReview[], page: number) => { shown: WorldReview[]; range: string } | null
}

export const NOW_MS = Date.UTC(2026, 5, 1)

const dateText = (ms: number) => {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(ms).toUTCString())!
  return `Mon ${month} ${day} ${time} +0000 ${year}`
}
const authorXml = (book: number) => `<author><id>${book + 1000}</id><name>Author ${book + 1000}</name></author>`
const bookXml = (book: number, more = '') =>
  `<book><id>${book}</id><title>Book ${book}</title><authors>${authorXml(book)}</authors>${more}</book>`
const reviewXml = ({ id, user, book, rating = 5, updatedMs }: WorldReview, withUser: boolean) =>
  `<review><id>${id}</id>${withUser ? `<user><id>${user}</id></user>` : ''}${bookXml(book)}<rating>${rating}</rating>
  <date_updated>${updatedMs === null ? 'Thu Feb 31 10:00:00 +0000 2019' : dateText(updatedMs)}</date_updated></review>`

export const honestPage = (size: number) => (reviews: WorldReview[], page: number) => {
  const first = (page - 1) * size
  const shown = reviews.slice(first, first + size)
  const total = reviews.length
  return {
    shown,
    range: shown.length > 0 ? `start="${first + 1}" end="${first + shown.length}" total="${total}"` : `start="0" end="0" total="${total}"`,
  }
}

const answer = (world: World, path: string): Reply | string => {
  const url = new URL(path, 'http://world')
  const instead = world.instead.get(url.pathname)
  if (instead) return instead
  const [, method, id = ''] = /^\/(\w+\/\w+)(?:\/(\d+))?\.xml$/.exec(url.pathname) ?? []
  if (world.missing.has(`${method}/${id}`)) return { status: 404, body: '<error>not found</error>' }
  if (method === 'book/show')
    return document(
      bookXml(
        Number(id),
        '<description>whole</description><similar_books><book><id>9999</id><title>Similar</title></book></similar_books>',
      ),
    )
  if (method === 'author/show')
    return document(
      `<author><id>${id}</id><name>Author ${id}</name><works_count>1</works_count><books>${bookXml(Number(id) - 1000)}</books></author>`,
    )
  if (method === 'review/recent_reviews')
    return document(
      `<reviews>${world.reviews
        .filter((review) => world.recent.includes(review.id))
        .map((review) => reviewXml(review, true))
        .join('')}</reviews>`,
    )
  const mine = world.reviews.filter(({ user }) => String(user) === id).sort((a, b) => (b.updatedMs ?? 0) - (a.updatedMs ?? 0))
  const list = (world.page ?? honestPage(3))(mine, Number(url.searchParams.get('page')))
  if (!list) return { status: 404, body: '<error>not found</error>' }
  const { shown, range } = list
  return document(`<reviews ${range}>${shown.map((review) => reviewXml(review, false)).join('')}</reviews>`)
}

/** Ids of one entity's records, sorted; `*` marks books and authors that are whole. */
export const idsOf = (records: SourceRecord[], entity: EntityName): string[] =>
  records
    .flatMap((record) => {
      if (record.entity !== entity) return []
      if (record.entity === 'books') return `${record.value.book_id}${record.value.description ? '*' : ''}`
      if (record.entity === 'authors') return `${record.value.author_id}${record.value.works_count === null ? '' : '*'}`
      return record.entity === 'reviews'
        ? record.value.review_id
        : `${(record.value as Records['ratings']).user_id}:${(record.value as Records['ratings']).book_id}`
    })
    .sort()

export const openWorld = async (
  t: TestContext,
  start: Partial<World>,
  options: Partial<GoodreadsSourceOptions & Pick<GoodreadsClientOptions, 'minIntervalMs' | 'sleep'>> = {},
) => {
  const world: World = { reviews: [], recent: [], missing: new Set(), instead: new Map(), ...start }
  const server = await serve(t, (path) => answer(world, path))
  const { log, lines } = keepingLog()
  const { minIntervalMs = 0, sleep, ...rest } = options
  const client = createGoodreadsClient({
    baseUrl: server.url,
    minIntervalMs,
    firstDelayMs: 1,
    maxDelayMs: 2,
    maxAttempts: 2,
    log,
    ...(sleep ? { sleep } : {}),
  })
  const open = () =>
    openGoodreadsSource({ name: 'goodreads-api', id: 'test', isGenerated: false, pollIntervalMs: 10_000, client, userIds: [], ...rest })
  let source = open()
  let position: Position | null = null
  const batches = (signal = new AbortController().signal) => source.poll(position, { pollId: 'p1', signal, log, nowMs: () => NOW_MS })
  const keep = (batch: SourceBatch) => {
    position = JSON.parse(JSON.stringify(batch.position))
    return batch.records
  }
  return {
    world,
    baseUrl: server.url,
    lines,
    batches,
    keep,
    /** Paths asked since the last call. */
    asked: () => server.asked.splice(0),
    position: () => position,
    /** A new process with the position that was kept. */
    restart: () => {
      source = open()
    },
    /** One poll to its end, or its failure: what was published, what was thrown. */
    poll: async (): Promise<{ records: SourceRecord[]; error: unknown }> => {
      const records: SourceRecord[] = []
      try {
        for await (const batch of batches()) records.push(...keep(batch))
        return { records, error: undefined }
      } catch (error) {
        return { records, error }
      }
    },
  }
}
