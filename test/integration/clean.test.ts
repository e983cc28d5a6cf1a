import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { runClean } from '../../consumers/clean/run.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import type { StageTable } from '../../consumers/stage.ts'
import { verifyClean } from '../../consumers/verify/clean.ts'
import { openView } from '../../consumers/verify/tables.ts'
import { appendValue, columnOf, newColumn, valueAt } from '../../lake/columns/column.ts'
import { take } from '../../lake/columns/take.ts'
import { filePath } from '../../lake/delta/actions.ts'
import { commit } from '../../lake/delta/commit.ts'
import { scan } from '../../lake/delta/scan.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { compileAvro, frameAvro, unframeAvro } from '../../runtime/avro.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openTransactions } from '../../runtime/kafka/offset-transactions.ts'
import { openSecondReader, type SecondReader } from '../../runtime/kafka/second/reader.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { cleanSchema, cleanSubject, cleanTopic } from '../../schemas/clean.ts'
import { topicSpecs } from '../../schemas/topics.ts'
import type { CleanJob } from '../faults/child/clean.ts'
import { type Child, openChildren } from '../faults/helpers/children.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { readRows } from '../helpers/tables.ts'
import { tool } from '../helpers/tool.ts'
import { root as checkout, until } from '../helpers/up.ts'

const GROUP = 'readflow.clean'
/** Kind of a resource whose settings are asked for. */
const TOPIC = 2
const FIRST_MS = Date.UTC(2024, 0, 1)
const { topic, subject, schema } = catalogue.ratings
const topicOut = cleanTopic('ratings')
const codec = compileAvro(schema)
const cleanCodec = compileAvro(cleanSchema('ratings'))
const log = createLog('test', 'error')
const python = process.env['READFLOW_TEST_PYTHON'] ?? 'python3'
const pythonMissing = tool(python, ['-c', 'import confluent_kafka, fastavro'], 'pip install "confluent-kafka[avro,schemaregistry]"')

const { stack, client, producer, registry, lakeUrl, close } = await startTestPipeline()
const sender = client.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
const admin = client.kafka.admin()
const evictor = new Admin({ clientId: 'test-admin', bootstrapBrokers: stack.brokers, autocreateTopics: false })
const children = openChildren('clean', { spare: 1 })
let schemaId: number
let reader: SecondReader

before(async () => {
  schemaId = await registry.register(subject, schema)
  reader = await openSecondReader({ brokers: stack.brokers, clientId: 'test' })
  await sender.connect()
  await admin.connect()
})
after(async () => {
  await children.close()
  await reader.close()
  await evictor.close()
  await sender.disconnect()
  await admin.disconnect()
  await close()
})

interface Sent {
  key: string
  /** Minutes after the first. */
  at: number
  /** Null is a deletion. */
  rating?: number | null
  partition?: number
}

/** Sends ratings in order; where no partition is named, a key's own. */
const send = async (ratings: readonly Sent[]) => {
  const messages = ratings.map(({ key, at, rating = 3, partition = Number(key.split('-')[1]) % 2 }) => {
    const value = { user_id: key, book_id: ' 1 ', rating, rated_at: FIRST_MS + at * 60_000, review_id: '  ', extra: {} }
    return { key: `${key}:${value.book_id}`, partition, value: rating === null ? null : frameAvro(schemaId, codec.encode(value)) }
  })
  await sender.send({ topic, messages })
}
const users = (from: number, count: number, at: number, more: Partial<Sent> = {}): Sent[] =>
  Array.from({ length: count }, (_, index) => ({ key: `user-${from + index}`, at, ...more }))

