import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeFlatness, type Sample, slopePerMinute } from './flat.ts'

const MINUTE_MS = 60_000
const bound = { perMinute: 5, most: 500 }
/** Ten minutes of a process that is started again every `lifeMinutes`, by what it has at an age in minutes. */
const run = (valueAt: (minutes: number, age: number) => number, lifeMinutes = 10): Sample[] =>
  Array.from({ length: 121 }, (_, index) => {
    const minutes = index / 12
    const life = Math.floor(minutes / lifeMinutes)
    return {
      atMs: minutes * MINUTE_MS,
      name: 'consume',
      life: `${life}`,
      measure: 'memory MB',
      value: valueAt(minutes, minutes - life * lifeMinutes),
    }
  })
const judged = (samples: Sample[]) => judgeFlatness(samples, () => bound)[0]!

test('what warms up and then stays is flat; what grows on is not, also where it begins anew again and again', () => {
  const warm = (_minutes: number, age: number) => 100 + 100 * Math.min(1, age)
  assert.equal(judged(run(warm)).isFlat, true)
  assert.equal(judged(run(warm, 3)).isFlat, true)
  const leaking = (_minutes: number, age: number) => 100 + 20 * age
  for (const lifeMinutes of [10, 4]) {
    const found = judged(run(leaking, lifeMinutes))
    assert.equal(found.isFlat, false)
    assert.ok(Math.abs(found.perMinute! - 20) < 0.5, `${found.perMinute}`)
  }
})

test('noise is no growth; a peak over the limit is seen however short', () => {
  assert.equal(judged(run((minutes) => 200 + 50 * Math.sin(minutes * 20))).isFlat, true)
  assert.equal(judged(run((minutes) => (minutes === 2 ? 501 : 100))).isFlat, false)
})

test('what work takes for its while is no growth, though it takes more and more', () => {
  const building = (minutes: number) => 200 + ((minutes * 12) % 6 < 2 ? 60 * minutes : 0)
  assert.equal(judged(run(building)).isFlat, false, 'it ends above what it may have at most')
  const found = judgeFlatness(run(building), () => ({ ...bound, most: 900 }))[0]!
  assert.ok(found.isFlat && Math.abs(found.perMinute!) < 0.1, `${found.perMinute}`)
})

test('what goes up and down is borne for a while, and the less the longer it is seen', () => {
  const swinging = { ...bound, swing: 60 }
  const sawtooth = (minutes: number) => 100 + 60 * ((minutes / 8) % 1)
  const of = (samples: Sample[], limits: typeof bound) => judgeFlatness(samples, () => limits)[0]!
  // The half that is seen only rises.
  const tooth = run((minutes) => sawtooth(minutes + 3))
  assert.equal(of(tooth, bound).isFlat, false)
  assert.equal(of(tooth, swinging).isFlat, true)
  assert.ok(Math.abs(of(tooth, swinging).mostPerMinute - (5 + 60 / 5)) < 0.5)
  assert.equal(
    of(
      run((_minutes, age) => 100 + 20 * age),
      swinging,
    ).isFlat,
    false,
  )
})

test('what lives too short says nothing of growth', () => {
  assert.equal(judged(run((_minutes, age) => 100 + 50 * age, 0.5)).perMinute, null)
  assert.equal(slopePerMinute([]), null)
})
