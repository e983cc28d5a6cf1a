import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addPast, type CheckHistory } from '../../compactor/checks/history.ts'
import { pollChecks, refusedChecks } from '../../compactor/checks/intake.ts'
import { judgeCount } from '../../compactor/checks/judge.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Run } from '../../lineage/runs/run.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'

const silverWith = (counts: Record<string, number>) => {
  const none = { version: -1, txns: new Map() } as unknown as Snapshot
  const txns = new Map(Object.entries(counts).map(([name, count]) => [`silver/c/t/0/${name}`, count]))
  return { ...Object.fromEntries(entityNames.map((name) => [name, none])), books: { version: 1, txns } as unknown as Snapshot } as Record<
    EntityName,
    Snapshot
  >
}

/** Checks of one ledger after another, each on record as the gate would leave it. */
const refusedInTurn = () => {
  const history: CheckHistory = new Map()
  let evaluatedMs = 0
  return (counts: Record<string, number>, isHeld = false) => {
    const [check] = refusedChecks(silverWith(counts), history)
    assert.ok(check)
    addPast(history, check.id, { ...check, evaluatedMs: evaluatedMs++, isHeld })
    return check
  }
}

describe('what Silver refused', () => {
  test('is a share of what came since the last time, and not of all that ever came', () => {
    const check = refusedInTurn()
    assert.equal(check({ valid: 1000, dead: 10 }).verdict, 'pass')
    const { verdict, message } = check({ valid: 1000, repeat: 40, dead: 70, 'dead/title-missing': 58, 'dead/rating-out-of-range': 2 })
    assert.equal(verdict, 'fail')
    assert.equal(
      message,
      '60 of 100 books that came were refused (title-missing 58, rating-out-of-range 2); they are on goodreads.books.dlq with their reasons.',
    )
  })
  test('is measured against what was last well, for as long as it is held', () => {
    const check = refusedInTurn()
    check({ valid: 100 })
    for (const valid of [100, 110, 130]) assert.equal(check({ valid, dead: 50 }, true).verdict, 'fail')
    assert.equal(check({ valid: 151, dead: 50 }).verdict, 'warn')
    assert.equal(check({ valid: 251, dead: 50 }).verdict, 'pass')
  })
  test('is found in small pieces too', () => {
    const check = refusedInTurn()
    check({ valid: 100 })
    assert.equal(check({ valid: 100, dead: 10 }).verdict, 'pass', 'ten are too few')
    assert.equal(check({ valid: 100, dead: 19 }).verdict, 'pass')
    assert.equal(check({ valid: 100, dead: 20 }).verdict, 'fail')
  })
  test('counts what a replay refuses among all that it may have judged', () => {
    const check = refusedInTurn()
    check({ valid: 9000, epoch: 0 })
    const { verdict, measured, message } = check({ valid: 1547, dead: 8567, epoch: 1, 'dead/schema-frozen': 8567 }, true)
    assert.deepEqual([verdict, measured], ['fail', 8567 / 10_114])
    assert.equal(
      message,
      '8567 more of all 10114 books are refused since a replay judged some again (schema-frozen 8567); they are on goodreads.books.dlq with their reasons.',
    )
    assert.equal(check({ valid: 9700, dead: 414, epoch: 2, 'dead/schema-frozen': 414 }).verdict, 'pass', 'another one took them back')
    assert.match(check({ valid: 9700, dead: 514, epoch: 2 }).message, /^100 of 100 books that came/)
  })
  test('begins anew where a replay took counts back', () => {
    const check = refusedInTurn()
    check({ valid: 500, dead: 100 })
    assert.equal(check({ valid: 20, dead: 0 }).verdict, 'pass')
    assert.equal(check({ valid: 20, dead: 30 }).verdict, 'fail')
  })
})

const poll = (startedMs: number, ratings: number, rest: Partial<Run> = {}): Run =>
  ({ runId: `r${startedMs}`, kind: 'poll', job: 'poll dataset', state: 'completed', startedMs, counts: { ratings }, ...rest }) as Run
const verdictOf = (runs: Run[]) => pollChecks(runs).find(({ id }) => id.endsWith('.ratings.volume'))?.verdict ?? null

describe('the volume of polls', () => {
  test('of a source that gives everything is compared with the poll before', () => {
    assert.equal(verdictOf([poll(1, 2000)]), null)
    assert.equal(verdictOf([poll(1, 2000), poll(2, 1990)]), 'pass')
    assert.equal(verdictOf([poll(2, 500), poll(1, 2000)]), 'warn')
    assert.equal(verdictOf([poll(2, 200), poll(1, 2000)]), 'fail')
    assert.equal(verdictOf([poll(2, 0), poll(1, 2000)]), 'fail')
    assert.equal(verdictOf([poll(1, 5), poll(2, 0)]), 'pass', 'few are no pattern')
  })
  test('of a source that gives what is new waits for five', () => {
    const of = (...counts: number[]) => counts.map((count, at) => poll(at, count, { job: 'poll goodreads' }))
    assert.equal(verdictOf(of(2000, 2000, 2000, 2000, 0)), null)
    assert.equal(verdictOf(of(2000, 2000, 2000, 2000, 2000, 0)), 'fail')
    assert.equal(verdictOf(of(2000, 2000, 2000, 2000, 2000, 1500)), 'pass')
    assert.equal(verdictOf(of(200, 200, 200, 200, 200, 2000)), 'fail')
  })
  test('says nothing of a poll that was broken off, nor of one that goes on where one was', () => {
    assert.equal(verdictOf([poll(1, 2000), poll(2, 100, { state: 'failed' })]), null)
    assert.equal(verdictOf([poll(1, 2000), poll(2, 1900, { state: 'aborted' }), poll(3, 100)]), null)
    assert.equal(verdictOf([poll(1, 2000), poll(2, 100, { state: 'started' })]), null, 'nor of one that goes on')
  })
})

test('a count is judged by the median of those before, and by their greatest', () => {
  const verdicts = (before: number[], ...measured: number[]) => measured.map((count) => judgeCount(count, before).verdict)
  assert.deepEqual(verdicts([], 0, 1e9), ['pass', 'pass'])
  assert.deepEqual(verdicts([800], 800, 268, 266, 101, 100, 0), ['pass', 'pass', 'warn', 'warn', 'fail', 'fail'])
  assert.deepEqual(verdicts([800], 6399, 6400), ['pass', 'warn'], 'a lake that is being filled leaps, and that holds nothing')
  assert.deepEqual(verdicts([800, 900, 800], 2699, 2700, 7199, 7200), ['pass', 'warn', 'warn', 'fail'])
  assert.deepEqual(verdicts([99, 99, 99], 0, 99, 100), ['pass', 'pass', 'pass'])
})
