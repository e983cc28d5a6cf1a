import avsc from 'avsc'
import type { Random } from '../../producers/sandbox/random.ts'
import { emptyAuthor, emptyBook, emptyReview } from '../../producers/sources/empty.ts'
import { catalogue, entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'

/** What must become of a record in Silver. A copy of it that a retry makes is a repeat, or dead as well. */
export type Fate = 'valid' | 'late' | 'repeat' | 'dead'

export interface SoakRecord {
  /** In the header `soak.id`: each is sent until it is acknowledged, so it may stand in Kafka more than once. */
  id: string
  entity: EntityName
  key: string | null
  value: Buffer | null
  fate: Fate
  /** Event time; null of a deletion and of what is dead. */
  orderMs: number | null
}

/** The field of each entity that tells its versions apart. */
export const payloadField = { books: 'title', authors: 'name', reviews: 'body', ratings: 'rating' } as const satisfies Record<
  EntityName,
  string
>
/** Ids from here on are the soak's own; the sandbox's are far below. */
const FIRST_ID = 900_000_000
const FIRST_MS = Date.UTC(2020, 0, 1)
const MINUTE_MS = 60_000

export const isOwnKey = (key: string): boolean => /^(soak-\d+:)?9\d{8}$/.test(key)

const content = (entity: EntityName, key: string, orderMs: number): object => {
  const payload = payloadOf(entity, orderMs)
  const [userId = '', bookId = ''] = key.split(':')
  switch (entity) {
    case 'books':
      return { ...emptyBook(key), title: payload, language_code: ['eng', 'ger', null][orderMs % 3], updated_at: orderMs }
    case 'authors':
      return { ...emptyAuthor(key), name: payload, updated_at: orderMs }
    case 'reviews':
      return { ...emptyReview(key), book_id: `${FIRST_ID + (orderMs % 50)}`, body: payload, date_updated: orderMs }
    case 'ratings':
      return { user_id: userId, book_id: bookId, rating: Number(payload), rated_at: orderMs, review_id: null, extra: {} }
  }
}

/** What the payload field of a version must say, as text. */
export const payloadOf = (entity: EntityName, orderMs: number): string =>
  entity === 'ratings' ? String(1 + (orderMs % 5)) : `Version ${orderMs}`

/** The Confluent framing. */
const frame = (schemaId: number, bytes: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.writeInt32BE(schemaId, 1)
  return Buffer.concat([head, bytes])
}

/** What Silver must refuse: foreign bytes, none, another magic byte, an unknown schema, no key, another's key. */
const broken = (value: Buffer): Pick<SoakRecord, 'key' | 'value'>[] => [
  { key: 'soak-foreign', value: Buffer.from('not avro') },
  { key: 'soak-empty', value: Buffer.alloc(0) },
  { key: 'soak-magic', value: Buffer.concat([Buffer.from([7]), value.subarray(1)]) },
  { key: 'soak-schema', value: frame(999_999, Buffer.from('x')) },
  { key: null, value },
  { key: 'soak-somebody-else', value },
]

export type SchemaIds = Record<EntityName, number>

/**
 * A maker of records of every kind, with nothing of the pipeline's own code in it but the schemas: new keys, newer and late
 * versions, repeats, deletions, and what is refused. The same for the same random numbers.
 */
export const createModel = (schemaIds: SchemaIds, random: Random) => {
  const types = Object.fromEntries(entityNames.map((entity) => [entity, avsc.Type.forSchema(catalogue[entity].schema as never)]))
  const newest = Object.fromEntries(entityNames.map((entity) => [entity, new Map<string, { orderMs: number; value: Buffer }>()]))
  const keys: Record<string, string[]> = Object.fromEntries(entityNames.map((entity) => [entity, []]))
  let serial = 0

  const encode = (entity: EntityName, key: string, orderMs: number) =>
    frame(schemaIds[entity], types[entity]!.toBuffer(content(entity, key, orderMs)))

  const next = (): SoakRecord => {
    const number = serial++
    const entity = random.pick(['ratings', 'ratings', 'reviews', 'books', 'authors'] as const)
    const known = newest[entity]!
    const dice = random.next()
    const id = String(number)
    if (known.size === 0 || dice < 0.55) {
      const key = entity === 'ratings' ? `soak-${number}:${FIRST_ID + random.below(50)}` : `${FIRST_ID + number}`
      const orderMs = FIRST_MS + number * MINUTE_MS
      const value = encode(entity, key, orderMs)
      known.set(key, { orderMs, value })
      keys[entity]!.push(key)
      return { id, entity, key, value, fate: 'valid', orderMs }
    }
    const at = random.below(keys[entity]!.length)
    const key = keys[entity]![at]!
    const old = known.get(key)!
    if (dice < 0.72) return { id, entity, key, value: old.value, fate: 'repeat', orderMs: old.orderMs }
    // The number in it makes each time of a key unlike all others.
    if (dice < 0.84) {
      const orderMs = old.orderMs + (1 + random.below(1000)) * MINUTE_MS + number
      const value = encode(entity, key, orderMs)
      known.set(key, { orderMs, value })
      return { id, entity, key, value, fate: 'valid', orderMs }
    }
    if (dice < 0.94) {
      const orderMs = FIRST_MS - number * MINUTE_MS
      return { id, entity, key, value: encode(entity, key, orderMs), fate: 'late', orderMs }
    }
    if (dice < 0.98) {
      // A deletion is the last of its key: its time is Kafka's, so what comes after it would be late.
      known.delete(key)
      keys[entity]![at] = keys[entity]!.at(-1)!
      keys[entity]!.pop()
      return { id, entity, key, value: null, fate: 'valid', orderMs: null }
    }
    return { id, entity, ...random.pick(broken(old.value)), fate: 'dead', orderMs: null }
  }
  return { next }
}

export interface ExpectedKey {
  /** Event times of every accepted version but deletions, sorted. */
  versions: number[]
  /** What a subscriber of the clean topic gets, in order; null is the deletion. */
  clean: (number | null)[]
  isDeleted: boolean
}

/** What must be in the tables once these are in Kafka, by key. Pure. */
export const expectedKeys = (records: Iterable<SoakRecord>, entity: EntityName): Map<string, ExpectedKey> => {
  const found = new Map<string, ExpectedKey>()
  for (const { entity: of, key, fate, orderMs } of records) {
    if (of !== entity || key === null || (fate !== 'valid' && fate !== 'late')) continue
    const expected = found.get(key) ?? { versions: [], clean: [], isDeleted: false }
    found.set(key, expected)
    if (orderMs === null) expected.isDeleted = true
    else expected.versions.push(orderMs)
    if (fate === 'valid') expected.clean.push(orderMs)
  }
  for (const { versions } of found.values()) versions.sort((a, b) => a - b)
  return found
}
