import assert from 'node:assert/strict'
import { test } from 'node:test'
import avro from 'avsc'
import { createBronze } from '../../../consumers/bronze/bronze.ts'
import { replayProgress, type SinkPartition } from '../../../consumers/sink/partition.ts'
import { createTableSink } from '../../../consumers/sink/table-sink.ts'
import { columnOf, valueAt } from '../../../lake/columns/column.ts'
import { mayDiffer } from '../../../lake/delta/data-change.ts'
import { scan } from '../../../lake/delta/scan.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { STAGED_MS } from '../../../lake/delta/vacuum.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { frameAvro } from '../../../runtime/avro.ts'
import type { KafkaRecord } from '../../../runtime/kafka/record-batch.ts'
import type { RecordReader } from '../../../runtime/kafka/record-reader.ts'
import type { Registry } from '../../../runtime/registry.ts'
import { completeThroughMs } from '../../../schemas/through.ts'

const record = (name: string, fields: object[]) => ({ type: 'record', name, fields })
const long = (name: string) => ({ name, type: 'long' })
const schemas: Record<number, object> = {
  1: record('Book', [{ name: 'size', type: record('Size', [long('width')]) }]),
  2: record('Book', [{ name: 'size', type: record('Size', [long('width'), long('height')]) }, long('shelf')]),
  3: record('Book', [{ name: 'shelf', type: 'string' }]),
}
const registry = { schemaById: async (id: number) => schemas[id] ?? null } as unknown as Registry
const kafkaRecord = (offset: number, [id, value]: [schemaId: number, value: object]): KafkaRecord => ({
  offset,
  timestampMs: 1_700_000_000_000,
  isLogAppendTime: true,
  key: Buffer.from(String(offset)),
  value: frameAvro(id, avro.Type.forSchema(schemas[id] as never).toBuffer(value)),
  headers: [],
})

/** A reader that gives one record at a time. */
const readerOf = (records: readonly KafkaRecord[]): RecordReader => {
  const left = [...records]
  return {
    take: async () => {
      const next = left.shift()
      return next ? { records: [next], fromOffset: next.offset, nextOffset: next.offset + 1, decodedBytes: 1 } : null
    },
    push: () => assert.fail('nothing is fetched'),
    bufferedBytes: () => left.length,
    bufferedCount: () => left.length,
    fetchedTo: () => (left.length > 0 ? left.at(-1)!.offset + 1 : null),
    clear: () => void left.splice(0),
  }
}

const partitionOf = (values: [schemaId: number, value: object][]): SinkPartition => ({
  topicId: 'id',
  partition: 0,
  appId: 'bronze/c/id/0',
  ledger: { progress: null, start: null, epoch: null, tail: 0, through: null },
  logStart: 0,
  position: 0,
  undelivered: 0,
  reader: readerOf(values.map((value, offset) => kafkaRecord(offset, value))),
  pending: null,
  replay: null,
  end: null,
  followedTo: null,
  corruptAt: null,
})

const sinkOf = (table: Table, partitions = 1) => {
  const stageTable = createBronze({ registry }).tables.find(({ entity }) => entity === 'books')
  assert.ok(stageTable)
  return createTableSink({
    topic: 'goodreads.books',
    stageTable,
    table,
    producer: { send: async () => undefined },
    topicNow: async () => ({ id: 'id', partitions }),
    deadLetterOrigins: async () => [],
  })
}

const flushAll = async (sink: ReturnType<typeof sinkOf>) => {
  while (await sink.flush({ records: 1, bytes: 1 }));
}

const read = async (table: Table, columns: string[]) => {
  const rows: unknown[][] = []
  for await (const batch of scan(table.store, await table.snapshot(), { root: table.root, columns }))
    for (let row = 0; row < batch.length; row++) rows.push(columns.map((name) => valueAt(columnOf(batch, name), row)))
  return rows
}

