import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startApi } from './helpers/api.ts'

describe('before any table exists', () => {
  it('is alive, not ready, and says what is missing', async (t) => {
    const { get } = await startApi(t)
    assert.deepEqual((await get('/healthz')).body, { status: 'ok' })
    const ready = await get('/readyz')
    assert.equal(ready.status, 503)
    assert.deepEqual(ready.body.reasons, ['no Gold is published yet'])
  })

  it('names Kafka among the reasons where it does not answer', async (t) => {
    const { get } = await startApi(t, { lag: () => ({ state: 'unavailable', detail: 'No Kafka broker answers at b:1.', partitions: [] }) })
    assert.match((await get('/readyz')).body.reasons.join(), /Kafka does not answer: No Kafka broker answers at b:1\./)
  })

  it('answers every route over Gold with a 503 that says to come back', async (t) => {
    const { get } = await startApi(t)
    for (const route of [
      '/v1/books',
      '/v1/books/1',
      '/v1/authors/1',
      '/v1/charts/ratings-by-genre',
      '/v1/charts/top-books',
      '/v1/books?version=5',
      '/v1/books?as_of=2026-01-01',
      '/v1/export?version=0',
    ]) {
      const { status, headers, body } = await get(route)
      assert.equal(status, 503, route)
      assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/)
      assert.equal(headers.get('retry-after'), '5')
      assert.match(body.detail, /No Gold is published yet.*\/readyz/)
    }
  })

  it('shows the page, and a status with no table and no version', async (t) => {
    const { get } = await startApi(t)
    assert.match((await get('/')).body, /<title>ReadFlow<\/title>/)
    const { body } = await get('/v1/status')
    assert.deepEqual(
      { up: body.up, gold: body.gold, tables: body.tables, freshness: body.freshness, lag: body.lag },
      { up: null, gold: null, tables: [], freshness: [], lag: [] },
    )
  })

  it('passes on what `up` tells of the set-up', async (t) => {
    const up = {
      phase: 'setting-up' as const,
      startedAt: '2026-01-01T00:00:00.000Z',
      steps: [{ name: 'Broker', state: 'running' as const, detail: '31 of 43 MB', seconds: 3 }],
      programs: [],
      stages: [],
      links: { page: null, brokers: null, registry: null, lake: null },
      source: { uri: 'sandbox:', isGenerated: true },
    }
    const { get } = await startApi(t, { upStatus: () => up })
    assert.deepEqual((await get('/v1/status')).body.up, up)
    assert.match((await get('/readyz')).body.reasons.join(), /Kafka is not started yet/)
  })

  it('gives metrics that Prometheus reads', async (t) => {
    const { get } = await startApi(t)
    await get('/v1/books/1')
    const { body, headers } = await get('/metrics')
    assert.match(headers.get('content-type') ?? '', /^text\/plain/)
    assert.match(body, /^readflow_gold_version -1$/m)
    assert.match(body, /^process_resident_memory_bytes \d+/m)
    assert.match(body, /http_request_duration_seconds_count\{method="GET",route="\/v1\/books\/:id",status_code="503"\} 1/)
  })
})
