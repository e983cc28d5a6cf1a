import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { createPublisher } from '../../../lineage/runs/publish.ts'
import { RUNS_ROOT, readNewestDays } from '../../../lineage/runs/read.ts'
import { openRecorder, withRun } from '../../../lineage/runs/recorder.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import type { OutgoingRecord } from '../../../runtime/kafka/producer.ts'
import { createLog } from '../../../runtime/log.ts'

const log = createLog('test', 'silent')
const poll = { kind: 'poll', job: 'poll sandbox' } as const

const runsOf = async (store: ObjectStore) => {
  const table = openTable(store, RUNS_ROOT)
  return readNewestDays(table, await table.snapshot(), 10)
}

const topic = () => {
  const events: string[] = []
  let isAway = false
  return {
    events,
    away: (is: boolean) => {
      isAway = is
    },
    openProducer: async () => ({
      send: async (records: readonly OutgoingRecord[]) => {
        if (isAway) throw new ReadflowError('kafka-unavailable', 'Kafka is away.')
        for (const { key, value } of records) events.push(`${String(key).slice(0, 1)} ${JSON.parse(String(value)).eventType}`)
      },
      close: async () => undefined,
    }),
  }
}

const publisherOn = (table: Table, { openProducer }: ReturnType<typeof topic>, programs: readonly string[] = ['poll']) =>
  createPublisher({ table, programs, places: { lakeUrl: 'file:/lake', brokers: ['b'] }, openProducer, log })

test('a run that did something is on record, with its end and what it read and wrote', async () => {
  const store = openMemoryStore()
  const recorder = await openRecorder({ table: openTable(store, RUNS_ROOT), program: 'poll', publisher: null, log })
  await withRun(recorder, { ...poll, runId: 'a' }, async (run) => {
    run.begin({ inputs: [{ type: 'source', name: 'sandbox' }] })
    run.note({ outputs: [{ type: 'topic', name: 'goodreads.books', rows: 3 }], counts: { books: 3 } })
  })
  await withRun(recorder, { ...poll, runId: 'b' }, async () => undefined)
  await recorder.close()
  const runs = await runsOf(store)
  assert.deepEqual(
    runs.map(({ runId, state, attempt, inputs, outputs, counts, error }) => ({ runId, state, attempt, inputs, outputs, counts, error })),
    [
      {
        runId: 'a',
        state: 'completed',
        attempt: 1,
        inputs: [{ type: 'source', name: 'sandbox' }],
        outputs: [{ type: 'topic', name: 'goodreads.books', rows: 3 }],
        counts: { books: 3 },
        error: null,
      },
    ],
    'the poll that found nothing left no trace',
  )
})

test('failures are attempts at the same job; a stop is an abort and no failure', async () => {
  const store = openMemoryStore()
  const recorder = await openRecorder({ table: openTable(store, RUNS_ROOT), program: 'poll', publisher: null, log })
  const fail = (runId: string, signal?: AbortSignal) =>
    assert.rejects(
      withRun(recorder, { ...poll, runId, signal }, async (run) => {
        if (signal) run.begin()
        throw new ReadflowError('source-unavailable', `it is away\nfor ${runId}`)
      }),
    )
  await fail('a')
  await fail('b')
  await fail('c', AbortSignal.abort())
  await withRun(recorder, { ...poll, runId: 'd' }, async (run) => run.begin())
  await withRun(recorder, { ...poll, runId: 'e' }, async (run) => run.begin())
  await recorder.close()
  const found = Object.fromEntries((await runsOf(store)).map(({ runId, state, attempt, error }) => [runId, [state, attempt, error]]))
  assert.deepEqual(found, {
    a: ['failed', 1, 'it is away for a'],
    b: ['failed', 2, 'it is away for b'],
    c: ['aborted', 3, 'it is away for c'],
    d: ['completed', 3, null],
    e: ['completed', 1, null],
  })
})

test('what a process left behind is aborted by the next one, whose run is a further attempt', async () => {
  const store = openMemoryStore()
  const first = await openRecorder({ table: openTable(store, RUNS_ROOT), program: 'poll', publisher: null, log })
  first.start({ ...poll, runId: 'a' }).begin()
  await first.close()
  const second = await openRecorder({ table: openTable(store, RUNS_ROOT), program: 'poll', publisher: null, log })
  await withRun(second, { ...poll, runId: 'b' }, async (run) => run.begin())
  await second.close()
  const [b, a] = await runsOf(store).then((runs) => runs.sort((x, y) => (x.runId < y.runId ? 1 : -1)))
  assert.deepEqual([a?.state, a?.endedMs, b?.state, b?.attempt], ['aborted', null, 'completed', 2])
  assert.match(a?.error ?? '', /is gone/)
})

test('a lake that is away fails no run, and its row is written later', async () => {
  const memory = openMemoryStore()
  let isAway = true
  const store: ObjectStore = {
    ...memory,
    put: async (...args) => {
      if (isAway) throw new ReadflowError('lake-unavailable', 'the lake is away')
      return memory.put(...args)
    },
  }
  const recorder = await openRecorder({ table: openTable(store, RUNS_ROOT), program: 'poll', publisher: null, log })
  await withRun(recorder, { ...poll, runId: 'a' }, async (run) => run.begin())
  assert.deepEqual(await runsOf(memory), [])
  isAway = false
  await recorder.close()
  assert.deepEqual(
    (await runsOf(memory)).map(({ runId, state }) => [runId, state]),
    [['a', 'completed']],
  )
})

test('events are published from the table: those of a time without Kafka come with the next process', async () => {
  const store = openMemoryStore()
  const kafka = topic()
  kafka.away(true)
  const first = openTable(store, RUNS_ROOT)
  const recorder = await openRecorder({ table: first, program: 'poll', publisher: publisherOn(first, kafka), log })
  await withRun(recorder, { ...poll, runId: 'a' }, async (run) => run.begin())
  await recorder.close()
  assert.deepEqual(kafka.events, [])

  kafka.away(false)
  const table = openTable(store, RUNS_ROOT)
  const again = await openRecorder({ table, program: 'poll', publisher: publisherOn(table, kafka), log })
  await withRun(again, { ...poll, runId: 'b' }, async (run) => run.begin())
  await again.close()
  assert.deepEqual([...new Set(kafka.events)], ['a START', 'a COMPLETE', 'b START', 'b COMPLETE'])
})

test('rows of other programs are left to those, but for the ones that know no Kafka', async () => {
  const store = openMemoryStore()
  for (const program of ['poll', 'optimize'] as const) {
    const recorder = await openRecorder({ table: openTable(store, RUNS_ROOT), program, publisher: null, log })
    await withRun(recorder, { ...poll, runId: program }, async (run) => run.begin())
    await recorder.close()
  }
  const kafka = topic()
  const table = openTable(store, RUNS_ROOT)
  const recorder = await openRecorder({ table, program: 'compact', publisher: publisherOn(table, kafka, ['compact', 'optimize']), log })
  await withRun(recorder, { kind: 'build', job: 'build gold', runId: 'c' }, async (run) => run.begin())
  await recorder.close()
  assert.deepEqual([...new Set(kafka.events)], ['o START', 'o COMPLETE', 'c START', 'c COMPLETE'])
})
