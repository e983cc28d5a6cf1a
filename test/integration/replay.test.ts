import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createBronze } from '../../consumers/bronze/bronze.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { gapsOf, progressId, readLedger } from '../../consumers/sink/ledger.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { RUNS_ROOT, readNewestDays } from '../../lineage/runs/read.ts'
import { openRecorder } from '../../lineage/runs/recorder.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { createLog } from '../../runtime/log.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { readRows } from '../helpers/tables.ts'

const log = createLog('test', process.env['DBG'] ? 'debug' : 'error')
const { topic } = catalogue.ratings
let schemaId: number
const codec = compileAvro(catalogue.ratings.schema)
const { client, producer, registry, lakeUrl, close } = await startTestPipeline()

before(async () => {
  schemaId = await registry.register(catalogue.ratings.subject, catalogue.ratings.schema)
  await send(0, 300)
  await producer.send([{ topic, key: 'bad', value: Buffer.from('not avro') }])
  await send(300, 400)
  await send(100, 150)
})
after(close)

/** Ratings `from` to `to`: the same number is the same record. */
const send = (from: number, to: number) =>
  producer.send(
    Array.from({ length: to - from }, (_, index) => {
      const key = `${Math.floor((from + index) / 2)}:${(from + index) % 2}`
      const [user_id = '', book_id = ''] = key.split(':')
      const value = {
        user_id,
        book_id,
        rating: 1 + ((from + index) % 5),
        rated_at: 1_700_000_000_000 + from + index,
        review_id: null,
        extra: {},
      }
      return { topic, key, value: frameAvro(schemaId, codec.encode(value)) }
    }),
  )

const drain = async (stage: 'bronze' | 'silver', maxRows = 60) => {
  const store = openStore(lakeUrl)
  const runs = await openRecorder({ table: openTable(store, RUNS_ROOT), program: 'consume', publisher: null, log })
  try {
    return await runSink(
      {
        stage: stage === 'bronze' ? createBronze({ registry }) : createSilver({ registry, store }),
        store,
        client,
        producer,
        flush: { intervalMs: 500, maxRows, maxBytes: 1 << 24 },
        isOnce: true,
        runs,
        log,
      },
      new AbortController().signal,
    )
  } finally {
    await runs.close()
    await store.close()
  }
}

const reset = (group: string, offsets: Record<number, number>) =>
  withAdmin((admin) =>
    admin.setOffsets({
      groupId: group,
      topic,
      partitions: Object.entries(offsets).map(([partition, offset]) => ({ partition: Number(partition), offset: String(offset) })),
    }),
  )
