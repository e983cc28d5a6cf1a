import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRewrite } from '../../../compactor/upkeep/rewrite.ts'
import { appendRows } from '../../../lake/delta/append-rows.ts'
import { optimize } from '../../../lake/delta/optimize.ts'
import { openTable } from '../../../lake/delta/table.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { openDuckDb } from '../../../runtime/duckdb.ts'
import { systemFields, systemTables } from '../../../schemas/system-tables.ts'
import { startApi } from '../helpers/api.ts'

const DAY_MS = 86_400_000
const at = Date.UTC(2026, 10, 22, 23, 58)
const minute = (n: number) => at + n * 60_000
const iso = (n: number) => new Date(minute(n)).toISOString()

type Row = Record<string, unknown>
type Given = { id: string; table?: string; verdict?: 'pass' | 'warn' | 'fail'; measured?: number | null; keys?: string[] }

/** One evaluation on record, `n` minutes after two before midnight, as run-n. */
const evaluate = (store: ObjectStore, n: number, given: readonly Given[], isHeld = false) =>
  appendRows(openTable(store, 'ops/checks'), {
    fields: systemFields(systemTables.checks),
    partitionColumns: systemTables.checks.partitionColumns,
    rows: given.map(
      ({ id, table = 'gold.fact_rating', verdict = 'pass', measured = 0, keys = [] }): Row => ({
        ...{ run_id: `run-${n}`, evaluated_at: minute(n), check_id: id, table_name: table, column_name: 'rating', verdict, measured },
        ...{ threshold: '= 0', message: `${measured} ratings are odd.`, sample_keys: keys, details: '{}', is_held: isHeld },
        evaluated_date: Math.floor(minute(n) / DAY_MS),
      }),
    ),
  })

const profile = (store: ObjectStore, n: number, table: string, columns: readonly Row[]) =>
  appendRows(openTable(store, 'ops/profiles'), {
    fields: systemFields(systemTables.profiles),
    partitionColumns: systemTables.profiles.partitionColumns,
    // Out of order, as rows of a table have none.
    rows: columns
      .map((row, position) => ({
        ...{ run_id: `run-${n}`, profiled_at: minute(n), table_name: table, column_type: 'string', position, rows: 10 },
        ...{ nulls: 0, distinct_values: 5, distinct_of_rows: 10, is_distinct_exact: true, min_value: 'a', max_value: 'z' },
        profiled_date: Math.floor(minute(n) / DAY_MS),
        ...row,
      }))
      .reverse(),
  })

const ids = (body: { checks: { id: string }[] }) => body.checks.map(({ id }) => id)

test('before the first evaluation there is none, and that is no fault', async (t) => {
  const api = await startApi(t)
  assert.deepEqual((await api.get('/v1/checks')).body, { table_version: -1, summary: null, checks: [] })
  assert.deepEqual((await api.get('/v1/profiles')).body, { table_version: -1, profiles: [] })
  assert.equal((await api.get('/v1/status')).body.checks, null)
  const none = await api.get('/v1/checks/nothing')
  assert.deepEqual([none.status, none.body.detail], [404, "There is no check 'nothing' on record. /v1/checks lists them."])
  const table = await api.get('/v1/profiles/gold.nothing')
  assert.deepEqual([table.status, table.body.detail], [404, "There is no profile of 'gold.nothing' on record. /v1/profiles lists them."])
  assert.match((await api.get('/metrics')).body, /^readflow_check_evaluated_timestamp_seconds 0$/m)
})

test('the newest evaluation, what fails first, each check with what it was before', async (t) => {
  const api = await startApi(t)
  await evaluate(api.store, 0, [{ id: 'a' }, { id: 'b' }, { id: 'gone' }, { id: 'c', table: 'silver.books' }])
  assert.equal((await api.get('/v1/checks')).body.summary.checks, 4)
  // A day later, after the reader has seen the first one.
  await evaluate(api.store, 3, [
    { id: 'a' },
    { id: 'b', verdict: 'warn', measured: 0.25 },
    { id: 'c', table: 'silver.books', verdict: 'fail', measured: 2, keys: ['k1', 'k2'] },
  ])
  const { body } = await api.get('/v1/checks')
  assert.deepEqual(body.summary, {
    ...{ evaluated_at: iso(3), run_id: 'run-3', is_held: false },
    ...{ checks: 3, pass: 1, warn: 1, fail: 1 },
  })
  assert.deepEqual(ids(body), ['c', 'b', 'a'], 'a check that is not made any more is not listed')
  assert.deepEqual(body.checks[0], {
    ...{ id: 'c', table: 'silver.books', column: 'rating', verdict: 'fail', measured: 2, threshold: '= 0' },
    ...{ message: '2 ratings are odd.', sample_keys: ['k1', 'k2'], evaluated_at: iso(3), run_id: 'run-3', is_held: false },
    history: [
      { evaluated_at: iso(3), run_id: 'run-3', verdict: 'fail', measured: 2, is_held: false },
      { evaluated_at: iso(0), run_id: 'run-0', verdict: 'pass', measured: 0, is_held: false },
    ],
  })
  assert.deepEqual(ids((await api.get('/v1/checks?verdict=warn')).body), ['b'])
  const ofTable = (await api.get('/v1/checks?table=silver.books')).body
  assert.deepEqual([ids(ofTable), ofTable.summary.checks], [['c'], 3])
  assert.deepEqual(ids((await api.get('/v1/checks?verdict=pass&table=silver.books')).body), [])
  assert.equal((await api.get('/v1/checks?verdict=odd')).status, 400)
  assert.deepEqual((await api.get('/v1/status')).body.checks, body.summary)
  const metrics = (await api.get('/metrics')).body
  for (const line of [
    'readflow_check_status{check="a"} 0',
    'readflow_check_status{check="b"} 1',
    'readflow_check_status{check="c"} 2',
    'readflow_check_measured{check="b"} 0.25',
    `readflow_check_evaluated_timestamp_seconds ${minute(3) / 1000}`,
  ])
    assert.ok(metrics.includes(`\n${line}\n`), line)
  assert.doesNotMatch(metrics, /check="gone"/)
})

