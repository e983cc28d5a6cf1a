import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLagAges } from '../../../api/pipeline/lag-age.ts'

const at = (endOffset: number, lag: number, partition = 0) => ({ topic: 't', partition, endOffset, lag })

describe('the lag in seconds', () => {
  it('is 0 where nothing waits', () => {
    const ages = createLagAges()
    assert.deepEqual(ages.waiting([at(10, 0)], 1000), [0])
  })

  it('counts from the last look that found the end where the group stands', () => {
    const ages = createLagAges()
    ages.waiting([at(10, 0)], 1000)
    ages.waiting([at(10, 0)], 3000)
    assert.deepEqual(ages.waiting([at(14, 4)], 5000), [2000])
    assert.deepEqual(ages.waiting([at(20, 10)], 9000), [6000])
    // It has caught up to what the end was at 5000.
    assert.deepEqual(ages.waiting([at(20, 6)], 9500), [4500])
    assert.deepEqual(ages.waiting([at(20, 0)], 9900), [0])
  })

  it('grows while the group stands still, whatever comes', () => {
    const ages = createLagAges()
    ages.waiting([at(5, 0)], 0)
    for (let look = 1; look <= 5000; look++) assert.deepEqual(ages.waiting([at(5 + look, look)], look * 2000), [look * 2000])
  })

  it('counts what was there at the first look from then on', () => {
    const ages = createLagAges()
    assert.deepEqual(ages.waiting([at(10, 4)], 1000), [0])
    assert.deepEqual(ages.waiting([at(10, 4)], 4000), [3000])
  })

  it('tells groups on one partition apart, and partitions', () => {
    const ages = createLagAges()
    ages.waiting([at(10, 0), at(10, 0), at(7, 0, 1)], 0)
    assert.deepEqual(ages.waiting([at(12, 2), at(12, 0), at(7, 0, 1)], 5000), [5000, 0, 0])
    assert.deepEqual(ages.waiting([at(13, 3), at(13, 1), at(8, 1, 1)], 8000), [8000, 3000, 3000])
  })

  it('begins anew with a topic that was made anew', () => {
    const ages = createLagAges()
    ages.waiting([at(100, 0)], 0)
    assert.deepEqual(ages.waiting([at(3, 3)], 10_000), [0])
    assert.deepEqual(ages.waiting([at(4, 4)], 12_000), [2000])
  })
})