/** Offsets 0 to `values.length`, of which the table has only the last: all of them are derived again. */
const replaying = async (table: Table, values: [schemaId: number, value: object][]) => {
  const first = partitionOf(values.slice(0, 1))
  const sink = sinkOf(table)
  sink.assign([first])
  await flushAll(sink)
  const again: SinkPartition = {
    ...partitionOf(values),
    ledger: { ...first.ledger },
    replay: { from: 0, until: values.length, adds: [], outcomes: {}, gaps: [], filled: 0, fields: [] },
  }
  sink.assign([again])
  return { sink, partition: again }
}

test('a replay whose pieces bring fields and columns of their own puts all of them into the table', async () => {
  const table = openTable(openMemoryStore(), 'bronze/books')
  const { sink } = await replaying(table, [
    [1, { size: { width: 1 } }],
    [2, { size: { width: 2, height: 3 }, shelf: 4 }],
    [3, { shelf: 'five' }],
  ])
  await flushAll(sink)
  const rows = await read(table, ['_offset', 'size', 'shelf', '_error'])
  assert.deepEqual(rows.slice(0, 2), [
    [0, { width: 1, height: null }, null, null],
    [1, { width: 2, height: 3 }, 4, null],
  ])
  assert.deepEqual(rows[2]?.slice(0, 3), [2, null, null])
  assert.match(String(rows[2]?.[3]), /field shelf/)
})

test('a replay whose first files may be vacuumed by now starts over and takes nothing away', async () => {
  const table = openTable(openMemoryStore(), 'bronze/books')
  const { sink, partition } = await replaying(table, [
    [1, { size: { width: 1 } }],
    [1, { size: { width: 2 } }],
  ])
  await sink.flush({ records: 1, bytes: 1 })
  const { replay } = partition
  assert.equal(replay?.adds.length, 1)
  replay.adds = replay.adds.map((add) => ({ ...add, modificationTime: Date.now() - STAGED_MS + 60_000 }))
  const { version } = await table.snapshot()
  await assert.rejects(flushAll(sink), { code: 'lake-fenced', message: /vacuum/ })
  assert.equal((await table.snapshot()).version, version)
})

test('a flush tells its records, bytes and steps, and what a replay derives apart from what is new', async () => {
  const sink = sinkOf(openTable(openMemoryStore(), 'bronze/books'))
  sink.assign([partitionOf([[1, { size: { width: 1 } }]])])
  const fresh = (await sink.flush({ records: 1, bytes: 1 }))?.measures
  assert.deepEqual([fresh?.records, fresh?.committed, fresh?.replayed], [1, { rows: 1 }, 0])
  assert.ok((fresh?.bytes ?? 0) > 0)
  assert.deepEqual(Object.keys(fresh?.stepsMs ?? {}).sort(), ['commit', 'dead_letters', 'decode', 'encode'])

  const { sink: again, partition } = await replaying(openTable(openMemoryStore(), 'bronze/books'), [
    [1, { size: { width: 1 } }],
    [1, { size: { width: 2 } }],
  ])
  assert.deepEqual(replayProgress([partition]), { partitions: 1, derived: 0, offsets: 2 })
  const part = (await again.flush({ records: 1, bytes: 1 }))?.measures
  assert.deepEqual([part?.records, part?.committed, part?.replayed], [1, {}, 1])
  assert.equal(part?.stepsMs.commit, undefined, 'nothing is committed before all of it is derived')
  assert.deepEqual(replayProgress([partition]), { partitions: 1, derived: 1, offsets: 2 })
  await flushAll(again)
  assert.deepEqual(replayProgress([partition]), { partitions: 0, derived: 0, offsets: 0 })
})

const through = async (table: Table) =>
  Object.fromEntries([...(await table.snapshot()).txns].filter(([appId]) => /\/(through|partitions)$/.test(appId)))

