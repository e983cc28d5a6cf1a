import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { exportId, feedId, openInbox, userOfShelf } from '../../../lineage/shelves/inbox.ts'
import { createShelfOpener } from '../../../producers/poll/open-shelf.ts'
import type { Polled } from '../../../producers/poll/poll.ts'
import { createShelves, isDue } from '../../../producers/poll/shelves.ts'
import { startSandbox } from '../../../producers/sandbox/server.ts'
import type { Position } from '../../../producers/sources/source.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { tempDir } from '../../helpers/up.ts'

const startMs = Date.UTC(2026, 9, 1)
const log = pino({ level: 'silent' })

/** An inbox and its poller; what is published is counted and not sent. */
const open = async (t: TestContext, options: { sandboxUrl?: string; fails?: () => Error | null } = {}) => {
  const inbox = openInbox(await tempDir(t))
  const clock = { nowMs: startMs }
  const positions = new Map<string, Position>()
  const jobs: string[] = []
  const shelves = createShelves({
    inbox,
    log,
    topicEnds: async () => ({ 'books/t/0': 7 }),
    nowMs: () => clock.nowMs,
    open: createShelfOpener(inbox, { sandboxUrl: options.sandboxUrl, minIntervalMs: 0, firstDelayMs: 1, log }),
    poll: async (source, job, signal) => {
      jobs.push(job)
      const failure = options.fails?.()
      if (failure) throw failure
      const polled: Polled = { books: 0, authors: 0, reviews: 0, ratings: 0 }
      for await (const { records, position } of source.poll(positions.get(source.id) ?? null, {
        pollId: 'p',
        signal,
        log,
        nowMs: () => clock.nowMs,
      })) {
        for (const { entity } of records) if (entity !== 'raw') polled[entity]++
        positions.set(source.id, position)
      }
      return polled
    },
  })
  const upload = async (name: string, csv: string) => {
    const file = await inbox.uploadPath()
    await writeFile(file, csv)
    return inbox.putExport({ id: `export-${name}`, kind: 'export', name, userId: `export-${name}`, feed: null }, file, csv.length)
  }
  const once = () => shelves.once(new AbortController().signal)
  const statusOf = async (id: string) => (await inbox.get(id))?.status
  return { inbox, clock, jobs, shelves, upload, once, statusOf }
}

test('an upload is read once, and again when it was replaced', async (t) => {
  const { upload, once, statusOf, jobs, clock } = await open(t)
  await upload('ann', 'Book Id,Title,Author,My Rating\n1,One,A,5\n2,"Two,B,0\n3,Three,A,0\n')
  await once()
  const status = await statusOf('export-ann')
  assert.deepEqual([status?.state, status?.counts, status?.unreadLines], ['read', { books: 2, authors: 1, reviews: 2, ratings: 1 }, 1])
  assert.equal(status?.readAt, new Date(startMs).toISOString())
  clock.nowMs += 86_400_000
  await once()
  assert.deepEqual(jobs, ['poll export-ann'])
  await upload('ann', 'Book Id,Title\n1,One\n')
  assert.equal(await statusOf('export-ann'), null)
  await once()
  assert.equal((await statusOf('export-ann'))?.counts?.['books'], 1)
})

test('what is no export fails with one line and stops nothing else', async (t) => {
  const { upload, once, statusOf, jobs } = await open(t)
  await upload('bad', '<html>no</html>')
  await upload('good', 'Book Id\n1\n')
  await once()
  const bad = await statusOf('export-bad')
  assert.equal(bad?.state, 'failed')
  assert.match(bad?.detail ?? '', /^The upload 'bad' has no column 'Book Id'/)
  assert.doesNotMatch(bad?.detail ?? '', /\n/)
  assert.equal((await statusOf('export-good'))?.state, 'read')
  await once()
  assert.equal(jobs.length, 2)
})

