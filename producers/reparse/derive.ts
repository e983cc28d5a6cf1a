import { hash as digestOf } from 'node:crypto'
import { letterHeader, positionId, REPARSE_OF } from '../../lineage/letters/headers.ts'
import type { OutgoingRecord } from '../../runtime/kafka/producer.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { EntityName, RawResponse, Review } from '../../schemas/records.ts'
import type { Encode } from '../poll/poll.ts'
import { methods } from '../sources/goodreads/client.ts'
import { versionOf } from '../sources/goodreads/intake.ts'
import { parseResponse } from '../sources/goodreads/parse/response.ts'
import { ratingOf } from '../sources/goodreads/parse/review.ts'
import type { SourceRecord } from '../sources/source.ts'
import { HASH_DIGITS, type PublishedIndex } from './published.ts'

/** A response as it lies on the topic. */
export interface RawAt {
  raw: RawResponse
  topicId: string
  partition: number
  offset: number
  timestampMs: number
}

/** What the code of now makes of a response, beside what was published of it then. */
export interface Reparsed {
  entity: EntityName
  key: string
  /** same: these very bytes were published, of it or, where nothing was of it, of another; different: others were; new: none were. */
  state: 'same' | 'different' | 'new'
  record: OutgoingRecord
}

/** Whether records are made of a response by the parser of the GoodReads API: refusals, feeds and files are none of it. */
export const isParsed = ({ method, status }: Pick<RawResponse, 'method' | 'status'>): boolean =>
  Number(status) === 200 && (methods as readonly string[]).includes(method)

const readerOf = (url: string): string | null => {
  const [, id] = /\/review\/list\/([^/?]+?)(?:\.xml)?(?:\?|$)/.exec(url) ?? []
  return id === undefined ? null : decodeURIComponent(id)
}

/**
 * The records of one response by the code of now. A partial record (of what the response only mentions) is wanted where it was
 * published of this response then: others had been had whole. A review is wanted where it was published of this response, or its
 * version of none, which is noted in `published.reviews`. Throws `source-invalid` as the poll does.
 */
export const reparse = ({ raw, timestampMs, ...at }: RawAt, encode: Encode, published: PublishedIndex): Reparsed[] => {
  const { method, status, content_type: contentType, body, request_id: requestId } = raw
  const userId = readerOf(raw.url)
  const parsed = parseResponse({ method, status: Number(status), contentType, body, ...(userId === null ? {} : { userId }) })
  // Lists repeat reviews, each in its own form: one whose version another response brought is none of this response's.
  const isOwn = (review: Review) => {
    const version = versionOf(review)
    const isKnown = published.reviews.has(version)
    published.reviews.add(version)
    return !isKnown || published.of('reviews', requestId, catalogue.reviews.keyOf(review)) !== null
  }
  const found: { record: SourceRecord & { entity: EntityName }; isPartial: boolean }[] = [
    ...parsed.books.map(({ value, isPartial }) => ({ record: { entity: 'books' as const, value, requestId }, isPartial })),
    ...parsed.authors.map(({ value, isPartial }) => ({ record: { entity: 'authors' as const, value, requestId }, isPartial })),
    ...parsed.reviews.filter(isOwn).flatMap((review) => {
      const rating = ratingOf(review)
      const records: (SourceRecord & { entity: EntityName })[] = [{ entity: 'reviews', value: review, requestId }]
      if (rating) records.push({ entity: 'ratings', value: rating, requestId })
      return records.map((record) => ({ record, isPartial: false }))
    }),
  ]
  return found.flatMap(({ record, isPartial }) => {
    const { entity } = record
    const key = catalogue[entity].keyOf(record.value as never)
    const before = published.of(entity, requestId, key)
    if (isPartial && !before) return []
    const outgoing = encode(record, raw.source, raw.poll_id)
    const hash = digestOf('sha256', outgoing.value ?? '', 'hex').slice(0, HASH_DIGITS)
    // Of a response that a record was made of, only that record counts: another value since then is a later version.
    const isKnown = before ? before.hashes.includes(hash) : published.has(entity, key, hash)
    const state = isKnown ? 'same' : before ? 'different' : 'new'
    // Where the source tells no time the order is that of arrival: just after what it mends, and before what came later.
    const arrivedMs = before === null ? timestampMs : before.atMs + 1
    const headers = { ...outgoing.headers, [REPARSE_OF]: positionId(at), [letterHeader.arrived]: String(arrivedMs) }
    return [{ entity, key, state, record: { ...outgoing, headers } }]
  })
}
