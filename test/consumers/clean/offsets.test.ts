import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CleanIdentity,
  type CleanPartition,
  cleanMetadata,
  decideCleanStart,
  isCleanSettled,
  parseCleanMetadata,
} from '../../../consumers/clean/offsets.ts'

const identity: CleanIdentity = { clusterId: 'c', topicId: 't', tableId: 'table', cleanTopicId: 'k' }
const ours = (next: number, more: Partial<Parameters<typeof cleanMetadata>[0]> = {}) => ({
  offset: next,
  metadata: cleanMetadata({ identity, next, epoch: 0, version: 7, again: null, ...more }),
})
const partition = (group: CleanPartition['group'], more: Partial<CleanPartition> = {}): CleanPartition => ({
  ...{ partition: 0, group, progress: 50, start: 0, epoch: 0, ...more },
})
const decide = (partitions: CleanPartition[], { version = 9, isFirst = true } = {}) =>
  decideCleanStart({ identity, version, isFirst }, partitions)

test('an offset of ours is where it goes on, with the version that it was as of', () => {
  const start = decide([partition(ours(40)), partition(ours(30, { version: 5 }), { partition: 1 })])
  assert.equal(start.difference, null)
  assert.deepEqual(
    [...start.from],
    [
      ...new Map([
        [0, 40],
        [1, 30],
      ]),
    ],
  )
  assert.equal(start.version, 5)
  assert.equal(start.again.size, 0)
  assert.deepEqual(parseCleanMetadata(40, ours(40).metadata), { identity, next: 40, epoch: 0, version: 7, again: null })
})

test('a replayed, replaced or restored table, and a topic that was made anew, are compared', () => {
  const of = (group: CleanPartition['group'], more: Partial<CleanPartition> = {}, version = 9) =>
    decide([partition(group, more)], { version })
  assert.match(of(ours(40), { epoch: 1 }).difference ?? '', /replayed/)
  for (const [changed, said] of [
    [{ tableId: 'other' }, /table is another/],
    [{ topicId: 'other' }, /source topic was made anew/],
    [{ cleanTopicId: 'other' }, /clean topic was made anew/],
  ] as const)
    assert.match(of(ours(40, { identity: { ...identity, ...changed } })).difference ?? '', said)
  const restored = of(ours(60))
  assert.match(restored.difference ?? '', /restored/)
  assert.ok(restored.isAhead, 'Silver derives again what was published: until then nothing is deleted')
  assert.match(of(ours(40), {}, 6).difference ?? '', /restored/)
  assert.equal(of(ours(40), {}, 6).isAhead, false)
})

test('an offset that somebody else wrote is published from once more, or left out up to', () => {
  for (const metadata of [null, '', 'x', ours(41).metadata]) {
    const start = decide([partition({ offset: 10, metadata }), partition(ours(50), { partition: 1 })])
    assert.equal(start.difference, null)
    assert.deepEqual([start.from.get(0), start.again.get(0), start.version, start.reset], [10, 50, null, [0]])
  }
  assert.deepEqual([...decide([partition({ offset: -2, metadata: '' }, { start: 5 })]).from], [[0, 5]])
  const forward = decide([partition({ offset: 80, metadata: '' })])
  assert.deepEqual([forward.from.get(0), forward.again.size], [50, 0], 'what Silver does not have yet is not left out')
})

test('without an offset it begins where the table does; rows of another topic need a comparison', () => {
  const start = decide([partition(null, { start: 5 }), partition(null, { partition: 1, progress: null, start: null })])
  assert.deepEqual([[...start.from], start.difference, start.version], [[[0, 5]], null, null])
  assert.match(decide([partition(null)], { isFirst: false }).difference ?? '', /another topic/)
  const added = decide([partition(ours(50)), partition(null, { partition: 1 })], { isFirst: false })
  assert.deepEqual([added.difference, added.from.get(1), added.version], [null, 0, null], 'a partition that was added')
})

test('a reset that was broken off goes on publishing once more', () => {
  const start = decide([partition(ours(20, { again: 45, version: null }))])
  assert.deepEqual([start.from.get(0), start.again.get(0), start.version], [20, 45, null])
  assert.doesNotMatch(ours(45, { again: 45 }).metadata, /again/)
})

test('settled is what has nothing left', () => {
  const is = (partitions: CleanPartition[]) => isCleanSettled(decide(partitions), partitions)
  assert.ok(is([partition(ours(50)), partition(null, { partition: 1, progress: null })]))
  assert.ok(!is([partition(ours(49))]))
  assert.ok(!is([partition(ours(50), { epoch: 1 })]))
  assert.ok(!is([partition(null)]))
})
