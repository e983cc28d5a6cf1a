import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { afterHeld, afterPassed, afterReleased, holdingChecks, holdLine, isTryDue, recoveredIds } from '../../../compactor/gate/state.ts'
import { type GateCheck, type GateState, type HeldEvent, isHolding, openState } from '../../../lake/gate-log.ts'

const check = (id: string, verdict: GateCheck['verdict'], measured: number | null = 1): GateCheck => ({
  id,
  table: 'gold.fact_rating',
  column: null,
  verdict,
  measured,
  threshold: 'at most 0',
  message: `${id} is ${measured}.`,
  sampleKeys: [],
})
const heldEvent = (run: string, baseVersion: number | null, isStaged = true): HeldEvent => ({
  kind: 'held',
  run,
  checks: [check('a', 'fail')],
  baseVersion,
  changes: isStaged ? [{ name: 'fact_rating', adds: [], removes: [], version: 0, builds: 1 }] : [],
  publish: {},
})
const held = (state: GateState, number: number, event: HeldEvent) =>
  afterHeld(state, { number, at: new Date(number * 60_000).toISOString(), event, inputs: { ratings: number } })

describe('the state of the gate', () => {
  test('is held by failed checks alone, and not by waived ones that measure much the same', () => {
    const waived = [{ id: 'a', measured: 100, run: 'r', by: 'ann', at: '' }]
    const ids = (measured: number | null) => holdingChecks([check('a', 'fail', measured), check('b', 'warn')], waived).map(({ id }) => id)
    assert.deepEqual([150, 100, 50].map(ids), [[], [], []])
    assert.deepEqual([151, 49, null].map(ids), [['a'], ['a'], ['a']])
    assert.equal(holdingChecks([check('b', 'fail', 1)], waived).length, 1)
  })

  test('says what holds Gold in one line of whole sentences', () => {
    const { hold } = held(openState, 1, heldEvent('r1', 0))
    assert.equal(hold && holdLine(hold), 'Gold is held since 1970-01-01T00:01:00.000Z: a: a is 1. readflow gate says more; run r1.')
  })

  test('ends a waiver when its check passes, and not when it was not made', () => {
    const waived = ['a', 'b', 'c'].map((id) => ({ id, measured: 1, run: 'r', by: 'ann', at: '' }))
    assert.deepEqual(recoveredIds([check('a', 'pass'), check('b', 'fail')], waived), ['a'])
    assert.deepEqual(
      afterPassed({ ...openState, waived }, ['a']).waived.map(({ id }) => id),
      ['b', 'c'],
    )
  })

  test('counts the builds in a row, and keeps the newest three to be released', () => {
    let state: GateState = openState
    for (let number = 0; number < 5; number++) state = held(state, number, heldEvent(`r${number}`, 7))
    assert.deepEqual(
      { run: state.hold?.run, runs: state.hold?.runs, since: state.hold?.since, inputs: state.hold?.inputs },
      { run: 'r4', runs: 5, since: '1970-01-01T00:00:00.000Z', inputs: { ratings: 4 } },
    )
    assert.deepEqual(
      state.releasable.map(({ number }) => number),
      [2, 3, 4],
    )
  })

  test('begins anew for another Gold, and does not mix what was staged with what was not', () => {
    const first = held(openState, 0, heldEvent('r0', 7))
    const other = held(first, 1, heldEvent('r1', 8))
    assert.deepEqual([other.hold?.runs, other.releasable], [1, [{ run: 'r1', number: 1 }]])
    const intake = held(openState, 0, heldEvent('r0', 7, false))
    const staged = held(intake, 1, heldEvent('r1', 7))
    assert.deepEqual([staged.hold?.runs, staged.releasable], [2, [{ run: 'r1', number: 1 }]])
  })

  test('holds the Gold that it was made for, and no other', () => {
    const { hold } = held(openState, 0, heldEvent('r0', 7))
    assert.deepEqual([isHolding(hold, 7), isHolding(hold, 8), isHolding(null, 7)], [true, false, false])
    assert.equal(isHolding(held(openState, 0, heldEvent('r0', null)).hold, null), true)
  })

  test('waives what a release let pass, as it measured then', () => {
    const before = held({ ...openState, waived: [{ id: 'a', measured: 9, run: 'x', by: 'bob', at: '' }] }, 0, heldEvent('r0', 7))
    const state = afterReleased(before, { kind: 'release', run: 'r0', by: 'ann', why: 'y', checks: [check('a', 'fail', 3)], held: 0 }, 'T')
    assert.deepEqual(state, { ...openState, waived: [{ id: 'a', measured: 3, run: 'r0', by: 'ann', at: 'T' }] })
  })

  test('tries again after a minute, then ever later, but at most after ten', () => {
    let state: GateState = openState
    const waits: number[] = []
    const isDueAfter = (minutes: number) => isTryDue(state.hold!, Date.parse(state.hold!.at) + minutes * 60_000)
    for (let number = 0; number < 6; number++) {
      state = held(state, number, heldEvent(`r${number}`, 7))
      let minutes = 0
      while (!isDueAfter(minutes)) minutes++
      waits.push(minutes)
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 10, 10])
    assert.equal(isDueAfter(-100), true, 'the last one was of a clock that has been put back since')
  })
})
