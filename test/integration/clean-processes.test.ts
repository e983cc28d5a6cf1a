import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import type { CleanJob } from '../faults/child/clean.ts'
import { type Child, openChildren } from '../faults/helpers/children.ts'
import { GROUP, startCleanPipeline, users } from '../helpers/clean.ts'
import { until } from '../helpers/up.ts'

const { stack, client, lakeUrl, send, silver, clean, checkEachOnce, checkLast, lag, close } = await startCleanPipeline()
const evictor = new Admin({ clientId: 'test-admin', bootstrapBrokers: stack.brokers, autocreateTopics: false })
const children = openChildren('clean', { spare: 1 })

before(async () => {
  // A clean topic that has been at work.
  await send(users(0, 40, 1))
  await silver()
  await clean()
})
after(async () => {
  await children.close()
  await evictor.close()
  await close()
})

/** What a dead member holds on to would be free only after its session: this ends it now. */
const evict = () => evictor.removeMembersFromConsumerGroup({ groupId: GROUP, members: null }).catch(() => undefined)
const job = (more: Partial<CleanJob> = {}): CleanJob => ({
  ...{
    brokers: stack.brokers,
    registryUrl: stack.registryUrl,
    lakeUrl,
    entities: ['ratings'],
    isOnce: true,
    sessionTimeoutMs: 6000,
    ...more,
  },
})
const finished = async (child: Child) => assert.deepEqual(await child.exited(), { code: 0, signal: null }, child.output())

test('killed anywhere in a transaction, it changes nothing: the next one publishes each change once', async () => {
  for (const [index, at] of ['^send$', '^send › sent$', '^sendOffsets$', '^sendOffsets › sent$', '^commit$', '^commit › sent$'].entries()) {
    await send([...users(100 + index * 10, 10, 1), ...users(100 + index * 10, 5, 2, { rating: 1 })])
    await silver()
    const child = await children.start(job({ crash: { call: 1, at, signal: 'SIGKILL' } }))
    assert.equal((await child.exited()).signal, 'SIGKILL', child.output())
    await evict()
    await clean()
    assert.equal(await lag(), 0, at)
  }
  await checkEachOnce()
  await checkLast()
})

test('stopped in the middle of a transaction, and waking after another has taken over, it publishes nothing more', async () => {
  await send(users(200, 20, 1))
  await silver()
  const zombie = await children.start(job({ isOnce: false, crash: { call: 1, at: '^commit$', signal: 'SIGSTOP' } }))
  await zombie.standsStill()
  const owner = await children.start(job({ isOnce: false }))
  await until('the other to publish', async () => (await lag()) === 0)
  await send(users(200, 20, 2, { rating: 2 }))
  zombie.kill('SIGCONT')
  await silver()
  await until('both to go on', async () => (await lag()) === 0)
  await zombie.says('that it begins anew', ({ msg }) => msg === 'beginning anew')
  await send(users(200, 20, 3, { rating: 4 }))
  await silver()
  await until('one of them to go on', async () => (await lag()) === 0)
  for (const child of [zombie, owner]) child.kill('SIGTERM')
  await finished(zombie)
  await finished(owner)
  await checkEachOnce()
  await checkLast()
})

test('a live one follows Silver, and leaves its group when it stops', async (t) => {
  const live = await children.start(job({ isOnce: false }))
  t.after(() => live.kill('SIGKILL'))
  await live.says('that it joined', ({ msg }) => msg === 'joined the group')
  await send(users(300, 10, 1))
  await silver()
  const sinceMs = Date.now()
  await until('the changes', async () => (await lag()) === 0)
  t.diagnostic(`${Date.now() - sinceMs} ms after Silver`)
  await live.stop()
  assert.equal(await client.groupMembers(GROUP), 0)
  await checkEachOnce()
})
