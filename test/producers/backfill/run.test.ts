import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { type BackfillMissing, estimateMs, openBackfillInbox } from '../../../lineage/backfill/inbox.ts'
import { cancelBackfill } from '../../../producers/backfill/poller.ts'
import { createBackfills } from '../../../producers/backfill/run.ts'
import { backfillJson, backfillLine, isWhole } from '../../../producers/backfill/show.ts'
import type { Polled } from '../../../producers/poll/poll.ts'
import type { Source } from '../../../producers/sources/source.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { createLog } from '../../../runtime/log.ts'

const range = { fromDay: '2026-01-01', toDay: '2026-01-10' }
const missing: BackfillMissing[] = []
const nothing: Polled = { books: 0, authors: 0, reviews: 0, ratings: 0 }
const source: Source = {
  name: 'goodreads-api',
  id: 'goodreads-api:test',
  isGenerated: false,
  pollIntervalMs: 1000,
  poll: async function* () {},
  backfill: async function* ({ onProgress }) {
    // Eight were of a request of the same days that was taken back.
    onProgress({ requests: 8, requestsLeft: 10, daysDone: 0, days: 10, missing })
    onProgress({ requests: 12, requestsLeft: 6, daysDone: 3, days: 10, missing })
    yield { records: [], position: {} }
  },
  close: async () => undefined,
}

type Work = (of: Source, until: AbortSignal, told: (polled: Polled) => void) => Promise<Polled>

const open = async (t: TestContext, work: Work, of: Source = source) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-backfill-'))
  t.after(() => rm(dir, { recursive: true }))
  const inbox = openBackfillInbox(dir)
  const jobs: string[] = []
  const backfills = createBackfills({
    inbox,
    source: of,
    positionsOf: () => ({ load: async () => null, save: async () => undefined }),
    poll: async (asked, job, until, told) => {
      jobs.push(`${job}; ${asked.id}`)
      // As a poll does: the source's own work, and then what is published of it.
      for await (const _ of asked.poll(null, { pollId: 'p', signal: until, log: createLog('test', 'silent'), nowMs: Date.now }));
      return work(asked, until, told)
    },
    log: createLog('test', 'silent'),
    nowMs: Date.now,
  })
  const status = async () => (await inbox.get())?.status
  return { inbox, backfills, jobs, status }
}
const { signal } = new AbortController()

test('what is asked for is run once, with a position of its own, and says what it came to', async (t) => {
  const { inbox, backfills, jobs, status } = await open(t, async () => ({ ...nothing, reviews: 7 }))
  await backfills.once(signal)
  assert.deepEqual(jobs, [], 'nothing was asked for')
  await inbox.put(range)
  await backfills.once(signal)
  assert.deepEqual(jobs, ['backfill 2026-01-01 to 2026-01-10; goodreads-api:test backfill 2026-01-01 2026-01-10'])
  const { state, requests, records, daysDone, days } = (await status())!
  assert.deepEqual(
    { state, requests, reviews: records['reviews'], daysDone, days },
    { state: 'done', requests: 4, reviews: 7, daysDone: 10, days: 10 },
  )
  await backfills.once(signal)
  assert.equal(jobs.length, 1, 'what is over is not run again')
})

test('a stop leaves it to be gone on with, and records are counted over both parts', async (t) => {
  const stopping = new AbortController()
  const { inbox, backfills, jobs, status } = await open(t, async (_of, until, told) => {
    if (jobs.length > 1) return { ...nothing, reviews: 2 }
    told({ ...nothing, reviews: 5 })
    stopping.abort(new Error('told to stop'))
    throw until.reason
  })
  await inbox.put(range)
  await assert.rejects(backfills.once(stopping.signal), /told to stop/)
  assert.equal((await status())?.state, 'waiting')
  assert.equal((await status())?.records['reviews'], 5)
  await backfills.once(signal)
  assert.deepEqual([(await status())?.state, (await status())?.records['reviews']], ['done', 7])
})

test('taken back while it runs it ends, and taken back before it never begins', async (t) => {
  const { inbox, backfills, jobs, status } = await open(t, async (_of, until) => {
    await inbox.cancel()
    return new Promise((_, reject) => until.addEventListener('abort', () => reject(until.reason)))
  })
  await inbox.put(range)
  await backfills.once(signal)
  assert.equal((await status())?.state, 'cancelled')
  await inbox.put(range)
  await inbox.cancel()
  await backfills.once(signal)
  assert.deepEqual([(await status())?.state, jobs.length], ['cancelled', 1])
})

