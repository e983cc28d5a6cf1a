import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { after, test } from 'node:test'
import { createBronze } from '../../consumers/bronze/bronze.ts'
import { createSilver } from '../../consumers/silver/silver.ts'
import { runSink } from '../../consumers/sink/sink.ts'
import { openStore } from '../../lake/store/open.ts'
import { openDrift } from '../../lineage/drift/open.ts'
import { createEncoder, poll } from '../../producers/poll/poll.ts'
import { openPositions } from '../../producers/poll/positions.ts'
import { openSourceWatch } from '../../producers/poll/source-watch.ts'
import { startSandbox } from '../../producers/sandbox/server.ts'
import { openExport } from '../../producers/sources/export/export.ts'
import { openFeed } from '../../producers/sources/rss/feed.ts'
import type { Source } from '../../producers/sources/source.ts'
import { createLog } from '../../runtime/log.ts'
import { startTestPipeline } from '../helpers/pipeline.ts'
import { readRows } from '../helpers/tables.ts'
import { testData } from '../helpers/test-data.ts'

const log = createLog('test', 'error')
const KEY = 'S3cretKey-of-a-private_shelf'
const { stack, client, producer, registry, lakeUrl, close } = await startTestPipeline()

after(close)

/** Polls a source once, and takes in what there is; gives what Silver made of it. */
const read = async (source: Source, nowMs = Date.now) => {
  const store = openStore(lakeUrl)
  const drifts = openDrift({ store, log })
  const { signal } = new AbortController()
  const run = { id: 'p', begin: () => undefined, note: () => undefined, end: () => undefined }
  const watch = openSourceWatch({ source, store, drifts, policies: {}, log })
  const positions = openPositions(store, source.id)
  const flush = { intervalMs: 60_000, maxRows: 100_000, maxBytes: 1 << 24 }
  const sink = { store, client, producer, flush, isOnce: true, log }
  try {
    await poll({ source, positions, encode: await createEncoder(registry), producer, log, nowMs, run, watch }, signal)
    await runSink({ ...sink, stage: createBronze({ registry }) }, signal)
    return await runSink({ ...sink, stage: createSilver({ registry, store }) }, signal)
  } finally {
    await drifts.close()
    await store.close()
  }
}
const reviewsOf = async (userId: string) =>
  (await readRows(lakeUrl, 'silver/reviews', ['_key', '_order', 'user_id', 'body', 'rating', 'shelves']))
    .filter(({ user_id }) => user_id === userId)
    .sort((a, b) => (a['_order'] as number) - (b['_order'] as number))

const exports = testData('exports')
test('an export, the same again, and its update: repeats, and only what changed', { skip: exports.skip }, async () => {
  const open = (file: string) => openExport({ file: path.join(exports.path, file), user: 'a', id: 'test:a' })
  const first = await read(await open('library_export_1.csv'))
  assert.deepEqual([first['books']?.['valid'], first['reviews']?.['valid'], first['ratings']?.['valid']], [7, 7, 6])
  const again = await read(await open('library_export_1.csv'))
  assert.deepEqual([again['books']?.['repeat'], again['reviews']?.['repeat'], again['ratings']?.['repeat']], [7, 7, 6])
  assert.equal(again['reviews']?.['valid'] ?? 0, 0)

  const update = await read(await open('library_export_2.csv'))
  assert.deepEqual([update['books']?.['valid'], update['books']?.['repeat']], [1, 5])
  // One has another text, and one is gone with its rating.
  assert.deepEqual([update['reviews']?.['valid'], update['reviews']?.['repeat']], [2, 5])
  assert.equal(update['ratings']?.['valid'], 1)
  const gone = await readRows(lakeUrl, 'silver/reviews', ['_key', '_deleted'])
  assert.deepEqual(
    gone.filter(({ _deleted }) => _deleted).map(({ _key }) => _key),
    ['export-a:386372'],
  )
  assert.equal(update['ratings']?.['repeat'], 5)
  const versions = (await reviewsOf('export-a')).filter(({ _key }) => _key === 'export-a:18393961')
  assert.deepEqual(
    versions.map(({ body }) => body),
    ['review 2.\n\nline 2.', 'review 2.\n\nline 2.\nline 3.'],
  )
  const books = (await readRows(lakeUrl, 'silver/books', ['_key', '_order', 'authors', 'isbn13']))
    .filter(({ _key }) => _key === '34506')
    .sort((a, b) => (a['_order'] as number) - (b['_order'] as number))
  assert.deepEqual(
    books.map(({ authors }) => (authors as { name: string }[])[0]?.name),
    ['Terry Pratchett', 'Pratchett Terry'],
  )
  assert.equal(books[0]?.['isbn13'], '9780061020704')
})

test('a private feed comes into the tables, an hour later only what changed, and its key is in no file', async (t) => {
  const startMs = Date.now() - 7_200_000
  const clock = { nowMs: startMs }
  const sandbox = await startSandbox({ seed: 3, startMs, nowMs: () => clock.nowMs, log, feedKey: KEY })
  t.after(() => sandbox.close())
  const userId = sandbox.userIds[5]!
  const source = openFeed({ address: `${userId}?key=${KEY}`, sandboxUrl: sandbox.url, minIntervalMs: 0, log })
  const first = await read(source, () => clock.nowMs)
  const valid = first['reviews']?.['valid'] ?? 0
  assert.ok(valid > 0)
  assert.equal((await reviewsOf(userId)).length, valid)
  assert.ok((await reviewsOf(userId)).every(({ shelves }) => (shelves as string[]).length > 0))

  clock.nowMs += 3_600_000
  const later = await read(source, () => clock.nowMs)
  assert.equal((await reviewsOf(userId)).length, valid + (later['reviews']?.['valid'] ?? 0))
  const raw = await readRows(lakeUrl, 'bronze/raw', ['url', 'status', 'body', 'headers'])
  assert.ok(raw.length >= 4)
  for (const { url, body } of raw) assert.doesNotMatch(`${url}${Buffer.from(body as Uint8Array)}`, /S3cret/)
  for (const name of await readdir(`${stack.dataDir}/lake`, { recursive: true })) {
    const file = path.join(stack.dataDir, 'lake', name)
    if ((await stat(file)).isFile()) assert.equal((await readFile(file)).includes('S3cret'), false, name)
  }
})