const silver = async (change: (table: StageTable) => StageTable = (table) => table, maxRows = 60) => {
  const store = openStore(lakeUrl)
  try {
    const stage = createSilver({ registry, store })
    const tables = stage.tables.filter(({ entity }) => entity === 'ratings').map(change)
    const flush = { intervalMs: 60_000, maxRows, maxBytes: 1 << 24 }
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

interface Received {
  key: string
  value: Record<string, unknown> | null
  headers: Record<string, string>
  offset: number
  partition: number
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

const text = ({ key, headers: { order, hash } }: Received) => `${key} ${order} ${hash}`
const versionOf = ({ order = '', hash = '' }: Record<string, string>) => `${order.padStart(16, '0')} ${hash}`

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

/** What a dead member holds on to would be free only after its session: this ends it now. */
const evict = () => evictor.removeMembersFromConsumerGroup({ groupId: GROUP, members: null }).catch(() => undefined)

/** The group stands where Silver stands. */
const lag = async () => {
  const { groupOffsets } = client
  const [ours, silvers] = await Promise.all([groupOffsets(GROUP, [topic]), groupOffsets('readflow.silver', [topic])])
  return silvers.reduce((sum, { partition, offset }) => sum + offset - (ours.find((each) => each.partition === partition)?.offset ?? 0), 0)
}

const job = (more: Partial<CleanJob> = {}): CleanJob => ({
  ...{
    brokers: stack.brokers,
    registryUrl: stack.registryUrl,
    lakeUrl,
    entities: ['ratings'],
    isOnce: true,
    sessionTimeoutMs: 6000,
    ...more,
  },
})
const finished = async (child: Child) => assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output())

test('each accepted change is published once, in order per key, with what Silver made of it', async () => {
  await send([
    ...users(0, 40, 1),
    ...users(0, 20, 2, { rating: 5 }),
    ...users(0, 10, 1),
    ...users(5, 5, 0),
    ...users(10, 2, 3, { rating: null }),
  ])
  await silver()
  const counts = await clean()
  assert.deepEqual(counts, { published: 60, deleted: 2 })
  await checkEachOnce()
  await checkLast()
  assert.equal(await lag(), 0)
  const list = await received()
  const one = list.find(({ key, headers }) => key.startsWith('user-7:') && headers['order'] === String(FIRST_MS + 120_000))
  assert.deepEqual(one?.value, {
    ...{ user_id: 'user-7', book_id: '1', rating: 5, rated_at: FIRST_MS + 120_000, review_id: null, extra: {} },
  })
  const id = (await client.topicIds([topic])).get(topic)
  assert.deepEqual(
    { ...one?.headers, hash: one?.headers['hash']?.length, offset: Number(one?.headers['offset']) > 0 },
    {
      ...{
        topic,
        'topic-id': id,
        partition: '1',
        offset: true,
        'schema-id': String(schemaId),
        order: String(FIRST_MS + 120_000),
        hash: 32,
      },
    },
  )
  const described = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: TOPIC, name: topicOut }] })
  const config = (name: string) => described.resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue
  assert.deepEqual([config('cleanup.policy'), config('message.timestamp.type'), (await ends()).size], ['compact', 'LogAppendTime', 2])
  assert.equal((await registry.versions(cleanSubject('ratings'))).length, 1)
  assert.deepEqual(await clean(), { published: 0, deleted: 0 }, 'and nothing is left')
})

test('killed anywhere in a transaction, it changes nothing: the next one publishes each change once', async () => {
  for (const [index, at] of ['^send$', '^send › sent$', '^sendOffsets$', '^sendOffsets › sent$', '^commit$', '^commit › sent$'].entries()) {
    await send([...users(100 + index * 10, 10, 1), ...users(100 + index * 10, 5, 2, { rating: 1 })])
    await silver()
    const child = await children.start(job({ crash: { call: 1, at, signal: 'SIGKILL' } }))
    assert.equal((await child.exited()).signal, 'SIGKILL', child.output())
    await evict()
    await clean()
    assert.equal(await lag(), 0, at)
  }
  await checkEachOnce()
  await checkLast()
})

test('stopped in the middle of a transaction, and waking after another has taken over, it publishes nothing more', async () => {
  await send(users(200, 20, 1))
  await silver()
  const zombie = await children.start(job({ isOnce: false, crash: { call: 1, at: '^commit$', signal: 'SIGSTOP' } }))
  await zombie.standsStill()
  const owner = await children.start(job({ isOnce: false }))
  await until('the other to publish', async () => (await lag()) === 0)
  await send(users(200, 20, 2, { rating: 2 }))
  zombie.kill('SIGCONT')
  await silver()
  await until('both to go on', async () => (await lag()) === 0)
  await zombie.says('that it begins anew', ({ msg }) => msg === 'beginning anew')
  await send(users(200, 20, 3, { rating: 4 }))
  await silver()
  await until('one of them to go on', async () => (await lag()) === 0)
  for (const child of [zombie, owner]) child.kill('SIGTERM')
  await finished(zombie)
  await finished(owner)
  await checkEachOnce()
  await checkLast()
})

test('a live one follows Silver, and leaves its group when it stops', async (t) => {
  const live = await children.start(job({ isOnce: false }))
  t.after(() => live.kill('SIGKILL'))
  await live.says('that it joined', ({ msg }) => msg === 'joined the group')
  await send(users(300, 10, 1))
  await silver()
  const sinceMs = Date.now()
  await until('the changes', async () => (await lag()) === 0)
  t.diagnostic(`${Date.now() - sinceMs} ms after Silver`)
  await live.stop()
  assert.equal(await client.groupMembers(GROUP), 0)
  await checkEachOnce()
})

