import { readFileSync } from 'node:fs'
import type { EntityName, Records, TopicName } from './records.ts'

/** A schema as registered: a JSON object in Avro's own notation. */
export type AvroSchema = {
  type: string
  name: string
  namespace?: string
  fields: { name: string; type: unknown; doc: string; default?: unknown }[]
}

export interface Entity<N extends TopicName = TopicName> {
  name: N
  topic: string
  /** TopicNameStrategy. */
  subject: string
  schema: AvroSchema
  /** Key of a record: the entity's id as text. */
  keyOf: (record: Records[N]) => string
  /** Field with the time that the source gives to a change; null where no source has one. */
  eventTimeField: string | null
  /** Fields that make up the key; a record without one is refused. */
  keyFields: readonly string[]
  /** Partition columns of the Silver table, besides `ingestion_date`. */
  silverPartitions: readonly string[]
}

const load = (file: string): AvroSchema => JSON.parse(readFileSync(new URL(`./avro/${file}.avsc`, import.meta.url), 'utf8'))

const entity = <N extends TopicName>(
  name: N,
  file: string,
  rest: Pick<Entity<N>, 'keyOf' | 'eventTimeField' | 'keyFields'> & { silverPartitions?: readonly string[] },
): Entity<N> => ({
  name,
  topic: `goodreads.${name}`,
  subject: `goodreads.${name}-value`,
  schema: load(file),
  silverPartitions: [],
  ...rest,
})

/** What the data is: one entry an entity, from which topics, keys, schemas and tables are made. */
export const catalogue = {
  books: entity('books', 'book', {
    keyOf: (book) => book.book_id,
    keyFields: ['book_id'],
    eventTimeField: 'updated_at',
    silverPartitions: ['language_code'],
  }),
  authors: entity('authors', 'author', {
    keyOf: (author) => author.author_id,
    keyFields: ['author_id'],
    eventTimeField: 'updated_at',
  }),
  reviews: entity('reviews', 'review', {
    keyOf: (review) => review.review_id,
    keyFields: ['review_id'],
    eventTimeField: 'date_updated',
  }),
  ratings: entity('ratings', 'rating', {
    keyOf: (rating) => `${rating.user_id}:${rating.book_id}`,
    keyFields: ['user_id', 'book_id'],
    eventTimeField: 'rated_at',
  }),
  raw: entity('raw', 'raw_response', {
    keyOf: (response) => response.request_id,
    keyFields: ['request_id'],
    eventTimeField: null,
  }),
} as const satisfies { [N in TopicName]: Entity<N> }

export const entityNames: readonly EntityName[] = ['books', 'authors', 'reviews', 'ratings']
export const topicNames: readonly TopicName[] = [...entityNames, 'raw']

/** Topic of an entity's dead letters. */
export const dlqTopic = (name: EntityName): string => `${catalogue[name].topic}.dlq`

/** Key of an author known by name only: `name:` and the name in lower case, accents and punctuation folded. */
export const authorKeyOfName = (name: string): string =>
  `name:${name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    // Composed again, as people type it: Hangul falls apart as well.
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .replaceAll(' ', '-')}`
