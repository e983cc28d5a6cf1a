import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allFaults, describePlan, faultKinds, networkFaults, planSoak } from './plan.ts'

const idOf = ({ kind, target, network }: { kind: string; target: string; network?: string }) => [kind, target, network].join(' ')

test('a plan is the same for the same seed, and another for another', () => {
  for (const lake of ['folder', 'minio'] as const) {
    const plan = planSoak({ seed: 7, minutes: 20, lake })
    assert.deepEqual(planSoak({ seed: 7, minutes: 20, lake }), plan)
    assert.equal(describePlan(planSoak({ seed: 7, minutes: 20, lake })), describePlan(plan))
    assert.notDeepEqual(planSoak({ seed: 8, minutes: 20, lake }).faults, plan.faults)
  }
})

test('every kind of fault comes in a minute and a half, every fault in ten, whatever the seed', () => {
  for (const lake of ['folder', 'minio'] as const)
    for (let seed = 0; seed < 200; seed++) {
      const short = planSoak({ seed, minutes: 1.5, lake }).faults
      assert.deepEqual(new Set(short.map(({ kind }) => kind)), new Set(faultKinds), `seed ${seed}`)
      const long = planSoak({ seed, minutes: 10, lake }).faults
      assert.deepEqual(new Set(long.map(idOf)), new Set(Object.values(allFaults(lake)).flat().map(idOf)), `seed ${seed}`)
      assert.deepEqual(new Set(long.flatMap(({ network }) => network ?? [])), new Set(networkFaults))
    }
})

test('faults come in order and are over when the calm begins; a lake in a folder has no MinIO', () => {
  const plan = planSoak({ seed: 3, minutes: 20, lake: 'folder' })
  let before = 0
  for (const { atMs, lengthMs, target } of plan.faults) {
    assert.ok(atMs >= before && atMs + lengthMs <= plan.calmFromMs)
    assert.notEqual(target, 'minio')
    before = atMs
  }
  assert.ok(plan.calmFromMs < plan.loadMs * 0.8)
  assert.ok(plan.faults.length > 80)
})

test('a fault is over before the next of its kind comes to the same target', () => {
  for (let seed = 0; seed < 100; seed++) {
    const { faults } = planSoak({ seed, minutes: 20, lake: 'minio' })
    for (const [what, all] of Map.groupBy(faults, ({ kind, target }) => `${kind} ${target}`))
      all.slice(1).forEach(({ atMs }, index) => {
        const before = all[index]!
        assert.ok(atMs >= before.atMs + before.lengthMs, `${what}, seed ${seed}`)
      })
  }
})
