import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { after, before, test } from 'node:test'
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
import { frameAvro } from '../../runtime/avro.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { cleanSubject, cleanTopic } from '../../schemas/clean.ts'
import { topicSpecs } from '../../schemas/topics.ts'
import { FIRST_MS, GROUP, startCleanPipeline, users } from '../helpers/clean.ts'
import { tool } from '../helpers/tool.ts'
import { root as checkout, until } from '../helpers/up.ts'

/** Kind of a resource whose settings are asked for. */
const TOPIC = 2
const { topic } = catalogue.ratings
const topicOut = cleanTopic('ratings')
const log = createLog('test', 'error')
const python = process.env['READFLOW_TEST_PYTHON'] ?? 'python3'
const pythonMissing = tool(python, ['-c', 'import confluent_kafka, fastavro'], 'pip install "confluent-kafka[avro,schemaregistry]"')
const { stack, client, registry, lakeUrl, schemaId, reader, sender, close, ...pipeline } = await startCleanPipeline()
const { send, silver, clean, received, ends, rowsOfSilver, checkEachOnce, checkLast, lag } = pipeline
const admin = client.kafka.admin()

before(() => admin.connect())
after(async () => {
  await admin.disconnect()
  await close()
})

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
