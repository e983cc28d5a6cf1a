import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideStart, offsetMetadata } from '../../../consumers/sink/start.ts'

const identity = { clusterId: 'c', topicId: 't', tableId: 'd' }
const ours = (offset: number) => ({ offset, metadata: offsetMetadata(identity, offset) })

test('a partition without progress begins where the topic begins', () =>
  assert.deepEqual(decideStart({ identity, progress: null, logStart: 7, group: null }), { kind: 'go-on', offset: 7, warning: null }))
test('the table decides, whatever the group says: a crash lies between the two commits', () => {
  assert.deepEqual(decideStart({ identity, progress: 20, logStart: 0, group: ours(10) }), { kind: 'go-on', offset: 20, warning: null })
  assert.deepEqual(decideStart({ identity, progress: 20, logStart: 0, group: null }), { kind: 'go-on', offset: 20, warning: null })
})
test('a group offset that is not ours is named', () =>
  assert.match(
    (decideStart({ identity, progress: 20, logStart: 0, group: { offset: 3, metadata: '' } }) as { warning: string }).warning,
    /3 is not ours/,
  ))
test('records that the topic no longer has are a loss, not a skip', () =>
  assert.deepEqual(decideStart({ identity, progress: 5, logStart: 9, group: null }), { kind: 'lost', from: 5, to: 9 }))
