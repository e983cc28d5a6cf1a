import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openGroupConsumer } from '../../runtime/kafka/group-consumer.ts'
import { createLog } from '../../runtime/log.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { eventually, stackSkip } from '../helpers/stack.ts'

const HOURS_MS = 5 * 3_600_000
const SESSION_MS = 6000
const skip = await stackSkip()

test('a clock that was ahead by hours and is set right again puts no member out of its group', { skip, timeout: 120_000 }, async (t) => {
  const { client, close } = await startTestPipeline()
  const groupId = 'clock'
  let joined = 0
  const consumer = await openGroupConsumer({
    ...{ client, groupId, topics: ['goodreads.books'], sessionTimeoutMs: SESSION_MS, log: createLog('test', 'silent') },
    fetch: { maxBytes: 1024, maxBytesPerPartition: 1024 },
    handlers: {
      joined: () => void joined++,
      assigned: async (partitions) => new Map(partitions.map(({ topic, partition }) => [`${topic}/${partition}`, 0])),
      data: async () => undefined,
      outOfRange: () => undefined,
      failed: (error) => assert.fail(error),
    },
  })
  t.after(async () => {
    await consumer.stop()
    await close()
  })
  const members = () => client.groupMembers(groupId)
  await eventually(async () => (await members()) === 1 && joined > 0)
  const now = Date.now
  const clock = t.mock.method(Date, 'now', () => now() + HOURS_MS)
  await delay(SESSION_MS / 2)
  clock.mock.restore()
  const joinedBefore = joined
  for (let checks = 0; checks < 4; checks++) {
    await delay(SESSION_MS / 2)
    assert.equal(await members(), 1)
  }
  assert.equal(joined, joinedBefore, 'it never had to join again')
})
