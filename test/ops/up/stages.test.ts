import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startControl } from '../../../ops/up/control.ts'
import { createStages } from '../../../ops/up/stages.ts'

const open = () => {
  const sent: string[] = []
  const stages = createStages({
    programOf: new Map([
      ['bronze', 'consume'],
      ['silver', 'consume'],
      ['gold', 'compact'],
    ] as const),
    paused: ['gold'],
    send: (program, message) => sent.push([`${program}:`, ...Object.values(message)].join(' ')),
    onChange: () => undefined,
  })
  const states = () => Object.fromEntries(stages.list().map(({ name, state }) => [name, state]))
  const say = (stage: string, state: string, seq: number) => stages.receive({ type: 'stage', stage, state, seq })
  return { ...stages, sent, states, say }
}

test('a stage is what its program says of itself, and its newest word counts', () => {
  const { ask, say, states, sent } = open()
  assert.deepEqual(states(), { bronze: 'waiting', silver: 'waiting', gold: 'pausing' })
  say('silver', 'running', 0)
  say('gold', 'paused', 0)
  assert.deepEqual(states(), { bronze: 'waiting', silver: 'running', gold: 'paused' })
  assert.equal(ask('silver', true), true)
  assert.equal(ask('silver', true), false)
  assert.equal(states()['silver'], 'pausing')
  say('silver', 'paused', 1)
  assert.equal(states()['silver'], 'paused')
  ask('silver', false)
  ask('silver', true)
  say('silver', 'paused', 1)
  assert.equal(states()['silver'], 'pausing', 'an answer to the first pause is none to the second')
  say('silver', 'paused', 3)
  assert.equal(states()['silver'], 'paused')
  assert.deepEqual(sent, ['consume: pause silver 1', 'consume: resume silver 2', 'consume: pause silver 3'])
})

test('what is paused outlives its program', () => {
  const { ask, say, states, pausedNow, started, ended } = open()
  say('silver', 'running', 0)
  ask('silver', true)
  say('silver', 'paused', 1)
  ended('consume')
  assert.equal(states()['silver'], 'pausing')
  assert.deepEqual(pausedNow(), ['silver', 'gold'])
  started('consume')
  say('silver', 'paused', 0)
  assert.equal(states()['silver'], 'paused')
})

test('the control port does nothing for who does not know the token', async (t) => {
  const stages = open()
  const control = await startControl(stages, () => [])
  t.after(control.close)
  const post = (path: string, token: string) =>
    fetch(`http://127.0.0.1:${control.port}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  assert.equal((await post('/stages/silver/pause', 'wrong')).status, 401)
  assert.equal((await fetch(`http://127.0.0.1:${control.port}/stages`)).status, 401)
  assert.deepEqual(stages.sent, [])
  assert.equal((await post('/stages/poll/pause', control.token)).status, 404, 'a stage that does not run here')
  assert.equal((await post('/stages/silver/stop', control.token)).status, 404)
  const answer = (await (await post('/stages/silver/pause', control.token)).json()) as { isNew: boolean }
  assert.equal(answer.isNew, true)
  assert.deepEqual(stages.sent, ['consume: pause silver 1'])
})

test('a message for a stage goes to its program, and for one that does not run here nowhere', () => {
  const { pass, sent } = open()
  pass({ type: 'retry', stage: 'gold' })
  pass({ type: 'retry', stage: 'poll' })
  assert.deepEqual(sent, ['compact: retry gold'])
})
