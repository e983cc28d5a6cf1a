import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyClean } from '../../../consumers/verify/clean.ts'
import type { PinnedTable } from '../../../consumers/verify/tables.ts'
import { emptySnapshot } from '../../../lake/delta/snapshot.ts'
import type { DuckDb } from '../../../runtime/duckdb.ts'
import type { SecondReader, TopicState } from '../../../runtime/kafka/second/reader.ts'

const silver = { root: 'silver/ratings', snapshot: { ...emptySnapshot, metadata: { id: 'table' } } } as unknown as PinnedTable
const committed = [{ partition: 0, offset: 5, metadata: null }]

/** What of the clean topic can't be compared, by what Kafka has: where its log ends, null for no topic. */
const found = async (ends: { clean: number | null; source: number | null }, offsets: typeof committed) => {
  const state = (name: string, end: number | null) =>
    end === null ? null : ({ id: name, isCompacted: false, partitions: [{ partition: 0, logStart: 0, end }] } as unknown as TopicState)
  const topic = async (name: string) => state(name, name.endsWith('clean') ? ends.clean : ends.source)
  const reader = { clusterId: 'c', topic, committed: async () => offsets } as unknown as SecondReader
  const report = await verifyClean({ duckdb: {} as DuckDb, reader }, 'ratings', silver)
  return report && [report.proof, ...report.notes].join(': ')
}

test('a clean topic is left out only where the stage never ran; what can not be compared is told', async () => {
  assert.equal(await found({ clean: null, source: 9 }, []), null)
  assert.equal(await found({ clean: 0, source: 9 }, []), null)
  assert.match((await found({ clean: 7, source: 9 }, [])) ?? '', /^not compared: the group readflow\.clean has no offsets/)
  assert.match((await found({ clean: 7, source: null }, [])) ?? '', /^not compared: goodreads\.ratings, which it is made of, is gone$/)
  assert.equal(await found({ clean: null, source: 9 }, committed), 'not compared: the topic is gone')
  assert.match((await found({ clean: 7, source: 9 }, committed)) ?? '', /^not compared: the group was reset/)
})
