import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteModule } from '../../../api/http/module.ts'
import { retryRoutes } from '../../../api/pipeline/retry-routes.ts'
import { openRunsReader } from '../../../api/pipeline/runs.ts'
import { openTable } from '../../../lake/delta/table.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { RUNS_ROOT } from '../../../lineage/runs/read.ts'
import { openRecorder, type RunAbout, withRun } from '../../../lineage/runs/recorder.ts'
import { createLog } from '../../../runtime/log.ts'
import type { UpStatus } from '../../../runtime/up-status.ts'
import { startApi } from '../helpers/api.ts'

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

/** Runs of these kinds, one after the other by a clock of its own; a name that begins with `!` fails. */
const record = async (store: ObjectStore, kinds: readonly string[], startMs = Date.UTC(2026, 10, 1, 23, 59, 30), first = 0) => {
  let nowMs = startMs
  const recorder = await openRecorder({
    table: openTable(store, RUNS_ROOT),
    program: 'compact',
    publisher: null,
    log: createLog('test', 'silent'),
    nowMs: () => nowMs,
  })
  for (const [index, name] of kinds.entries()) {
    nowMs += 10_000
    const kind = name.replace('!', '') as RunAbout['kind']
    await withRun(recorder, { kind, job: kind, runId: uuid(first + index) }, async (run) => {
      run.begin({ inputs: [{ type: 'table', name: 'silver.books', version: index }] })
      nowMs += 1500
      if (name.startsWith('!')) throw new Error('it broke')
    }).catch(() => undefined)
  }
  await recorder.close()
}

test('before the first run there is none, and that is no fault', async (t) => {
  const api = await startApi(t)
  const { status, body } = await api.get('/v1/runs')
  assert.deepEqual([status, body], [200, { table_version: -1, runs: [], next_cursor: null }])
  assert.deepEqual((await api.get('/v1/status')).body.runs, [])
  assert.equal((await api.get(`/v1/runs/${uuid(1)}`)).status, 404)
})

test('runs are listed newest first, filtered, and by pages that stay with their version', async (t) => {
  const api = await startApi(t)
  await record(api.store, ['poll', 'build', 'poll', '!build', '!build', 'poll'])
  const { body } = await api.get('/v1/runs?limit=2')
  assert.deepEqual(
    body.runs.map(({ run_id, kind, state, attempt, duration_ms }: Record<string, unknown>) => [run_id, kind, state, attempt, duration_ms]),
    [
      [uuid(5), 'poll', 'completed', 1, 1500],
      [uuid(4), 'build', 'failed', 2, 1500],
    ],
  )
  await record(api.store, ['optimize'], Date.UTC(2026, 10, 3), 6)
  const ids: string[] = []
  for (let next: string | null = '/v1/runs?limit=2'; next; ) {
    const { body: page } = await api.get(next)
    ids.push(...page.runs.map((run: { run_id: string; kind: string }) => `${run.kind} ${run.run_id}`))
    next = page.next_cursor && `/v1/runs?limit=2&cursor=${page.next_cursor}`
  }
  assert.deepEqual(ids, [
    `optimize ${uuid(6)}`,
    `poll ${uuid(5)}`,
    `build ${uuid(4)}`,
    `build ${uuid(3)}`,
    `poll ${uuid(2)}`,
    `build ${uuid(1)}`,
    `poll ${uuid(0)}`,
  ])
  const old = await api.get(`/v1/runs?limit=2&cursor=${body.next_cursor}`)
  assert.deepEqual(old.body.table_version, body.table_version)
  assert.deepEqual(
    old.body.runs.map(({ run_id }: { run_id: string }) => run_id),
    [uuid(3), uuid(2)],
  )
  const failed = await api.get('/v1/runs?kind=build&state=failed')
  assert.deepEqual(
    failed.body.runs.map(({ run_id, error }: Record<string, unknown>) => [run_id, error]),
    [
      [uuid(4), 'it broke'],
      [uuid(3), 'it broke'],
    ],
  )
  assert.equal((await api.get(`/v1/runs?kind=build&cursor=${body.next_cursor}`)).status, 400, 'a cursor of another question')
  assert.equal((await api.get('/v1/runs?kind=bake')).status, 400)
})