test('an evaluation of the intake alone leaves the checks of rows as they were; a held one says so', async (t) => {
  const api = await startApi(t)
  await evaluate(api.store, 0, [{ id: 'rows' }, { id: 'intake', table: 'silver.books' }])
  await evaluate(api.store, 1, [{ id: 'intake', table: 'silver.books', verdict: 'fail', measured: 0.9 }], true)
  const { body } = await api.get('/v1/checks')
  assert.deepEqual(
    body.checks.map(({ id, evaluated_at, is_held }: Row) => [id, evaluated_at, is_held]),
    [
      ['intake', iso(1), true],
      ['rows', iso(0), false],
    ],
  )
  assert.deepEqual([body.summary.run_id, body.summary.is_held, body.summary.checks], ['run-1', true, 2])
})

test('the history of a check goes back by pages that stay with their version, whatever is merged or added meanwhile', async (t) => {
  const api = await startApi(t)
  const rounds = 6
  for (let n = 0; n < rounds; n++) await evaluate(api.store, n, [{ id: 'a', measured: n }, { id: 'b' }])
  const first = await api.get('/v1/checks/a?limit=4')
  const measured = (body: { history: { measured: number }[] }) => body.history.map((found) => found.measured)
  assert.deepEqual([first.body.id, first.body.table, measured(first.body)], ['a', 'gold.fact_rating', [5, 4, 3, 2]])
  assert.equal(first.body.history[0].message, '5 ratings are odd.')
  const before = (await api.get('/v1/checks')).body

  const merges = await optimize(openTable(api.store, 'ops/checks'), {
    rewrite: createRewrite({ openDuckDb, tempDir: api.folder }),
    ...{ sortBy: systemTables.checks.sortedBy, targetBytes: 1 << 24, minFiles: 2 },
  })
  assert.ok(merges.filesRemoved > 0)
  const merged = (await api.get('/v1/checks')).body
  assert.deepEqual(merged.checks, before.checks, 'what is merged is the same')
  assert.notEqual(merged.table_version, before.table_version)
  await evaluate(api.store, rounds, [{ id: 'a', measured: 60 }, { id: 'b' }])
  assert.deepEqual(measured((await api.get('/v1/checks')).body.checks[0]), [60, 5, 4, 3, 2, 1, 0])

  const rest = await api.get(`/v1/checks/a?limit=4&cursor=${first.body.next_cursor}`)
  assert.deepEqual([measured(rest.body), rest.body.next_cursor], [[1, 0], null])
  assert.deepEqual(measured((await api.get('/v1/checks/a?limit=2')).body), [60, 5])
  assert.equal((await api.get(`/v1/checks/b?cursor=${first.body.next_cursor}`)).status, 400, 'a cursor of another question')
})

test('profiles are those of the newest build, columns in the order of the table', async (t) => {
  const api = await startApi(t)
  await profile(api.store, 0, 'dim_book', [{ column_name: 'old' }])
  assert.equal((await api.get('/v1/profiles/gold.dim_book')).body.profile.columns[0].column, 'old')
  await profile(api.store, 5, 'dim_book', [
    { column_name: 'title', nulls: 1, min_value: null },
    { column_name: 'tags', column_type: 'strings', nulls: null, distinct_values: null },
    { column_name: 'genre', distinct_of_rows: 6, is_distinct_exact: false },
  ])
  const head = { table: 'gold.dim_book', rows: 10, profiled_at: iso(5), run_id: 'run-5' }
  assert.deepEqual((await api.get('/v1/profiles')).body, { table_version: 1, profiles: [{ ...head, columns: 3 }] })
  const { profile: shown } = (await api.get('/v1/profiles/gold.dim_book')).body
  const distinct = { distinct_values: 5, distinct_of_rows: 10, is_distinct_exact: true }
  const text = { type: 'string', rows: 10, nulls: 0, null_share: 0, ...distinct, min: 'a', max: 'z' }
  assert.deepEqual(shown, {
    ...head,
    columns: [
      { ...text, column: 'title', nulls: 1, null_share: 0.1, min: null },
      { ...text, column: 'tags', type: 'strings', nulls: null, null_share: null, distinct_values: null },
      { ...text, column: 'genre', distinct_of_rows: 6, is_distinct_exact: false },
    ],
  })
})
