import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decideStart, offsetMetadata, type StartInput } from '../../../consumers/sink/start.ts'

const identity = { clusterId: 'c', topicId: 't', tableId: 'd' }
const ours = (offset: number, of = identity) => ({ offset, metadata: offsetMetadata(of, offset) })
const foreign = (offset: number, metadata: string | null = '') => ({ offset, metadata })
const decide = (input: Partial<StartInput>) => decideStart({ identity, progress: 20, logStart: 0, logEnd: 100, group: null, ...input })
const goOn = (offset: number) => ({ kind: 'go-on', offset, warning: null })

describe('where a partition goes on', () => {
  test('a partition without progress begins where the topic begins', () =>
    assert.deepEqual(decide({ progress: null, logStart: 7 }), goOn(7)))
  test('the table decides over our own group offset: a crash lies between the two commits', () =>
    assert.deepEqual(decide({ group: ours(10) }), goOn(20)))
  test('an expired or deleted group replays nothing', () => assert.deepEqual(decide({ group: null }), goOn(20)))
  test('a foreign offset that equals progress changes nothing', () => assert.deepEqual(decide({ group: foreign(20) }), goOn(20)))
})

describe('somebody reset the group', () => {
  test('below progress: a replay up to progress', () => {
    assert.deepEqual(decide({ group: foreign(3) }), { kind: 'replay', from: 3, until: 20 })
    assert.deepEqual(decide({ group: foreign(3, null) }), { kind: 'replay', from: 3, until: 20 })
  })
  test('below what the topic still has, or at -2: from the log start', () => {
    assert.deepEqual(decide({ logStart: 5, group: foreign(3) }), { kind: 'replay', from: 5, until: 20 })
    assert.deepEqual(decide({ logStart: 5, group: foreign(-2) }), { kind: 'replay', from: 5, until: 20 })
  })
  test('above progress: a skip, never beyond the end of the topic', () => {
    assert.deepEqual(decide({ group: foreign(30) }), { kind: 'skip', from: 20, to: 30 })
    assert.deepEqual(decide({ group: foreign(1000) }), { kind: 'skip', from: 20, to: 100 })
  })
  test('below progress, where the topic no longer has what follows progress: a loss, not a skip that nobody asked for', () => {
    for (const group of [foreign(3), foreign(-2)]) assert.deepEqual(decide({ logStart: 50, group }), { kind: 'lost', from: 20, to: 50 })
  })
  test('on a table that has nothing yet: a skip from the log start', () =>
    assert.deepEqual(decide({ progress: null, logStart: 4, group: foreign(9) }), { kind: 'skip', from: 4, to: 9 }))
  test('moved while our metadata was kept: still somebody else', () =>
    assert.equal(decide({ group: { ...ours(20), offset: 3 } }).kind, 'replay'))
})

describe('ours, but not of this table', () => {
  for (const [name, other] of Object.entries({
    'another table': { ...identity, tableId: 'x' },
    'another topic': { ...identity, topicId: 'x' },
    'another cluster': { ...identity, clusterId: 'x' },
  })) {
    for (const offset of [3, 30])
      test(`${name} at ${offset}: goes on from the table and warns`, () => {
        const decision = decide({ group: ours(offset, other) })
        assert.equal(decision.kind, 'go-on')
        assert.match((decision as { warning: string }).warning, /another table or topic.*progress 20/)
      })
  }
  test('beyond the table, which was restored: goes on from the table and warns', () => {
    const decision = decide({ group: ours(50) })
    assert.deepEqual({ ...decision, warning: null }, goOn(20))
    assert.match((decision as { warning: string }).warning, /restored/)
  })
})

describe('the topic and the table do not meet', () => {
  test('records that the topic no longer has are a loss, not a skip', () =>
    assert.deepEqual(decide({ progress: 5, logStart: 9 }), { kind: 'lost', from: 5, to: 9 }))
  test('a person who resets the group beyond them says so: a skip', () =>
    assert.deepEqual(decide({ progress: 5, logStart: 9, group: foreign(9) }), { kind: 'skip', from: 5, to: 9 }))
  test('a topic that ends before progress lost records', () =>
    assert.deepEqual(decide({ progress: 200, group: foreign(3) }), { kind: 'ahead', offset: 200, logEnd: 100 }))
})
