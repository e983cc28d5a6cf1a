import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSilver } from '../../consumers/silver/silver.ts'
import { progressId, readLedger } from '../../consumers/sink/ledger.ts'
import { runSink, type SinkOptions } from '../../consumers/sink/sink.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { sleep } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue, entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { completeThroughMs } from '../../schemas/through.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { eventually } from '../helpers/stack.ts'
import { readRows } from '../helpers/tables.ts'

const log = createLog('test', process.env['DBG'] ? 'info' : 'error')
const { topic, schema, subject } = catalogue.ratings
const codec = compileAvro(schema)
let schemaId: number
const { client, producer, registry, lakeUrl, close } = await startTestPipeline({ log })

before(async () => {
  schemaId = await registry.register(subject, schema)
})
after(close)

/** Ratings of one user go to one partition. */
const rating = (user: string, book: number) => ({
  topic,
  key: `${user}:${book}`,
  value: frameAvro(
    schemaId,
    codec.encode({ user_id: user, book_id: String(book), rating: 3, rated_at: 1_700_000_000_000, review_id: null, extra: {} }),
  ),
})
const send = (user: string, books: readonly number[]) => producer.send(books.map((book) => rating(user, book)))

const run = async (options: Partial<SinkOptions> & { store: ObjectStore }, signal = new AbortController().signal) => {
  const flush = { intervalMs: 200, maxRows: 50_000, maxBytes: 1 << 24 }
  const stage = createSilver({ registry, store: options.store })
  return runSink({ stage, client, producer, flush, isOnce: false, renewIntervalMs: 300, log, ...options }, signal)
}
const drain = async () => {
  const store = openStore(lakeUrl)
  await run({ store, isOnce: true }).finally(() => store.close())
}

const snapshotOf = async (entity: EntityName) => {
  const store = openStore(lakeUrl)
  return openTable(store, `silver/${entity}`)
    .snapshot()
    .finally(() => store.close())
}
const throughOf = async (entity: EntityName) => completeThroughMs((await snapshotOf(entity)).txns, 'silver')

const partitions = async () => {
  const snapshot = await snapshotOf('ratings')
  const topicId = (await client.topicIds([topic])).get(topic) ?? ''
  return [0, 1].map((partition) => readLedger(snapshot, progressId({ stage: 'silver', clusterId: client.clusterId, topicId, partition })))
}

/** Asks Kafka itself: nothing that was stamped before a partition's time lies behind the table's progress. */
const assertHolds = async () => {
  const admin = client.kafka.admin()
  await admin.connect()
  try {
    for (const [partition, { through, progress }] of (await partitions()).entries()) {
      assert.ok(through !== null)
      const found = (await admin.fetchTopicOffsetsByTimestamp(topic, through)).find((each) => each.partition === partition)
      assert.ok(
        Number(found?.offset) <= (progress ?? 0),
        `partition ${partition}: ${found?.offset} is stamped from ${through} on, progress is ${progress}`,
      )
    }
  } finally {
    await admin.disconnect()
  }
}

const newestMs = async () =>
  Math.max(...(await readRows(lakeUrl, 'silver/ratings', ['ingestion_timestamp'])).map((row) => row['ingestion_timestamp'] as number))

test('drained once, every table is complete up to the end, be there nothing in its topic', async () => {
  const sentMs = Date.now()
  await send('one', [1, 2, 3])
  await drain()
  for (const entity of entityNames) {
    const through = await throughOf(entity)
    assert.ok(through !== null && through >= sentMs && through <= Date.now(), `${entity}: ${through}`)
    assert.ok(through >= (await newestMs()), `${entity} covers what was there`)
  }
  await assertHolds()
})

test('drained again, nothing is written where nothing came', async () => {
  const versions = () => Promise.all(entityNames.map(async (entity) => (await snapshotOf(entity)).version))
  const before = await versions()
  await drain()
  assert.deepEqual(await versions(), before)
})

/** Runs a consumer meanwhile. */
const withConsumer = async (use: () => Promise<void>, options: Partial<SinkOptions> & { store: ObjectStore }) => {
  const stop = new AbortController()
  const ended = run(options, stop.signal)
  try {
    await Promise.race([use(), ended.then(() => assert.fail('the consumer ended'))])
  } finally {
    stop.abort()
    await ended
  }
}