test('one run by its id, and the last of each kind in the status', async (t) => {
  const api = await startApi(t)
  await record(api.store, ['poll', 'build', 'poll', '!build'])
  const { body } = await api.get(`/v1/runs/${uuid(1)}`)
  assert.deepEqual(
    [body.run.kind, body.run.state, body.run.inputs],
    ['build', 'completed', [{ type: 'table', name: 'silver.books', version: 1 }]],
  )
  const status = await api.get('/v1/status')
  assert.deepEqual(
    status.body.runs.map(({ kind, run_id, state, error }: Record<string, unknown>) => [kind, run_id, state, error]),
    [
      ['poll', uuid(2), 'completed', null],
      ['build', uuid(3), 'failed', 'it broke'],
    ],
  )
})

test('lineage of what is not there is 404, with one line that says what there is', async (t) => {
  const api = await startApi(t)
  const none = await api.get('/v1/lineage/gold.fact_rating/1:2')
  assert.deepEqual([none.status, none.body.detail], [404, 'No Gold is published yet.'])
  const table = await api.get('/v1/lineage/gold.nothing/1')
  assert.equal(table.status, 404)
  assert.match(table.body.detail, /^'gold\.nothing' is no table whose rows can be traced\. Tables: gold\.fact_rating, /)
  const row = await api.get(`/v1/lineage/silver.books/${encodeURIComponent("o'x/y")}`)
  assert.deepEqual([row.status, row.body.detail], [404, 'silver.books has no row with the key "o\'x/y" in version -1.'])
  assert.equal((await api.get('/v1/lineage/silver.books/1?version=x')).status, 400)
})

test('a failed run is tried again where that can be, and one line says why not elsewhere', async (t) => {
  const sent: unknown[] = []
  let state: UpStatus['stages'][number]['state'] = 'running'
  const upStatus = () => ({ stages: [{ name: 'gold', state }] }) as UpStatus
  let isAlone = false
  const api = await startApi(t, {
    upStatus,
    moreModules: (store) =>
      [false, true].map((alone) => {
        const tell = alone ? null : (message: unknown) => sent.push(message)
        const { router, operations } = retryRoutes({
          runs: openRunsReader({ store }),
          upStatus,
          tell,
          isShelf: async (id) => id === 'export-ann',
        })
        return {
          router: (request, response, next) => (alone === isAlone ? router(request, response, next) : next()),
          operations,
        } as RouteModule
      }),
  })
  await record(api.store, ['!poll', '!build', 'build', '!optimize', '!build'])
  const retry = (run: string) => api.get(`/v1/runs/${run}/retry`, { method: 'POST' })
  const asked = await retry(uuid(4))
  assert.deepEqual([asked.status, asked.body], [202, { run_id: uuid(4), job: 'build', stage: 'gold' }])
  assert.deepEqual(sent, [{ type: 'stage-ask', stage: 'gold', verb: 'retry' }])

  const refused = async (run: string, status: number, why: RegExp) => {
    const { status: found, body } = await retry(run)
    assert.deepEqual([found, why.test(body.detail)], [status, true], body.detail)
  }
  await refused(uuid(9), 404, /no run/)
  await refused(uuid(2), 409, /is completed: only a failed one/)
  await refused(uuid(1), 409, new RegExp(`tried again since: run ${uuid(4)} is failed`))
  await refused(uuid(3), 409, /readflow optimize --help/)
  await refused(uuid(0), 503, /program is not up/)
  state = 'paused'
  await refused(uuid(4), 409, /readflow resume gold/)
  isAlone = true
  await refused(uuid(4), 503, /only that of readflow up/)
  assert.equal(sent.length, 1)
})
