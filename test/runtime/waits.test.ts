import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { createWaits } from '../../runtime/waits.ts'

test('a wait ends when its stage is told to go on, and that of another stage does not', async () => {
  const channel = new EventEmitter()
  const { wait } = createWaits(channel)
  const { signal } = new AbortController()
  const tell = (stage: string) => channel.emit('message', { type: 'go-on', stage })
  let isOtherOver = false
  const stopping = new AbortController()
  const other = wait('gold', 3_600_000, stopping.signal).finally(() => {
    isOtherOver = true
  })
  const poll = wait('poll', 3_600_000, signal)
  channel.emit('message', { type: 'pause', stage: 'poll' })
  tell('poll')
  assert.equal(await poll, true)
  assert.equal(isOtherOver, false)
  stopping.abort(new Error('told to stop'))
  await assert.rejects(other, /told to stop/)
})

test('what is told while nothing waits is not kept for the next wait', async () => {
  const channel = new EventEmitter()
  const { wait } = createWaits(channel)
  channel.emit('message', { type: 'go-on', stage: 'poll' })
  assert.equal(await wait('poll', 1, new AbortController().signal), false)
})

test('who listens hears of what is told while nothing waits, until it has had enough', async () => {
  const channel = new EventEmitter()
  const { wait, onGoOn } = createWaits(channel)
  let heard = 0
  const stop = onGoOn('silver', () => heard++)
  const tell = () => channel.emit('message', { type: 'go-on', stage: 'silver' })
  tell()
  const waiting = wait('silver', 3_600_000, new AbortController().signal)
  tell()
  assert.equal(await waiting, true)
  assert.equal(heard, 1, 'what ends a wait is not told twice')
  stop()
  tell()
  assert.equal(heard, 1)
})
