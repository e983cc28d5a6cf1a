import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import type { ObjectStore } from '../../../lake/store/store.ts'
import type { Drift } from '../../../lineage/drift/drift.ts'
import { openDrift } from '../../../lineage/drift/open.ts'
import { startApi } from '../helpers/api.ts'

const at = Date.UTC(2026, 10, 22, 12)
const finding = (fields: Partial<Drift>): Drift => ({
  ...{ entity: 'books', field: 'awards', kind: 'appeared', place: 'source', policy: 'evolve', before: null, after: 'text' },
  ...{ sample: 'Hugo', foundMs: at, source: 'goodreads', pollId: 'p1', requestId: 'r1', topic: null, partition: null, offset: null },
  schemaId: null,
  ...fields,
})
const record = async (store: ObjectStore, ...drifts: Drift[]) => {
  const recorder = openDrift({ store, log: pino({ level: 'silent' }) })
  for (const drift of drifts) recorder.record(drift)
  await recorder.close()
}

test('before the first finding there is none', async (t) => {
  const api = await startApi(t)
  assert.deepEqual((await api.get('/v1/drift')).body, { table_version: -1, total: 0, drift: [] })
  assert.equal((await api.get('/v1/status')).body.drift, null)
  assert.doesNotMatch((await api.get('/metrics')).body, /^readflow_schema_drift_total\{/m)
})

test('what was found is listed newest first, filtered, and counted in the metrics; once, whoever found it again', async (t) => {
  const api = await startApi(t)
  const retyped = finding({
    ...{ entity: 'reviews', field: 'rating', kind: 'type-changed', place: 'schema', policy: 'freeze', before: 'long', after: 'string' },
    ...{ sample: '"five"', foundMs: at + 60_000, source: null, pollId: null, requestId: null, topic: 'goodreads.reviews' },
    ...{ partition: 2, offset: 17, schemaId: 9 },
  })
  await record(api.store, finding({}))
  await record(api.store, finding({ foundMs: at + 1 }), retyped)
  const { body } = await api.get('/v1/drift')
  assert.equal(body.total, 2)
  assert.deepEqual(
    body.drift.map(({ id: _, ...rest }: { id: string }) => rest),
    [
      {
        ...{ found_at: '2026-11-22T12:01:00.000Z', entity: 'reviews', field: 'rating', kind: 'type-changed', place: 'schema' },
        ...{ policy: 'freeze', before: 'long', after: 'string', sample: '"five"', source: null, poll_id: null, request_id: null },
        ...{ topic: 'goodreads.reviews', partition: 2, offset: 17, schema_id: 9 },
      },
      {
        ...{ found_at: '2026-11-22T12:00:00.000Z', entity: 'books', field: 'awards', kind: 'appeared', place: 'source' },
        ...{ policy: 'evolve', before: null, after: 'text', sample: 'Hugo', source: 'goodreads', poll_id: 'p1', request_id: 'r1' },
        ...{ topic: null, partition: null, offset: null, schema_id: null },
      },
    ],
  )
  assert.deepEqual((await api.get('/v1/status')).body.drift, { findings: 2, newest_found_at: '2026-11-22T12:01:00.000Z' })
  const fields = async (query: string) =>
    (await api.get(`/v1/drift?${query}`)).body.drift.map(({ field }: { field: string }) => field) as string[]
  assert.deepEqual(await fields('entity=books'), ['awards'])
  assert.deepEqual(await fields('kind=type-changed'), ['rating'])
  assert.deepEqual(await fields('place=schema&entity=books'), [])
  assert.deepEqual(await fields('limit=1'), ['rating'])
  assert.equal((await api.get('/v1/drift?entity=novels')).status, 400)
  const metrics = (await api.get('/metrics')).body as string
  for (const line of [
    'readflow_schema_drift_total{entity="books",place="source",kind="appeared"} 1',
    'readflow_schema_drift_total{entity="reviews",place="schema",kind="type-changed"} 1',
  ])
    assert.ok(metrics.split('\n').includes(line), line)
})
