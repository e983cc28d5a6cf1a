import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PlanOptions, planReplay } from '../../../consumers/replay/plan.ts'
import { progressId, startId } from '../../../consumers/sink/ledger.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'

/** A Bronze table that has taken in 100 records of each of two partitions; of the first Kafka has 20 more, of the second none any more. */
const plan = async (of: Pick<PlanOptions, 'from'> & { partitions?: number[] }) => {
  const table = openTable(openMemoryStore(), 'bronze/reviews')
  const txns = [0, 1].flatMap((partition) => {
    const appId = progressId({ stage: 'bronze', clusterId: 'c', topicId: 't', partition })
    return [
      { appId, version: 100 },
      { appId: startId(appId), version: 0 },
    ]
  })
  await commit(table, {
    operation: 'WRITE',
    fields: [{ name: '_offset', type: { kind: 'long' }, nullable: true }],
    partitionColumns: [],
    txns,
  })
  const client = {
    clusterId: 'c',
    topicOffsets: async () => [
      { partition: 0, logStart: 0, end: 120 },
      { partition: 1, logStart: 100, end: 100 },
    ],
    offsetsAt: async () =>
      new Map([
        [0, 50],
        [1, 100],
      ]),
  }
  return planReplay({
    ...{ name: 'bronze.reviews', layer: 'bronze', topic: 'reviews', topicId: 't', client, table, bronze: null },
    ...{ snapshot: await table.snapshot(), stageTable: { isComplete: false }, to: { kind: 'latest' }, partitions: of.partitions ?? null },
    from: of.from,
  })
}

test('an offset beyond the end of its partition is refused; one that the table has not taken in yet is none', async () => {
  const from = (offset: number) => plan({ from: { kind: 'offset', offset }, partitions: [0] })
  await assert.rejects(from(120), { code: 'config', message: '--from 120 is beyond the end of reviews/0, whose last offset is 119.' })
  assert.deepEqual((await from(119)).works, [])
  assert.equal((await from(99)).works.length, 1)
})

test('where Kafka has nothing of a partition any more that is said, rather than that nothing is there', async () => {
  const gone = 'Kafka no longer has the offsets 0 to 99 of reviews/1, and Bronze is derived from Kafka alone; the table keeps its rows'
  for (const from of [{ kind: 'earliest' }, { kind: 'time', timeMs: 0 }] as const) {
    await assert.rejects(plan({ from, partitions: [1] }), { code: 'records-lost', message: `${gone}.` })
    const { works, notes } = await plan({ from })
    assert.deepEqual([works.map(({ partition }) => partition), notes], [[0], [gone]])
  }
  await assert.rejects(plan({ from: { kind: 'offset', offset: 10 }, partitions: [1] }), {
    code: 'records-lost',
    hint: 'The table keeps its rows.',
  })
})