test('while Kafka is away it waits, ever longer, and is read afterwards', async (t) => {
  let isAway = true
  const { upload, once, statusOf, clock, jobs } = await open(t, {
    fails: () => (isAway ? new ReadflowError('kafka-unavailable', 'Kafka is away.') : null),
  })
  await upload('ann', 'Book Id\n1\n')
  await once()
  const waiting = await statusOf('export-ann')
  assert.deepEqual([waiting?.state, waiting?.detail, waiting?.nextMs], ['waiting', 'Kafka is away.', startMs + 5000])
  await once()
  assert.equal(jobs.length, 1)
  clock.nowMs += 5000
  await once()
  assert.equal((await statusOf('export-ann'))?.nextMs, startMs + 15_000)
  isAway = false
  clock.nowMs += 10_000
  await once()
  assert.deepEqual([(await statusOf('export-ann'))?.state, (await statusOf('export-ann'))?.detail], ['read', null])
})

test('a feed is read again at its interval, keeps its counts where nothing changed, and may become public', async (t) => {
  const sandbox = await startSandbox({ seed: 11, startMs, nowMs: () => startMs, log })
  t.after(() => sandbox.close())
  const { inbox, once, statusOf, clock, jobs } = await open(t, { sandboxUrl: sandbox.url })
  const add = (userId: string) =>
    inbox.putFeed({ id: `feed-${userId}`, kind: 'feed', name: userId, userId, feed: userId }, { userId, shelf: null, key: null })
  const userId = sandbox.userIds[3]!
  await add(userId)
  await add('7')
  await once()
  const first = await statusOf(`feed-${userId}`)
  assert.equal(first?.state, 'read')
  assert.ok((first?.counts?.['reviews'] ?? 0) > 0)
  assert.equal(first?.nextMs, startMs + 3_600_000)
  const gone = await statusOf('feed-7')
  assert.equal(gone?.state, 'failed')
  assert.match(gone?.detail ?? '', /is not there \(404\)/)
  assert.equal(gone?.nextMs, startMs + 3_600_000)
  await once()
  assert.equal(jobs.length, 2)
  clock.nowMs += 3_600_000
  await once()
  assert.equal(jobs.length, 4)
  assert.deepEqual((await statusOf(`feed-${userId}`))?.counts, first?.counts)
  assert.equal((await statusOf(`feed-${userId}`))?.nextMs, startMs + 7_200_000)
})

test('one that was broken off is read again after a restart, and of one that was removed nothing is written', async (t) => {
  const { inbox, upload, once, statusOf } = await open(t)
  const { revision } = await upload('ann', 'Book Id\n1\n')
  const broken = { revision, state: 'reading', detail: null, counts: null, unreadLines: 0, readAt: null, nextMs: null, ends: {} } as const
  await inbox.writeStatus('export-ann', broken)
  assert.ok(isDue((await inbox.get('export-ann'))!, startMs))
  await once()
  assert.equal((await statusOf('export-ann'))?.state, 'read')
  assert.equal(await inbox.remove('export-ann'), true)
  await inbox.writeStatus('export-ann', broken)
  assert.deepEqual(await inbox.list(), [])
})

test('ids name a person, and give back the user id of the records', () => {
  assert.equal(exportId('Ann  B.'), 'export-ann-b')
  assert.equal(exportId('Железа'), 'export-железа')
  assert.equal(exportId('../..'), null)
  assert.equal(exportId('x'.repeat(300))?.length, 47)
  assert.equal(feedId({ userId: '12', shelf: '#ALL#' }), 'feed-12-all')
  assert.equal(feedId({ userId: '12', shelf: '…' }), 'feed-12')
  assert.equal(userOfShelf('export-ann-b'), 'export-ann-b')
  assert.equal(userOfShelf('feed-12-to-read'), '12')
  for (const id of ['feed-ann', 'other-1', '../export-1', 'export-', 'export-a/b']) assert.equal(userOfShelf(id), null)
})
