import assert from 'node:assert/strict'
import { runClean } from '../../consumers/clean/run.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import type { StageTable } from '../../consumers/stage.ts'
import { openStore } from '../../lake/store/open.ts'
import { compileAvro, frameAvro, unframeAvro } from '../../runtime/avro.ts'
import { openTransactions } from '../../runtime/kafka/offset-transactions.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { createScope } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { cleanSchema, cleanTopic } from '../../schemas/clean.ts'
import { startTestPipeline } from './pipeline.ts'
import { readRows } from './tables.ts'

export const GROUP = 'readflow.clean'
export const FIRST_MS = Date.UTC(2024, 0, 1)
const { topic, subject, schema } = catalogue.ratings
const topicOut = cleanTopic('ratings')
const codec = compileAvro(schema)
const cleanCodec = compileAvro(cleanSchema('ratings'))
const log = createLog('test', 'error')

export interface Sent {
  key: string
  /** Minutes after the first. */
  at: number
  /** Null is a deletion. */
  rating?: number | null
  partition?: number
}

export interface Received {
  key: string
  value: Record<string, unknown> | null
  headers: Record<string, string>
  offset: number
  partition: number
}

export const users = (from: number, count: number, at: number, more: Partial<Sent> = {}): Sent[] =>
  Array.from({ length: count }, (_, index) => ({ key: `user-${from + index}`, at, ...more }))

const text = ({ key, headers: { order, hash } }: Received) => `${key} ${order} ${hash}`
const versionOf = ({ order = '', hash = '' }: Record<string, string>) => `${order.padStart(16, '0')} ${hash}`

/** Silver and the clean topic of the ratings, run in this process, with a broker and a registry of their own. */
export const startCleanPipeline = async () => {
  const { stack, client, producer, registry, lakeUrl, close } = await startTestPipeline()
  const scope = createScope()
  scope.defer(close)
  const sender = client.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  const open = async () => {
    const schemaId = await registry.register(subject, schema)
    const reader = await openSecondReader({ brokers: stack.brokers, clientId: 'test' })
    scope.defer(reader.close)
    await sender.connect()
    scope.defer(() => sender.disconnect())
    return { schemaId, reader }
  }
  const { schemaId, reader } = await open().catch(async (error) => {
    await scope.close()
    throw error
  })

  /** Sends ratings in order; where no partition is named, a key's own. */
  const send = async (ratings: readonly Sent[]) => {
    const messages = ratings.map(({ key, at, rating = 3, partition = Number(key.split('-')[1]) % 2 }) => {
      const value = { user_id: key, book_id: ' 1 ', rating, rated_at: FIRST_MS + at * 60_000, review_id: '  ', extra: {} }
      return { key: `${key}:${value.book_id}`, partition, value: rating === null ? null : frameAvro(schemaId, codec.encode(value)) }
    })
    await sender.send({ topic, messages })
  }

  const silver = async (change: (table: StageTable) => StageTable = (table) => table) => {
    const store = openStore(lakeUrl)
    try {
      const stage = createSilver({ registry, store })
      const tables = stage.tables.filter(({ entity }) => entity === 'ratings').map(change)
      const flush = { intervalMs: 60_000, maxRows: 60, maxBytes: 1 << 24 }
      const options = { stage: { ...stage, tables }, store, client, producer, flush, isOnce: true, log }
      return await runSink(options, new AbortController().signal)
    } finally {
      await store.close()
    }
  }

  const clean = async () => {
    const store = openStore(lakeUrl)
    try {
      const options = {
        store,
        client,
        registry,
        reader,
        transactions: (id: string) => openTransactions(client, id),
        replicationFactor: 1,
        log,
      }
      const counts = await runClean({ ...options, entities: ['ratings'], isOnce: true }, new AbortController().signal)
      return counts['ratings']
    } finally {
      await store.close()
    }
  }

  /** What a read_committed subscriber receives of the clean topic, from those offsets on. */
  const received = async (from: ReadonlyMap<number, number> = new Map()): Promise<Received[]> => {
    const state = await reader.topic(topicOut)
    const list: Received[] = []
    for (const { partition, logStart, end } of state?.partitions ?? [])
      for await (const { records } of reader.read({
        topic: topicOut,
        topicId: state!.id,
        partition,
        from: from.get(partition) ?? logStart,
        to: end,
      }))
        for (const { key, value, headers, offset } of records)
          list.push({
            ...{ key: String(key), offset, partition },
            value: value && { ...(cleanCodec.decode(unframeAvro(value)!.bytes) as object) },
            headers: Object.fromEntries(headers.map(([name, text]) => [String(name).replace('readflow.', ''), String(text)])),
          })
    return list
  }
  /** Where the clean topic ends now. */
  const ends = async () => new Map((await reader.topic(topicOut))!.partitions.map(({ partition, end }) => [partition, end]))

  const rowsOfSilver = () =>
    readRows(lakeUrl, 'silver/ratings', ['_key', '_order', '_hash', '_late', '_deleted', '_topic_id', '_partition', '_offset', 'rating'])

  /** Every accepted change that did not come late is there once, in the order in which Silver has it, and nothing else. */
  const checkEachOnce = async () => {
    const list = await received()
    const accepted = (await rowsOfSilver())
      .filter(({ _late }) => _late !== true)
      .sort((a, b) => (a['_offset'] as number) - (b['_offset'] as number))
    const wanted = Map.groupBy(
      accepted.map((row) => `${row['_key']} ${row['_order']} ${row['_hash']}`),
      (line) => line.split(' ')[0],
    )
    const found = Map.groupBy(list.map(text), (line) => line.split(' ')[0])
    assert.deepEqual([...found].sort(), [...wanted].sort())
  }

  /** Of each key no version comes after a newer one, and the last one is Silver's current row. */
  const checkLast = async () => {
    const current = new Map<string, Record<string, unknown>>()
    for (const row of await rowsOfSilver()) {
      const best = current.get(row['_key'] as string)
      const line = (each: Record<string, unknown>) => versionOf({ order: String(each['_order']), hash: String(each['_hash']) })
      if (!best || line(row) > line(best)) current.set(row['_key'] as string, row)
    }
    const last = new Map<string, Received>()
    for (const each of await received()) last.set(each.key, each)
    const alive = (deleted: unknown) => deleted !== true
    assert.deepEqual(
      [...last].flatMap(([key, { value, headers }]) => (value ? [[key, value['rating'], versionOf(headers)]] : [])).sort(),
      [...current]
        .flatMap(([key, row]) =>
          alive(row['_deleted']) ? [[key, row['rating'], versionOf({ order: String(row['_order']), hash: String(row['_hash']) })]] : [],
        )
        .sort(),
    )
  }

  /** The group stands where Silver stands. */
  const lag = async () => {
    const { groupOffsets } = client
    const [ours, silvers] = await Promise.all([groupOffsets(GROUP, [topic]), groupOffsets('readflow.silver', [topic])])
    return silvers.reduce(
      (sum, { partition, offset }) => sum + offset - (ours.find((each) => each.partition === partition)?.offset ?? 0),
      0,
    )
  }

  return {
    ...{ stack, client, registry, lakeUrl, schemaId, reader, sender },
    ...{ send, silver, clean, received, ends, rowsOfSilver, checkEachOnce, checkLast, lag },
    close: scope.close,
  }
}