const withAdmin = async <T>(use: (admin: ReturnType<typeof client.kafka.admin>) => Promise<T>): Promise<T> => {
  const admin = client.kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

const columns = {
  bronze: ['_partition', '_offset', '_value_hash', 'rating', 'ingestion_timestamp', '_undelivered_before', '_error'],
  silver: ['_partition', '_offset', '_key', '_order', '_hash', '_late', 'rating', 'ingestion_timestamp'],
}
const rows = async (stage: 'bronze' | 'silver') =>
  (await readRows(lakeUrl, `${stage}/ratings`, columns[stage])).sort(
    (a, b) => (a['_partition'] as number) - (b['_partition'] as number) || (a['_offset'] as number) - (b['_offset'] as number),
  )

const state = async (stage: 'bronze' | 'silver') => {
  const snapshot = await openTable(openStore(lakeUrl), `${stage}/ratings`).snapshot()
  const topicId = (await client.topicIds([topic])).get(topic) ?? ''
  const of = (partition: number) => {
    const appId = progressId({ stage, clusterId: client.clusterId, topicId, partition })
    const counters = Object.fromEntries(
      ['rows', 'valid', 'late', 'repeat', 'dead', 'dead/not-avro'].map((name) => [name, snapshot.txns.get(`${appId}/${name}`) ?? 0]),
    )
    return { ...readLedger(snapshot, appId), ...counters, gaps: gapsOf(snapshot.metadata?.configuration ?? {}, { topicId, partition }) }
  }
  return { version: snapshot.version, partitions: [of(0), of(1)] }
}

/** The last replay that is on record. */
const lastReplay = async () => {
  const table = openTable(openStore(lakeUrl), RUNS_ROOT)
  const [run] = await readNewestDays(table, await table.snapshot(), 2)
  return run && { kind: run.kind, job: run.job, state: run.state, inputs: run.inputs, outputs: run.outputs, counts: run.counts }
}

const lag = async (group: string) => (await client.groupLag(group, [topic])).map((each) => each.lag)

for (const stage of ['bronze', 'silver'] as const) {
  test(`${stage}: a reset to the start derives every row again, in one commit, to the same rows and counts`, async () => {
    await drain(stage)
    const [before, beforeState] = [await rows(stage), await state(stage)]
    const [first, second] = beforeState.partitions
    assert.equal(before.length, stage === 'bronze' ? 451 : 500)
    await reset(`readflow.${stage}`, { 0: 0, 1: 0 })
    await drain(stage)
    assert.deepEqual(await rows(stage), before)
    const afterState = await state(stage)
    assert.equal(afterState.version, beforeState.version + 1, 'one commit')
    assert.deepEqual(afterState.partitions, [
      { ...first, epoch: 1 },
      { ...second, epoch: 1 },
    ])
    assert.deepEqual(await lag(`readflow.${stage}`), [0, 0])
    const replay = await lastReplay()
    assert.deepEqual([replay?.kind, replay?.job, replay?.state], ['replay', `replay ${stage}.ratings`, 'completed'])
    assert.deepEqual(replay?.inputs, [{ type: 'topic', name: topic, version: `0:0-${first?.progress},1:0-${second?.progress}` }])
    assert.deepEqual(replay?.outputs, [{ type: 'table', name: `${stage}.ratings`, version: afterState.version, rows: before.length }])
    assert.equal(replay?.counts['partitions'], 2)
    await drain(stage)
    assert.equal((await state(stage)).version, afterState.version, 'nothing to do any more')
  })

  test(`${stage}: a reset of one partition to an offset in the middle leaves the other alone`, async () => {
    const [before, beforeState] = [await rows(stage), await state(stage)]
    await reset(`readflow.${stage}`, { 1: 77 })
    await drain(stage)
    assert.deepEqual(await rows(stage), before)
    const [first, second] = (await state(stage)).partitions
    assert.deepEqual(first, beforeState.partitions[0])
    assert.deepEqual(second, { ...beforeState.partitions[1], epoch: (beforeState.partitions[1]?.epoch ?? 0) + 1 })
  })

  if (stage === 'silver')
    test('silver: the counts before the range stay, also of what was dropped there', async () => {
      await producer.send([{ topic, key: 'bad too', value: Buffer.from('not avro') }])
      await send(0, 50)
      await drain(stage)
      const { partitions } = await state(stage)
      await reset('readflow.silver', Object.fromEntries(partitions.map(({ progress }, partition) => [partition, (progress ?? 0) - 20])))
      await drain(stage)
      const epochs = partitions.map(({ epoch }) => ({ epoch: (epoch ?? 0) + 1 }))
      assert.deepEqual(
        (await state(stage)).partitions,
        partitions.map((partition, index) => ({ ...partition, ...epochs[index] })),
      )
      assert.equal(
        partitions.reduce((sum, partition) => sum + ((partition as unknown as { dead: number }).dead ?? 0), 0),
        2,
      )
    })

  test(`${stage}: records that came in the meantime follow the replay`, async () => {
    const before = await rows(stage)
    await reset(`readflow.${stage}`, { 0: 10 })
    await send(stage === 'bronze' ? 400 : 500, stage === 'bronze' ? 500 : 600)
    await drain(stage)
    const after = await rows(stage)
    assert.equal(after.length, before.length + 100)
    for (const [partition, { progress }] of (await state(stage)).partitions.entries())
      assert.equal(progress, (await client.topicOffsets(topic))[partition]?.end)
  })

  test(`${stage}: a group that was deleted replays nothing, and its offsets come back`, async () => {
    const beforeState = await state(stage)
    await withAdmin((admin) => admin.deleteGroups([`readflow.${stage}`]))
    await drain(stage)
    assert.deepEqual(await state(stage), beforeState)
    assert.deepEqual(await lag(`readflow.${stage}`), [0, 0])
  })
}

test('a group moved forward leaves a named gap, and a reset below it fills it', async () => {
  const { partitions } = await state('bronze')
  await send(700, 900)
  const from = partitions[0]?.progress ?? 0
  await reset('readflow.bronze', { 0: from + 20 })
  await drain('bronze')
  const after = (await state('bronze')).partitions[0]
  assert.deepEqual(
    after?.gaps.map(({ at, ...gap }) => gap),
    [{ from, to: from + 20, reason: 'skipped' }],
  )
  const offsets = async () => (await rows('bronze')).filter((row) => row['_partition'] === 0).map((row) => row['_offset'])
  assert.ok(!(await offsets()).includes(from + 19) && (await offsets()).includes(from + 20))
  await reset('readflow.bronze', { 0: from + 5 })
  await drain('bronze')
  assert.deepEqual(
    (await state('bronze')).partitions[0]?.gaps.map(({ at, ...gap }) => gap),
    [{ from, to: from + 5, reason: 'skipped' }],
  )
  await reset('readflow.bronze', { 0: 0 })
  await drain('bronze')
  assert.deepEqual((await state('bronze')).partitions[0]?.gaps, [])
  assert.deepEqual(
    await offsets(),
    Array.from({ length: (await client.topicOffsets(topic))[0]?.end ?? 0 }, (_, offset) => offset),
  )
})

test('silver: what fills a gap is counted beside what was delivered before', async () => {
  const counted = async () => {
    const of = (await state('silver')).partitions[0] as unknown as Record<string, number>
    return {
      records: (of['valid'] ?? 0) + (of['repeat'] ?? 0) + (of['dead'] ?? 0),
      repeat: of['repeat'] ?? 0,
      progress: of['progress'] ?? 0,
    }
  }
  await drain('silver')
  const { progress: from, records, repeat } = await counted()
  assert.ok(records === from && repeat > 0, 'every offset is counted, and some before the gap are repeats')
  await send(1000, 1100)
  await reset('readflow.silver', { 0: from + 20 })
  await drain('silver')
  const skipped = await counted()
  assert.equal(skipped.records, skipped.progress - 20)
  await reset('readflow.silver', { 0: from - 5 })
  await drain('silver')
  const filled = await counted()
  assert.deepEqual(filled, { records: skipped.progress, repeat, progress: skipped.progress })
})