test('with each flush the table says up to when it is complete, for partitions without anything new too', async () => {
  const table = openTable(openMemoryStore(), 'bronze/books')
  const sink = sinkOf(table, 3)
  const busy = { ...partitionOf([[1, { size: { width: 1 } }]]), end: { offset: 5, asOfMs: 1_800_000_000_000 } }
  const idle = { ...partitionOf([]), partition: 1, appId: 'bronze/c/id/1', end: { offset: 0, asOfMs: 1_700_000_000_500 } }
  const waiting = { ...partitionOf([]), partition: 2, appId: 'bronze/c/id/2', end: { offset: 4, asOfMs: 1_700_000_000_500 } }
  sink.assign([busy, idle, waiting])
  await flushAll(sink)
  assert.deepEqual(await through(table), {
    'bronze/c/id/0/through': 1_700_000_000_000,
    'bronze/c/id/1/through': 1_700_000_000_500,
    'bronze/c/id/partitions': 3,
  })
  const { version } = await table.snapshot()
  assert.equal(await sink.renewThrough(), false, 'nothing new to say')
  sink.ended(1, { offset: 0, asOfMs: 1_700_000_009_000 })
  assert.equal(await sink.renewThrough(), true)
  assert.equal((await through(table))['bronze/c/id/1/through'], 1_700_000_009_000)
  assert.equal((await table.snapshot()).version, version + 1)
  assert.equal(await mayDiffer(table, version, version + 1), false, 'no row is another')
})

test('a partition that came to the topic leaves the table open, until it was looked at', async () => {
  const store = openMemoryStore()
  const complete = async () => completeThroughMs((await openTable(store, 'bronze/books').snapshot()).txns, 'bronze')
  const first = { ...partitionOf([]), end: { offset: 0, asOfMs: 1_700_000_000_500 } }
  const alone = sinkOf(openTable(store, 'bronze/books'), 1)
  alone.assign([first])
  await alone.renewThrough()
  assert.equal(await complete(), 1_700_000_000_500)
  const grown = sinkOf(openTable(store, 'bronze/books'), 2)
  grown.assign([first])
  grown.ended(0, { offset: 0, asOfMs: 1_700_000_000_900 })
  await grown.renewThrough()
  assert.equal(await complete(), null)
  grown.assign([first, { ...partitionOf([]), partition: 1, appId: 'bronze/c/id/1', end: { offset: 0, asOfMs: 1_700_000_000_700 } }])
  await grown.renewThrough()
  assert.equal(await complete(), 1_700_000_000_700)
})

test('a table of a topic to which nothing ever came says so too', async () => {
  const table = openTable(openMemoryStore(), 'bronze/books')
  const sink = sinkOf(table)
  sink.assign([{ ...partitionOf([]), end: { offset: 0, asOfMs: 1_700_000_000_500 } }])
  await sink.renewThrough()
  assert.deepEqual(await through(table), { 'bronze/c/id/0/through': 1_700_000_000_500, 'bronze/c/id/partitions': 1 })
  assert.deepEqual(await read(table, ['_offset']), [])
})

test('who lost a partition to another says nothing of it any more', async () => {
  const store = openMemoryStore()
  const end = { offset: 0, asOfMs: 1_700_000_000_500 }
  const [mine, other] = [0, 1].map(() => sinkOf(openTable(store, 'bronze/books')))
  mine!.assign([{ ...partitionOf([]), end }])
  other!.assign([{ ...partitionOf([]), end: { ...end, asOfMs: 1_700_000_009_000 } }])
  await other!.renewThrough()
  await assert.rejects(mine!.renewThrough(), { code: 'lake-fenced' })
  assert.equal((await through(mine!.table))['bronze/c/id/0/through'], 1_700_000_009_000)
})

test('a replay leaves it as it is', async () => {
  const table = openTable(openMemoryStore(), 'bronze/books')
  const { sink } = await replaying(table, [[1, { size: { width: 1 } }]])
  const before = await through(table)
  assert.equal(before['bronze/c/id/0/through'], 1_700_000_000_000)
  sink.ended(0, { offset: 1, asOfMs: 1_700_000_009_000 })
  await flushAll(sink)
  assert.equal((await table.snapshot()).txns.get('bronze/c/id/0/epoch'), 1)
  assert.deepEqual(await through(table), before)
})
