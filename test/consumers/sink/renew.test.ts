import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SinkPartition } from '../../../consumers/sink/partition.ts'
import { createRenewals } from '../../../consumers/sink/renew.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

/**
 * Renewals of tables `a` and `b`, of which this process holds a partition each. `takeIn` is a commit of any process; `renew`
 * gives the tables that were written.
 */
const setUp = async (throughMs: number | null = 5) => {
  const clock = { ms: 1_000_000 }
  const store = openMemoryStore()
  const written: string[] = []
  const fault = { left: 0 }
  const sinks = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const partition = { position: 3, end: { offset: 3, asOfMs: 0 }, ledger: { through: throughMs } } as unknown as SinkPartition
      const table = openTable(store, name)
      await commit(table, { operation: 'WRITE', fields: [{ name: 'x', type: { kind: 'long' }, nullable: true }] })
      const renewThrough = async () => {
        if (fault.left-- > 0) throw new Error('the store is away')
        written.push(name)
        partition.ledger = { ...partition.ledger, through: clock.ms }
        return true
      }
      return { table, partition, partitions: () => [partition], renewThrough }
    }),
  )
  const [a, b] = sinks
  assert.ok(a && b)
  const renewals = createRenewals({ sinks, intervalMs: 60_000, nowMs: () => clock.ms })
  const renew = async (options?: { isLast: boolean }) => {
    await renewals.renew(options)
    return written.splice(0)
  }
  let offset = 10
  const takeIn = (name: 'a' | 'b') =>
    commit(openTable(store, name), { operation: 'WRITE', txns: [{ appId: 'silver/c/t/7', version: ++offset }] })
  const wait = (ms: number) => {
    clock.ms += ms
  }
  return { a, b, renewals, renew, takeIn, wait, fault }
}

test('an idle system writes nothing, at its start or later', async () => {
  const { renewals, renew, wait } = await setUp()
  assert.deepEqual(await renew(), [], 'nothing is assigned yet')
  renewals.begin()
  for (let round = 0; round < 5; round++) {
    assert.deepEqual(await renew(), [])
    wait(60_000)
  }
  assert.deepEqual(await renew({ isLast: true }), [])
})

test('what any process takes in brings all tables to a time after that, once, at most once an interval', async () => {
  const { renewals, renew, takeIn, wait } = await setUp()
  renewals.begin()
  await takeIn('a')
  assert.deepEqual(await renew(), ['a', 'b'])
  wait(10_000)
  await takeIn('b')
  assert.deepEqual(await renew(), [], 'not yet')
  wait(50_000)
  assert.deepEqual(await renew(), ['a', 'b'])
  wait(60_000)
  assert.deepEqual(await renew(), [], 'and is silent again')
})

test('a table that was just flushed has said it itself; afterwards it is brought past that', async () => {
  const { a, renewals, renew, takeIn, wait } = await setUp()
  renewals.begin()
  await takeIn('a')
  renewals.flushed(a)
  assert.deepEqual(await renew(), ['b'])
  wait(60_000)
  assert.deepEqual(await renew(), ['a'])
  wait(60_000)
  assert.deepEqual(await renew(), [])
})

test('the last round waits for no interval, and takes those in that were flushed before an end was seen', async () => {
  const { a, renewals, renew, takeIn } = await setUp()
  renewals.begin()
  assert.deepEqual(await renew(), [])
  await takeIn('a')
  renewals.flushed(a)
  assert.deepEqual(await renew({ isLast: true }), ['a', 'b'])
  assert.deepEqual(await renew({ isLast: true }), [])
})

test('a table with records that wait is left to its flush', async () => {
  const { a, renewals, renew, takeIn } = await setUp()
  renewals.begin()
  a.partition.end = { offset: 9, asOfMs: 0 }
  await takeIn('a')
  assert.deepEqual(await renew(), ['b'])
})

test('a table that says nothing yet is not waited with, once there is any record', async () => {
  const { renewals, renew, takeIn } = await setUp(null)
  renewals.begin()
  assert.deepEqual(await renew(), [], 'nothing was ever taken in')
  await takeIn('a')
  assert.deepEqual(await renew({ isLast: true }), ['a', 'b'])
})

test('a fault leaves no table out', async () => {
  const { renewals, renew, takeIn, fault } = await setUp()
  renewals.begin()
  await takeIn('a')
  fault.left = 1
  await assert.rejects(renew())
  assert.deepEqual(await renew(), ['a', 'b'])
})
