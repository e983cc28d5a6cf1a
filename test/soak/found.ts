import avsc from 'avsc'
import { openSecondReader, type SecondReader } from '../../runtime/kafka/second/reader.ts'
import { catalogue, dlqTopic } from '../../schemas/catalogue.ts'
import { cleanTopic } from '../../schemas/clean.ts'
import type { EntityName } from '../../schemas/records.ts'
import { startReader } from '../interop/readers.ts'
import { payloadField } from './model.ts'

export interface FoundRecord {
  /** `partition/offset`. */
  at: string
  key: string | null
  value: Buffer | null
  headers: Map<string, string>
}

/** A row of Silver. */
export interface FoundVersion {
  at: string
  key: string
  orderMs: number
  hash: string
  isDeleted: boolean
  isLate: boolean
  payload: string | null
}

export interface Found {
  source: FoundRecord[]
  bronze: string[]
  silver: FoundVersion[]
  /** Origins of the dead letters, each once. */
  dead: Set<string>
  /** What a subscriber of the clean topic got: event times in order, null for a deletion. */
  clean: { key: string; orderMs: number | null }[]
}

const RECORD_TIME_FIELD = { books: 'updated_at', authors: 'updated_at', reviews: 'date_updated', ratings: 'rated_at' } as const

/** Everything that a topic holds for who reads committed records only, in the order of each partition. */
const readTopic = async (reader: SecondReader, name: string): Promise<FoundRecord[]> => {
  const topic = await reader.topic(name)
  const records: FoundRecord[] = []
  for (const { partition, logStart, end } of topic?.partitions ?? [])
    for await (const delivered of reader.read({ topic: name, topicId: topic!.id, partition, from: logStart, to: end })) {
      if (delivered.lost !== null) throw new Error(`${name}/${partition}: ${delivered.lost} from ${delivered.fromOffset}`)
      for (const { offset, key, value, headers } of delivered.records)
        records.push({
          at: `${partition}/${offset}`,
          key: key?.toString() ?? null,
          value,
          headers: new Map(headers.map(([header, text]) => [String(header), String(text)])),
        })
    }
  return records
}

/** Decodes with the schema that the registry has for the id in a record's frame, as any subscriber does. */
const openDecoder = (registryUrl: string) => {
  const types = new Map<number, Promise<avsc.Type>>()
  const typeOf = async (id: number) => {
    const response = await fetch(`${registryUrl}/schemas/ids/${id}`)
    return avsc.Type.forSchema(JSON.parse(((await response.json()) as { schema: string }).schema))
  }
  return async (value: Buffer): Promise<Record<string, unknown>> => {
    const id = value.readInt32BE(1)
    if (!types.has(id)) types.set(id, typeOf(id))
    return (await types.get(id)!).fromBuffer(value.subarray(5))
  }
}

/** Reads what is there by means that the pipeline does not use: DuckDB's own Delta reader, and another Kafka client. */
export const openFinder = async (where: {
  brokers: string[]
  registryUrl: string
  /** A table's place by its root. */
  tableAt: (root: string) => string
  readerEnv: Record<string, string>
}) => {
  const kafka = await openSecondReader({ brokers: where.brokers, clientId: 'soak-check' })
  const duckdb = startReader('DuckDB', where.readerEnv)
  const decode = openDecoder(where.registryUrl)
  const rows = async (root: string, columns: string[]): Promise<unknown[][]> =>
    (await duckdb.ask('rows', { table: where.tableAt(root), columns })).rows

  const find = async (entity: EntityName): Promise<Found> => {
    const silver = await rows(`silver/${entity}`, [
      ...['_partition', '_offset', '_key', '_order', '_hash', '_deleted', '_late'],
      payloadField[entity],
    ])
    const clean: Found['clean'] = []
    for (const { key, value } of await readTopic(kafka, cleanTopic(entity))) {
      const time = value === null ? null : (await decode(value))[RECORD_TIME_FIELD[entity]]
      // A union of null and one type comes bare, or named after its branch.
      const orderMs = typeof time === 'object' && time !== null ? Object.values(time)[0] : time
      clean.push({ key: key ?? '', orderMs: orderMs === null || orderMs === undefined ? null : Number(orderMs) })
    }
    return {
      source: await readTopic(kafka, catalogue[entity].topic),
      bronze: (await rows(`bronze/${entity}`, ['_partition', '_offset'])).map(([partition, offset]) => `${partition}/${offset}`),
      silver: silver.map(([partition, offset, key, order, hash, isDeleted, isLate, payload]) => ({
        ...{ at: `${partition}/${offset}`, key: String(key), orderMs: Number(order), hash: String(hash) },
        ...{ isDeleted: isDeleted === true, isLate: isLate === true, payload: payload === null ? null : String(payload) },
      })),
      dead: new Set(
        (await readTopic(kafka, dlqTopic(entity))).map(
          ({ headers }) => `${headers.get('readflow.partition')}/${headers.get('readflow.offset')}`,
        ),
      ),
      clean,
    }
  }

  /** Keys that Gold shows now, by entity. */
  const gold = async (entity: EntityName): Promise<string[]> => {
    if (entity === 'ratings') return (await rows('gold/fact_rating', ['rating_key'])).map(([key]) => String(key))
    if (entity === 'reviews') return (await rows('gold/fact_review', ['review_id'])).map(([key]) => String(key))
    const [table, id] = entity === 'books' ? ['gold/dim_book', 'book_id'] : ['gold/dim_author', 'author_id']
    return (await rows(table!, [id!, 'is_current', 'is_deleted', 'is_placeholder']))
      .filter(([, isCurrent, isDeleted, isPlaceholder]) => isCurrent === true && isDeleted !== true && isPlaceholder !== true)
      .map(([key]) => String(key))
  }

  /** Records that a group has not yet come to, of all topics that it reads. */
  const behind = async (group: string, topics: readonly string[]): Promise<number> => {
    let records = 0
    for (const name of topics) {
      const committed = new Map((await kafka.committed(group, name)).map(({ partition, offset }) => [partition, offset]))
      for (const { partition, logStart, end } of (await kafka.topic(name))?.partitions ?? [])
        records += Math.max(0, end - Math.max(logStart, committed.get(partition) ?? 0))
    }
    return records
  }

  return {
    find,
    gold,
    behind,
    close: async () => {
      await duckdb.close()
      await kafka.close()
    },
  }
}

export type Finder = Awaited<ReturnType<typeof openFinder>>
