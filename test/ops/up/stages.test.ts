import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startControl } from '../../../ops/up/control.ts'
import { createStages } from '../../../ops/up/stages.ts'
import type { StageRuns } from '../../../runtime/stage-runs.ts'
import type { UpStatus } from '../../../runtime/up-status.ts'

const open = () => {
  const sent: string[] = []
  const startedNow: string[] = []
  const stages = createStages({
    programOf: new Map([
      ['bronze', 'consume'],
      ['silver', 'consume'],
      ['gold', 'compact'],
    ] as const),
    paused: ['gold'],
    send: (program, message) => sent.push([`${program}:`, ...Object.values(message)].join(' ')),
    startNow: (program) => startedNow.push(program),
    onChange: () => undefined,
  })
  const states = () => Object.fromEntries(stages.list().map(({ name, state }) => [name, state]))
  const say = (stage: string, state: string, seq: number) => stages.receive({ type: 'stage', stage, state, seq })
  return { ...stages, sent, startedNow, states, say }
}

test('a stage is what its program says of itself, and its newest word counts', () => {
  const { ask, say, states, sent } = open()
  assert.deepEqual(states(), { bronze: 'waiting', silver: 'waiting', gold: 'pausing' })
  say('silver', 'running', 0)
  say('gold', 'paused', 0)
  assert.deepEqual(states(), { bronze: 'waiting', silver: 'running', gold: 'paused' })
  assert.equal(ask('silver', 'pause'), true)
  assert.equal(ask('silver', 'pause'), false)
  assert.equal(states()['silver'], 'pausing')
  say('silver', 'paused', 1)
  assert.equal(states()['silver'], 'paused')
  ask('silver', 'resume')
  ask('silver', 'pause')
  say('silver', 'paused', 1)
  assert.equal(states()['silver'], 'pausing', 'an answer to the first pause is none to the second')
  say('silver', 'paused', 3)
  assert.equal(states()['silver'], 'paused')
  assert.deepEqual(sent, ['consume: pause silver 1', 'consume: resume silver 2', 'consume: pause silver 3'])
})

test('what is paused outlives its program', () => {
  const { ask, say, states, pausedNow, started, ended } = open()
  say('silver', 'running', 0)
  ask('silver', 'pause')
  say('silver', 'paused', 1)
  ended('consume', null)
  assert.equal(states()['silver'], 'pausing')
  assert.deepEqual(pausedNow(), ['silver', 'gold'])
  started('consume')
  say('silver', 'paused', 0)
  assert.equal(states()['silver'], 'paused')
})

test('the control port does nothing for who does not know the token', async (t) => {
  const stages = open()
  const control = await startControl({ stages, status: () => ({ phase: 'running' }) as UpStatus, restart: () => null })
  t.after(control.close)
  const post = (path: string, token: string) =>
    fetch(`http://127.0.0.1:${control.port}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  assert.equal((await post('/stages/silver/pause', 'wrong')).status, 401)
  assert.equal((await fetch(`http://127.0.0.1:${control.port}/status`)).status, 401)
  assert.deepEqual(stages.sent, [])
  assert.equal((await post('/stages/poll/pause', control.token)).status, 404, 'a stage that does not run here')
  assert.equal((await post('/stages/silver/stop', control.token)).status, 404)
  const answer = (await (await post('/stages/silver/pause', control.token)).json()) as { isNew: boolean }
  assert.equal(answer.isNew, true)
  assert.deepEqual(stages.sent, ['consume: pause silver 1'])
})

const runs = (outcome: 'completed' | 'failed', attempt: number, atMs: number): StageRuns => {
  const at = new Date(atMs).toISOString()
  return {
    schedule: 'every 10s',
    isRunning: false,
    last: { startedAt: at, endedAt: at, outcome, detail: outcome },
    nextAt: at,
    attempt,
    ended: 1,
  }
}

test('to run now goes to the program of the stage, also to one that waits to be started; not to what is paused or not here', () => {
  const { ask, sent, startedNow } = open()
  ask('silver', 'run')
  ask('gold', 'run')
  ask('poll', 'run')
  assert.deepEqual(sent, ['consume: go-on silver'])
  assert.deepEqual(startedNow, ['consume'])
})

test('what depends on a stage that is tried again follows once it has done well, and not before', () => {
  const { ask, receive, say, sent } = open()
  ask('gold', 'resume')
  say('gold', 'running', 1)
  sent.splice(0)
  const nowMs = Date.now()
  ask('silver', 'retry')
  receive({ type: 'stage-runs', stage: 'silver', runs: runs('failed', 2, nowMs + 1) })
  receive({ type: 'stage-runs', stage: 'silver', runs: runs('completed', 1, nowMs - 60_000) })
  assert.deepEqual(sent, ['consume: go-on silver'], 'neither a failure nor a run of before is what they wait for')
  receive({ type: 'stage-runs', stage: 'silver', runs: runs('completed', 1, nowMs + 1000) })
  receive({ type: 'stage-runs', stage: 'silver', runs: runs('completed', 1, nowMs + 2000) })
  assert.deepEqual(sent, ['consume: go-on silver', 'compact: go-on gold'])
})

test('a program that a person has told to end fails nothing', () => {
  const { receive, list, ended } = open()
  receive({ type: 'stage-runs', stage: 'gold', runs: { ...runs('completed', 1, Date.now()), isRunning: true } })
  ended('compact', null, true)
  const now = list().find(({ name }) => name === 'gold')?.runs
  assert.deepEqual([now?.isRunning, now?.attempt, now?.last?.outcome], [false, 1, 'completed'])
})

test('failures count on when the program of a stage is started again, until a run is well', () => {
  const { receive, list, ended, started } = open()
  const attempt = () => list().find(({ name }) => name === 'gold')?.runs?.attempt
  const fresh = { ...runs('completed', 1, Date.now()), last: null, ended: 0 }
  receive({ type: 'stage-runs', stage: 'gold', runs: { ...fresh, isRunning: true } })
  ended('compact', 'out of memory')
  assert.equal(list().find(({ name }) => name === 'gold')?.runs?.last?.detail, 'out of memory')
  started('compact')
  receive({ type: 'stage-runs', stage: 'gold', runs: fresh })
  assert.equal(attempt(), 2)
  receive({ type: 'stage-runs', stage: 'gold', runs: runs('failed', 2, Date.now()) })
  assert.equal(attempt(), 3)
  receive({ type: 'stage-runs', stage: 'gold', runs: runs('completed', 1, Date.now()) })
  assert.equal(attempt(), 1)
})
