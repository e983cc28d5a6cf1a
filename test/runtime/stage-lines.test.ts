import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conditionOf, stageLines } from '../../runtime/stage-lines.ts'
import type { StageStatus } from '../../runtime/up-status.ts'

const nowMs = Date.parse('2026-11-29T12:00:00Z')
const iso = (agoMs: number) => new Date(nowMs - agoMs).toISOString()
const stage = (lateMs: number | null, more: Partial<NonNullable<StageStatus['runs']>> = {}): StageStatus => ({
  name: 'silver',
  state: 'running',
  runs: {
    schedule: 'every 10s',
    isRunning: false,
    last: { startedAt: iso(200_000), endedAt: iso(190_000), outcome: 'completed', detail: 'nothing new' },
    nextAt: lateMs === null ? null : iso(lateMs),
    attempt: 1,
    ended: 3,
    ...more,
  },
})
const lineOf = (one: StageStatus) => stageLines({ stages: [one], programs: [] }, nowMs)[1]!.split(/ {2,}/)

test('a stage whose time came more than a minute ago is overdue, and says since when', () => {
  assert.deepEqual(lineOf(stage(150_000)), ['silver', 'overdue', '3m 10s ago', '2m 30s ago', '1', 'nothing new'])
  assert.deepEqual(lineOf(stage(30_000)).slice(1, 4), ['waiting', '3m 10s ago', 'now'])
  assert.deepEqual(lineOf(stage(-5000)).slice(1, 4), ['waiting', '3m 10s ago', 'in 5s'])
  assert.deepEqual(lineOf(stage(null)).slice(1, 4), ['waiting', '3m 10s ago', '–'])
})

test('one that runs is not overdue, and of one that failed the failure is told', () => {
  assert.equal(conditionOf(stage(150_000, { isRunning: true }), [], nowMs), 'running')
  const last = { startedAt: iso(200_000), endedAt: iso(190_000), outcome: 'failed' as const, detail: 'no broker' }
  assert.equal(conditionOf(stage(150_000, { last }), [], nowMs), 'failing')
})
