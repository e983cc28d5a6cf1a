import assert from 'node:assert/strict'
import { it } from 'node:test'
import { appendGate, type GateHold, openState } from '../../../lake/gate-log.ts'
import { startApi } from '../helpers/api.ts'
import { publishGold } from '../helpers/gold-lake.ts'

const check = {
  id: 'fact_rating.rating.range',
  table: 'gold.fact_rating',
  column: 'rating',
  verdict: 'fail' as const,
  measured: 2,
  threshold: 'at most 0 rows outside of 1 to 5',
  message: '2 ratings lie outside of 1 to 5.',
  sampleKeys: ['u3:b1', 'u4:b1'],
}
const hold: GateHold = {
  run: 'run-1',
  at: '2026-11-23T17:01:00.000Z',
  since: '2026-11-23T17:00:00.000Z',
  runs: 2,
  baseVersion: 0,
  inputs: { ratings: 3 },
  isStaged: true,
  checks: [check, { ...check, id: 'other' }],
}
const heldEvent = { kind: 'held' as const, run: 'run-1', checks: hold.checks, baseVersion: 0, changes: [], publish: {} }

it('answers with the last good Gold while newer data is held, and says so everywhere', async (t) => {
  const api = await startApi(t)
  await publishGold(api.store, {})
  await api.gold.refresh()
  await api.gate.refresh()
  const open = await api.get('/v1/books')
  assert.deepEqual([open.status, open.body.held_since, open.headers.get('readflow-held-since')], [200, undefined, null])
  assert.match((await api.get('/metrics')).body, /^readflow_gate_held 0$/m)
  assert.deepEqual((await api.get('/v1/gate')).body, { held: null, waived: [], history: [] })

  const entry = await appendGate(api.store, null, {
    at: hold.at,
    event: heldEvent,
    state: { ...openState, hold, releasable: [{ run: 'run-1', number: 0 }] },
  })
  await api.gate.refresh()
  const held = await api.get('/v1/books')
  const reason = '2 ratings lie outside of 1 to 5. (1 more check failed)'
  assert.deepEqual(
    [held.status, held.body.version, held.body.held_since, held.body.held_reason, held.headers.get('readflow-held-since')],
    [200, 0, hold.since, reason, hold.since],
  )
  for (const query of ['version=0', 'as_of=2999-01-01']) {
    const { body, headers } = await api.get(`/v1/books?${query}`)
    assert.deepEqual([body.held_since, body.held_reason, headers.get('cache-control')], [hold.since, reason, 'no-cache'], query)
  }
  const rows = await api.get('/v1/books?format=csv')
  assert.deepEqual([rows.headers.get('readflow-held-since'), rows.headers.get('readflow-held-reason')], [hold.since, reason])
  const { gate, gold } = (await api.get('/v1/status')).body
  assert.deepEqual([gold.version, gate.held.reason, gate.held.version, gate.held.checks[0].sample_keys], [0, reason, 0, check.sampleKeys])
  const detail = (await api.get('/v1/gate')).body
  assert.deepEqual([detail.held.run, detail.held.releasable, detail.history[0].kind], ['run-1', ['run-1'], 'held'])
  const metrics = (await api.get('/metrics')).body
  for (const line of [
    'readflow_gate_held 1',
    `readflow_gate_held_since_seconds ${Date.parse(hold.since) / 1000}`,
    'readflow_gate_checks_failed 2',
  ])
    assert.ok(metrics.includes(`\n${line}\n`), line)
  assert.equal((await api.get('/v1/books/nothing')).status, 404)

  // A build that published and died before it noted that the hold is over.
  await publishGold(api.store, {})
  await api.gold.refresh()
  await api.gate.refresh()
  assert.equal((await api.get('/v1/books')).body.held_since, undefined)

  const event = { kind: 'release' as const, run: 'run-1', by: 'ann', why: 'known', checks: hold.checks, held: 0 }
  await appendGate(api.store, entry, { at: hold.at, event, state: { ...openState, releasing: 1 } })
  assert.deepEqual((await api.get('/v1/gate?limit=1')).body.history, [
    { at: hold.at, kind: 'release', run: 'run-1', by: 'ann', why: 'known', waived: [check.id, 'other'] },
  ])
})

it('says why there is no Gold where the very first one is held', async (t) => {
  const api = await startApi(t)
  await appendGate(api.store, null, { at: hold.at, event: heldEvent, state: { ...openState, hold: { ...hold, baseVersion: null } } })
  await api.gate.refresh()
  const { status, body, headers } = await api.get('/v1/books')
  assert.deepEqual([status, headers.get('readflow-held-since')], [503, hold.since])
  assert.match(body.detail, /the first one is held since 2026-11-23T17:00:00.000Z: 2 ratings lie outside/)
  assert.match((await api.get('/readyz')).body.reasons[0], /the first one is held: 2 ratings/)
  assert.equal((await api.get('/v1/status')).body.gate.held.version, null)
})