test('while records wait, a partition is complete up to the last one that is committed', async () => {
  const store = openStore(lakeUrl)
  const [first] = await partitions()
  // Apart in time: each of them has a timestamp of its own.
  for (let book = 100; book < 140; book++) await send('one', [book])
  const seen: number[] = []
  const watched: ObjectStore = {
    ...store,
    putIfAbsent: async (path, bytes) => {
      const result = await store.putIfAbsent(path, bytes)
      if (!path.startsWith('silver/ratings/_delta_log/')) return result
      const [one, two] = await partitions()
      const lagging = [one, two].find((each) => each?.progress !== null && each?.through !== null)
      if (lagging) seen.push(lagging.through ?? 0)
      await assertHolds()
      return result
    },
  }
  try {
    await run({ store: watched, isOnce: true, flush: { intervalMs: 60_000, maxRows: 7, maxBytes: 1 << 24 } })
  } finally {
    await store.close()
  }
  assert.ok(seen.length >= 6, `${seen.length} commits`)
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  )
  assert.ok((first?.through ?? 0) < (await newestMs()))
  await assertHolds()
})

test('a partition and tables to which nothing comes are complete up to the last look, and an idle system writes nothing', async () => {
  const store = openStore(lakeUrl)
  await withConsumer(
    async () => {
      const before = await partitions()
      const sentMs = Date.now()
      await send('one', [200])
      const all = async () => [...(await partitions()).map(({ through }) => through), ...(await Promise.all(entityNames.map(throughOf)))]
      await eventually(async () => (await all()).every((through) => (through ?? 0) >= sentMs))
      assert.ok((await newestMs()) >= sentMs)
      const moved = (await partitions()).filter(({ progress }, index) => progress !== before[index]?.progress)
      assert.equal(moved.length, 1, 'nothing came to the other one')
      await assertHolds()

      const versions = () => Promise.all(entityNames.map(async (entity) => (await snapshotOf(entity)).version))
      let last = await versions()
      // One more round says what the last commit could not yet.
      await eventually(async () => {
        const earlier = last
        await sleep(1500)
        last = await versions()
        return earlier.join() === last.join()
      })
      await sleep(1500)
      assert.deepEqual(await versions(), last)
    },
    { store },
  )
  await store.close()
})

test('of two consumers the idle one says so for its partitions while the other one works', async () => {
  const stores = [openStore(lakeUrl), openStore(lakeUrl)]
  const assigned = async () => (await client.groupMembers('readflow.silver')) === 2
  await withConsumer(
    () =>
      withConsumer(
        async () => {
          await eventually(assigned)
          // Until both have partitions and have looked at their ends.
          const members = await consumersOfRatings()
          assert.equal(members, 2)
          for (let book = 300; book < 303; book++) {
            const sentMs = Date.now()
            await send('one', [book])
            await eventually(async () => (await partitions()).every(({ through }) => (through ?? 0) >= sentMs))
          }
          await assertHolds()
        },
        { store: stores[1]! },
      ),
    { store: stores[0]! },
  )
  for (const store of stores) await store.close()
})

/** How many members of the group have partitions of the topic, once it is stable. */
const consumersOfRatings = async (): Promise<number> => {
  const admin = client.kafka.admin()
  await admin.connect()
  try {
    let count = 0
    await eventually(async () => {
      const { groups } = await admin.describeGroups(['readflow.silver'])
      const members = groups[0]?.members ?? []
      count = members.filter(({ memberAssignment }) => memberAssignment.includes(topic)).length
      return groups[0]?.state === 'Stable' && members.length === 2 && count > 0
    })
    return count
  } finally {
    await admin.disconnect()
  }
}

test('a replay leaves it as it was', async () => {
  await drain()
  const [before, rows] = [
    await partitions(),
    await readRows(lakeUrl, 'silver/ratings', ['_key', '_partition', '_offset', 'ingestion_timestamp']),
  ]
  const admin = client.kafka.admin()
  await admin.connect()
  await admin.setOffsets({ groupId: 'readflow.silver', topic, partitions: [0, 1].map((partition) => ({ partition, offset: '1' })) })
  await admin.disconnect()
  await drain()
  const after = await partitions()
  assert.deepEqual(
    after.map(({ epoch }, index) => epoch === (before[index]?.epoch ?? 0) + 1),
    before.map(({ progress }) => (progress ?? 0) > 1),
  )
  assert.deepEqual(
    after.map(({ through }) => through),
    before.map(({ through }) => through),
  )
  const sorted = (list: object[]) =>
    list.map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : value))).sort()
  assert.deepEqual(
    sorted(await readRows(lakeUrl, 'silver/ratings', ['_key', '_partition', '_offset', 'ingestion_timestamp'])),
    sorted(rows),
    'Kafka’s own timestamps, so the same rows',
  )
})