/** What Kafka's own tool does with an idle group. */
const reset = async (groupId: string, offsets: Record<number, number>) =>
  admin.setOffsets({
    groupId,
    topic,
    partitions: Object.entries(offsets).map(([partition, offset]) => ({ partition: Number(partition), offset: String(offset) })),
  })

test('a replay publishes its difference: what it changed, and deletions of what is gone', async () => {
  const before = await ends()
  await reset('readflow.silver', { 0: 0, 1: 0 })
  await silver()
  assert.deepEqual(await clean(), { published: 0, deleted: 0 }, 'the same rows again are no difference')
  assert.deepEqual(await received(before), [])

  await reset('readflow.silver', { 0: 0, 1: 0 })
  // By other rules: user-20's ratings are cleaned otherwise, and user-21 is refused.
  await silver((table) => ({
    ...table,
    transform: async (...args) => {
      const result = await table.transform(...args)
      const keys = columnOf(result.batch, '_key')
      const rows = Array.from({ length: result.batch.length }, (_, row) => row).filter(
        (row) => !String(valueAt(keys, row)).startsWith('user-21:'),
      )
      const batch = take(result.batch, rows)
      const at = batch.fields.findIndex(({ name }) => name === 'review_id')
      const changed = newColumn({ kind: 'string' }, batch.length)
      for (let row = 0; row < batch.length; row++)
        appendValue(
          changed,
          String(valueAt(columnOf(batch, '_key'), row)).startsWith('user-20:') ? 'other' : valueAt(batch.columns[at]!, row),
        )
      return { ...result, batch: { ...batch, columns: batch.columns.map((column, index) => (index === at ? changed : column)) } }
    },
  }))
  assert.deepEqual(await clean(), { published: 1, deleted: 1 })
  assert.deepEqual((await received(before)).map(({ key, value }) => [key.split(':')[0], value?.['review_id']]).sort(), [
    ['user-20', 'other'],
    ['user-21', undefined],
  ])
  await checkLast()
  assert.equal(await lag(), 0)
  assert.deepEqual(await clean(), { published: 0, deleted: 0 })
})

test('a group that is reset publishes each key’s newest version again, and none after a newer one', async () => {
  const before = await ends()
  await reset(GROUP, { 0: 0, 1: 0 })
  const counts = await clean()
  const keys = new Set((await rowsOfSilver()).map(({ _key }) => _key))
  assert.equal(counts!.published + counts!.deleted, keys.size)
  const again = await received(before)
  assert.equal(new Set(again.map(({ key }) => key)).size, again.length)
  await checkLast()
  await reset(GROUP, { 0: 10_000, 1: 10_000 })
  assert.deepEqual(await clean(), { published: 0, deleted: 0 }, 'beyond the table nothing is left out')
  await admin.deleteGroups([GROUP])
  assert.deepEqual(await clean(), { published: 0, deleted: 0 }, 'a group that is gone publishes nothing twice')
  assert.equal(await lag(), 0)
})

test('a key in two partitions: its newest version stands, whichever comes last', async () => {
  const before = await ends()
  await send([{ key: 'user-500', at: 10, rating: 5, partition: 0 }])
  await silver()
  await clean()
  await send([
    { key: 'user-500', at: 5, rating: 1, partition: 1 },
    { key: 'user-501', at: 5, rating: 1, partition: 1 },
  ])
  await send([{ key: 'user-501', at: 9, rating: 2, partition: 0 }])
  await silver()
  await clean()
  assert.deepEqual(
    (await received(before))
      .filter(({ key }) => /^user-50[01]:/.test(key))
      .map(({ key, value }) => [key.split(':')[0], value?.['rating']])
      .sort(),
    [
      ['user-500', 5],
      ['user-501', 2],
    ],
  )
  await checkLast()
})

test('far behind, with files merged and old ones vacuumed, it reads what is live', async () => {
  for (let at = 20; at < 24; at++) {
    await send(users(0, 10, at, { rating: 1 + (at % 5) }))
    await silver()
  }
  const store = openStore(lakeUrl)
  const table = openTable(store, 'silver/ratings')
  const { files, metadata } = await table.snapshot()
  // All files as one, in another order, as compaction sorts them; then the old ones are gone.
  const columns = metadata!.fields.map(({ name }) => name)
  const adds = []
  for await (const batch of scan(store, await table.snapshot(), { root: 'silver/ratings', columns })) {
    const turned = take(
      batch,
      Array.from({ length: batch.length }, (_, row) => batch.length - 1 - row),
    )
    adds.unshift(...(await stageFiles(table, turned, { partitionColumns: metadata!.partitionColumns })))
  }
  await commit(table, { operation: 'OPTIMIZE', adds, removes: [...files.values()], dataChange: false })
  for (const { path } of files.values()) await rm(`${stack.dataDir}/lake/silver/ratings/${filePath(path)}`)
  await store.close()
  const before = await ends()
  assert.deepEqual(await clean(), { published: 40, deleted: 0 })
  const list = (await received(before)).filter(({ key }) => key.startsWith('user-3:'))
  assert.deepEqual(
    list.map(({ headers }) => (Number(headers['order']) - FIRST_MS) / 60_000),
    [20, 21, 22, 23],
  )
  await checkLast()
})

