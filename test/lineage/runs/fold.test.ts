import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldRuns } from '../../../lineage/runs/fold.ts'
import { isLeftBehind } from '../../../lineage/runs/left-behind.ts'
import { rowOf, runOf } from '../../../lineage/runs/row.ts'
import type { Run } from '../../../lineage/runs/run.ts'
import { runWith } from './runs.ts'

const at = (recordedMs: number, values: Partial<Run>) => runWith({ recordedMs, ...values })

test('a run is what its last row says, whatever the order of the rows and however often they come', () => {
  const rows = [
    at(1, { runId: 'a' }),
    at(5, { runId: 'a', state: 'completed' }),
    at(2, { runId: 'b', startedMs: 9e12 }),
    at(3, { runId: 'c', startedMs: 1 }),
    at(4, { runId: 'c', startedMs: 1, state: 'failed', error: 'no' }),
  ]
  const shuffled = fc.shuffledSubarray([...rows, ...rows], { minLength: rows.length * 2 })
  fc.assert(
    fc.property(shuffled, (order) => {
      assert.deepEqual(
        foldRuns(order).map(({ runId, state }) => [runId, state]),
        [
          ['b', 'started'],
          ['a', 'completed'],
          ['c', 'failed'],
        ],
      )
    }),
  )
})

test("what a run says of its own end wins over another's word that it was gone, also where that came later", () => {
  const [run] = foldRuns([at(1, {}), at(2, { state: 'completed' }), at(3, { state: 'aborted' })])
  assert.equal(run?.state, 'completed')
  assert.equal(foldRuns([at(1, {}), at(2, { state: 'aborted' })])[0]?.state, 'aborted')
})

test('a row holds the whole run', () => {
  const run = runWith({
    state: 'held',
    endedMs: Date.UTC(2026, 10, 1, 12, 1),
    error: 'rows: 3, at least 300 wanted',
    inputs: [{ type: 'table', name: 'silver.books', version: 3 }],
    outputs: [{ type: 'topic', name: 'goodreads.books', rows: 2 }],
    counts: { files: 2 },
    parentRunId: 'p',
  })
  assert.deepEqual(runOf(rowOf(run)), run)
  assert.equal(rowOf(run)['duration_ms'], 60_000)
  assert.deepEqual(runOf({ run_id: 'x', inputs: 'no json', counts: 'null' }).inputs, [])
})

test('a run is left behind where its process is gone, and by no other program', () => {
  const me = { program: 'compact', host: 'here', pid: 10 }
  const alive =
    (...pids: number[]) =>
    (pid: number) =>
      pids.includes(pid)
  assert.equal(isLeftBehind(runWith({ pid: 7 }), me, alive()), true)
  assert.equal(isLeftBehind(runWith({ pid: 7 }), me, alive(7)), false)
  assert.equal(isLeftBehind(runWith({ pid: 10 }), me, alive(10)), true, 'a container gives each process the same pid')
  assert.equal(isLeftBehind(runWith({ pid: 7, host: 'there' }), me, alive(7)), true)
  assert.equal(isLeftBehind(runWith({ pid: 7, program: 'poll' }), me, alive()), false)
  assert.equal(isLeftBehind(runWith({ pid: 7, state: 'completed' }), me, alive()), false)
})
