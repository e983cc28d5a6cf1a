import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLanes, TooMany } from '../../../api/http/lanes.ts'

const options = { workers: 1, maxWaiting: 2, long: { workers: 1, afterMs: 1000 } }
const settled = () => new Promise((resolve) => setImmediate(resolve))
const never = () => assert.fail('it was told to leave')

test('a long query moves out of the way of others; another long one leaves when they wait', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { enter } = createLanes(options)
  const first = await enter(never)
  let isSecondIn = false
  let isSecondTold = false
  const second = enter(() => {
    isSecondTold = true
  })
  second.then(() => {
    isSecondIn = true
  })
  t.mock.timers.tick(999)
  await settled()
  assert.equal(isSecondIn, false)
  t.mock.timers.tick(1)
  await settled()
  assert.equal(isSecondIn, true, 'the first is in the long lane')
  t.mock.timers.tick(5000)
  assert.equal(isSecondTold, false, 'nobody waits')
  let isThirdIn = false
  const third = enter(never)
  third.then(() => {
    isThirdIn = true
  })
  t.mock.timers.tick(250)
  assert.equal(isSecondTold, true)
  ;(await second).leave()
  await settled()
  assert.equal(isThirdIn, true)
  first.leave()
  ;(await third).leave()
  ;(await third).leave()
  const [a, b] = [enter(never), enter(never)]
  await a
  let isIn = false
  b.then(() => {
    isIn = true
  })
  await settled()
  assert.equal(isIn, false, 'who leaves twice leaves one place')
  ;(await a).leave()
  await b
})

test('who waits in vain is refused, and who does not want it any more loses the place to others', async () => {
  const { enter, refuseAll } = createLanes({ workers: 1, maxWaiting: 2 })
  const first = await enter(never)
  const gone = new AbortController()
  const waiting = enter(never, gone.signal)
  const other = enter(never)
  await assert.rejects(enter(never), (error: Error) => error instanceof TooMany && /1 run and 2 wait/.test(error.message))
  gone.abort(new Error('hung up'))
  await assert.rejects(waiting, /hung up/)
  const last = enter(never)
  first.leave()
  ;(await other).leave()
  const place = await last
  const refused = enter(never)
  refuseAll(new Error('stopping'))
  await assert.rejects(refused, /stopping/)
  place.leave()
})