test('verify compares each key of the clean topic with its current row', async () => {
  const store = openStore(lakeUrl)
  const duckdb = await openDuckDb()
  try {
    const files = openLocalFiles({ store, dir: stack.dataDir, maxBytes: 0 })
    const pinned = { root: 'silver/ratings', snapshot: await openTable(store, 'silver/ratings').snapshot() }
    const view = await openView({ duckdb, files, signal: new AbortController().signal }, 'silver', pinned, [])
    const proved = await verifyClean({ duckdb, reader }, 'ratings', view)
    const alive = new Set((await rowsOfSilver()).map(({ _key }) => _key)).size - 2
    assert.deepEqual(proved, { topic: topicOut, keys: alive, changedSince: 0, proof: 'proved', faults: [], notes: [] })
    const value = frameAvro(1, Buffer.from('x'))
    await sender.send({
      topic: topicOut,
      messages: [
        { key: 'stranger', value },
        { key: 'user-3: 1 ', value: null },
        { key: 'user-4: 1 ', value },
      ],
    })
    assert.deepEqual((await verifyClean({ duckdb, reader }, 'ratings', view))?.faults, [
      '1 keys of the table that the topic does not have: user-3: 1 ',
      '1 keys of the topic that the table does not have, or has as deleted: stranger',
      '1 keys with another version than in the table: user-4: 1 ',
    ])
    view.release()
  } finally {
    await duckdb.close()
    await store.close()
  }
})

test('a clean topic that was deleted is made again and filled', async () => {
  await admin.deleteTopics({ topics: [topicOut] })
  await until('the topic to be gone', async () => !(await admin.listTopics()).includes(topicOut))
  await clean()
  await checkLast()
  assert.equal(await lag(), 0)
})

test('a source topic that is made anew goes on in the same clean topic', async () => {
  const before = await ends()
  await admin.deleteTopics({ topics: [topic] })
  await until('the topic to be gone', async () => !(await admin.listTopics()).includes(topic))
  // kafkajs asks on for a topic that it has been asked about.
  const fresh = await openKafka({ brokers: stack.brokers, clientId: 'test', log })
  await fresh.ensureTopics(topicSpecs({ partitions: 2, replicationFactor: 1 }))
  await fresh.close()
  await send([
    { key: 'user-1', at: 0, rating: 1 },
    { key: 'user-1', at: 100, rating: 2 },
    { key: 'user-900', at: 1, rating: 2 },
  ])
  await silver()
  await clean()
  assert.deepEqual((await received(before)).map(({ key, value }) => [key.split(':')[0], value?.['rating']]).sort(), [
    ['user-1', 2],
    ['user-900', 2],
  ])
  await checkLast()
})

/** Lines of a subscriber, until it has said what the topic holds. */
const subscribed = async (command: string, args: string[]) => {
  const wanted = (await received()).map((each) => [each.key, each.value?.['rating'] ?? null, each.headers['hash'] ?? null])
  const child = spawn(command, args, { cwd: checkout })
  let out = ''
  let errors = ''
  child.stdout.on('data', (piece) => {
    out += piece
  })
  child.stderr.on('data', (piece) => {
    errors += piece
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  try {
    await until(`${wanted.length} changes`, async () => {
      if (child.exitCode !== null) throw new Error(errors)
      return out.split('\n').length > wanted.length
    }).catch((error) => assert.fail(`${error.message}\n${errors}\n${out.slice(-500)}`))
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, never>)
    assert.deepEqual(lines.map(({ key, value, hash }) => [key, value?.['rating'] ?? null, hash]).sort(), wanted.sort())
  } finally {
    child.kill('SIGTERM')
    await closed
  }
}

const example = (name: string, group: string) => [`examples/${name}`, topicOut, stack.brokers.join(','), stack.registryUrl, group]

test('the example in TypeScript receives every change', () => subscribed(process.execPath, example('subscribe.ts', 'ts')))
test('the example in Python receives every change', { skip: pythonMissing }, () => subscribed(python, example('subscribe.py', 'py')))
