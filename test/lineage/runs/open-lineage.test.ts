import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLineageEvent } from '../../../lineage/runs/open-lineage.ts'
import { runWith } from './runs.ts'

const places = { lakeUrl: 'file:/data/my lake', brokers: ['127.0.0.1:9092', 'other:9092'] }

test('a build that is complete: what it read and wrote, with versions and rows', () => {
  const event = openLineageEvent(
    runWith({
      state: 'completed',
      endedMs: Date.UTC(2026, 10, 1, 12, 0, 2),
      inputs: [{ type: 'table', name: 'silver.books', version: 12 }],
      outputs: [{ type: 'table', name: 'gold.dim_book', version: 3, rows: 40 }],
      counts: { gold_version: 3 },
      attempt: 2,
    }),
    places,
  )
  assert.equal(event.eventType, 'COMPLETE')
  assert.equal(event.eventTime, '2026-11-01T12:00:02.000Z')
  assert.deepEqual(
    [event.job.namespace, event.job.name, event.job.facets.jobType],
    ['readflow', 'build gold', { ...event.job.facets.jobType, processingType: 'BATCH', integration: 'READFLOW', jobType: 'BUILD' }],
  )
  assert.deepEqual([event.inputs[0]?.namespace, event.inputs[0]?.name], ['file', '/data/my lake/silver/books'])
  assert.equal(event.inputs[0]?.facets.version?.datasetVersion, '12')
  assert.equal(event.outputs[0]?.outputFacets.outputStatistics?.rowCount, 40)
  assert.deepEqual(event.run.facets.readflow_run.counts, { gold_version: 3 })
  assert.equal(event.run.facets.readflow_run.attempt, 2)
})

test('each state is an event that the standard knows, and an error is its message', () => {
  const type = (values: Parameters<typeof runWith>[0]) => openLineageEvent(runWith(values), places).eventType
  assert.deepEqual(
    (['started', 'completed', 'failed', 'held', 'aborted'] as const).map((state) => type({ state })),
    ['START', 'COMPLETE', 'FAIL', 'FAIL', 'ABORT'],
  )
  const failed = openLineageEvent(runWith({ state: 'failed', error: 'Kafka is away.', recordedMs: Date.UTC(2026, 0, 1) }), places)
  assert.equal(failed.run.facets.errorMessage?.message, 'Kafka is away.')
  assert.equal(failed.eventTime, '2026-01-01T00:00:00.000Z', 'nobody knows when it ended: when that was noted')
})

test('names are those that other tools give to the same data, and hold no secret', () => {
  const s3 = { lakeUrl: 's3://bucket/some/prefix?endpoint=http://127.0.0.1:9000&region=eu', brokers: [] }
  const { outputs } = openLineageEvent(
    runWith({
      outputs: [
        { type: 'table', name: 'bronze.raw' },
        { type: 'topic', name: 'goodreads.raw' },
      ],
    }),
    s3,
  )
  assert.deepEqual(
    outputs.map(({ namespace, name }) => [namespace, name]),
    [
      ['s3://bucket', 'some/prefix/bronze/raw'],
      ['kafka://unknown', 'goodreads.raw'],
    ],
  )
  const topic = openLineageEvent(runWith({ outputs: [{ type: 'topic', name: 'goodreads.raw' }] }), places).outputs[0]
  assert.equal(topic?.namespace, 'kafka://127.0.0.1:9092')
})
