import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createTurns } from '../../runtime/turns.ts'

test('one piece of work at a time, in order, also after one that failed', async () => {
  const turns = createTurns()
  let running = 0
  const order: number[] = []
  const work = (id: number) => async () => {
    assert.equal(++running, 1)
    await setImmediate()
    running--
    order.push(id)
    if (id === 2) throw new Error('no')
    return id
  }
  const results = await Promise.allSettled([turns(work(1)), turns(work(2)), turns(work(3))])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(order, [1, 2, 3])
})

test('none begins before the one before it has ended', async () => {
  const turns = createTurns()
  const seen: string[] = []
  const work = (name: string, fails = false) =>
    turns(async () => {
      seen.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 1))
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const outcomes = await Promise.allSettled([work('a', true), work('b'), work('c')])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})