test('what needs a person fails with one line, and a source that has nothing by date says why', async (t) => {
  const refused = await open(t, () => Promise.reject(new ReadflowError('source-refused', 'The key is not valid.')))
  await refused.inbox.put(range)
  await refused.backfills.once(signal)
  const { state, detail } = (await refused.status())!
  assert.deepEqual([state, detail], ['failed', 'The key is not valid.'])
  const { backfill: _, ...without } = source
  const file = await open(t, async () => nothing, { ...without, name: 'dataset' })
  await file.inbox.put(range)
  await file.backfills.once(signal)
  assert.match((await file.status())?.detail ?? '', /every poll reads all of it/)
})

test('one process takes backfills; what a killed one left behind counts as none', async (t) => {
  const { inbox } = await open(t, async () => nothing)
  assert.equal(await inbox.owner(), null)
  assert.equal(await inbox.tryOwn('here'), true)
  assert.equal(await inbox.tryOwn('here'), true)
  assert.equal((await inbox.owner())?.source, 'here')
  await inbox.disown()
  assert.equal(await inbox.owner(), null)
})

test('the estimate is the pace so far for what is left, and nothing before the first request', () => {
  const status = {
    id: 'a',
    state: 'running' as const,
    detail: null,
    requests: 10,
    requestsLeft: 30,
    records: { reviews: 4, ratings: 0 },
    daysDone: 2,
    days: 8,
    missing,
    workedMs: 20_000,
    updatedAt: '',
  }
  assert.equal(estimateMs(status), 60_000)
  assert.equal(estimateMs({ ...status, requests: 0 }), null)
  const request = { id: 'a', ...range, askedAt: '', isCancelled: false }
  assert.equal(
    backfillLine({ request, status }),
    '2026-01-01 to 2026-01-10: running: 2 of 8 days; 10 of about 40 requests; 4 reviews; 20s, about 1m left',
  )
  assert.match(backfillLine({ request, status: null }, true), /waiting: stage poll is paused.*readflow resume poll/)
})

test('what could not be had is said at the end, in text and JSON', async (t) => {
  const gone = [7, 9, 11].map((id) => ({ kind: 'reader' as const, id: String(id), why: 'review.list answered 404: there is none.' }))
  const backfill: Source['backfill'] = async function* ({ onProgress }) {
    onProgress({ requests: 4, requestsLeft: 0, daysDone: 10, days: 10, missing: gone })
    yield { records: [], position: {} }
  }
  const { inbox, backfills } = await open(t, async () => nothing, { ...source, backfill })
  await inbox.put(range)
  await backfills.once(signal)
  const end = (await inbox.get())!
  assert.match(backfillLine(end), /: done, but 3 readers could not be had: 7, 9, 11: 10 of 10 days; 0 requests/)
  const { ok, state, missing: told } = backfillJson(end)
  assert.deepEqual([ok, state, told, isWhole(end)], [false, 'done', gone, false])
})

test('taken back while its poller does not answer, that is said; where none works on it, it ends at once', async (t) => {
  const { inbox, status } = await open(t, async () => nothing)
  await inbox.put(range)
  await inbox.tryOwn('here')
  const asked = cancelBackfill(inbox, { isPaused: false, signal, patienceMs: 0 })
  await assert.rejects(asked, new RegExp(`^ReadflowError: It is taken back; the poller \\(process ${process.pid}\\) does not answer`))
  assert.equal((await inbox.get())?.request.isCancelled, true)
  await cancelBackfill(inbox, { isPaused: true, signal })
  assert.equal((await status())?.state, 'cancelled')
})

test('of processes that come at the same moment one takes backfills, also after one that was killed', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-backfill-'))
  t.after(() => rm(dir, { recursive: true }))
  await mkdir(path.join(dir, 'backfill'))
  await writeFile(path.join(dir, 'backfill/poller.json'), JSON.stringify({ pid: process.pid, mark: 'before', source: 'gone' }))
  const code = `const { openBackfillInbox } = await import(${JSON.stringify(new URL('../../../lineage/backfill/inbox.ts', import.meta.url).href)})
    process.stdin.once('data', async () => console.log(await openBackfillInbox(${JSON.stringify(dir)}).tryOwn('here')))
    console.log('ready')`
  const children = [1, 2, 3].map(() => spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] }))
  const lines = children.map((child) => createInterface({ input: child.stdout })[Symbol.asyncIterator]())
  const next = () => Promise.all(lines.map(async (each) => (await each.next()).value))
  try {
    assert.deepEqual(await next(), ['ready', 'ready', 'ready'])
    for (const child of children) child.stdin.write('now')
    assert.deepEqual((await next()).sort(), ['false', 'false', 'true'])
  } finally {
    for (const child of children) child.kill()
  }
})
