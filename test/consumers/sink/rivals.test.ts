import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressId } from '../../../consumers/sink/ledger.ts'
import { createRivals } from '../../../consumers/sink/rivals.ts'
import type { Snapshot } from '../../../lake/delta/snapshot.ts'

const of = (clusterId: string) => progressId({ stage: 'silver', clusterId, topicId: 't', partition: 0 })
const snapshot = (txns: Record<string, number>) => ({ txns: new Map(Object.entries(txns)) }) as unknown as Snapshot

test('another cluster whose progress moves is a rival until it has been quiet; what an earlier cluster left is none', () => {
  let nowMs = 0
  const rivalOf = createRivals({ clusterId: 'ours', nowMs: () => nowMs })
  assert.equal(rivalOf('silver.books', snapshot({ [of('ours')]: 5, [of('earlier')]: 90 })), null)
  assert.equal(rivalOf('silver.books', snapshot({ [of('ours')]: 9, [of('earlier')]: 90 })), null)
  assert.equal(rivalOf('silver.books', snapshot({ [of('ours')]: 9, [of('earlier')]: 90, [of('other')]: 1 })), 'other')
  nowMs = 5 * 60_000
  assert.equal(rivalOf('silver.authors', snapshot({ [of('ours')]: 1, [of('other')]: 7 })), 'other', 'as it was seen at another table')
  nowMs = 11 * 60_000
  assert.equal(rivalOf('silver.books', snapshot({ [of('ours')]: 12, [of('earlier')]: 90, [of('other')]: 1 })), null)
  assert.equal(rivalOf('silver.books', snapshot({ [of('ours')]: 12, [of('earlier')]: 91, [of('other')]: 1 })), 'earlier')
})
